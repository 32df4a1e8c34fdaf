"""`make bench-faults`: what is told of a queue during each fault, that no replica goes, and how soon it is read again.

For each release of RabbitMQ nodes of its own on this machine; the reading with the operator's default settings, and its
decision on every reading. docs/reading-queues.md has the last figures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator, Sequence

import pytest
from rich.console import Console

from bench.failure import BenchError
from bench.faults_list import FAULTS, Fault
from bench.faults_scene import Broker, Scene, scene
from bench.machine import Machine, package_versions
from bench.report import Figure, Missing, Report, publish
from devcluster.failure import Failure
from tests.adapters.operator.keeper import REPLICAS
from tests.certificates import Authority, ServerTls
from tests.rabbitmq_fleet import RELEASES, calm
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_release import RabbitMQMissingError
from tests.toxiproxy import Toxiproxy

TOLD_WITHIN = 90.0
"""Seconds: a Secret is read every 30 s, and two heartbeats are 20 s."""
NOTES = (
    f"The target has {REPLICAS} replicas, and one reading that was taken for an empty queue would take some of them.",
    "Told after: from when the fault is there. Again after: from when it is mended, and for a node from its start.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 0 when something was measured, whether or not goals are met."""
    options = _options(arguments)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # What was started is ended on the way out.
    machine = Machine()
    figures: list[Figure] = []
    missing: list[Missing] = []
    versions = package_versions("pika", "aiohttp")
    chosen = [fault for fault in FAULTS if any(word in fault.name for word in options.faults)]
    for nodes in (1, 2):
        faults = [fault for fault in chosen if fault.home + 1 == nodes]
        if not faults:
            continue
        with contextlib.ExitStack() as stack:
            brokers = []
            for release in options.releases:
                try:
                    broker = stack.enter_context(_running(release, nodes=nodes))
                except BenchError as error:
                    missing.append(Missing(name=f"RabbitMQ {release}", reason=str(error)))
                else:
                    brokers.append(broker)
                    version = ".".join(str(part) for part in broker.nodes[0].release.version)
                    versions[f"rabbitmq_{release}"] = version
            asyncio.run(_measure(faults, brokers, console=console, figures=figures, missing=missing))
    report = Report(
        bench="faults", machine=machine.facts(), versions=versions, figures=figures, missing=missing, notes=NOTES
    )
    publish(report, console=console)
    return 0 if figures else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--releases", nargs="+", choices=RELEASES, default=RELEASES)
    parser.add_argument("--faults", nargs="+", default=[""], help="words that a fault's name has; default: all faults")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _running(release: str, *, nodes: int) -> Iterator[Broker]:
    """Run a broker of so many nodes for the block. Raises BenchError when there is none."""
    authority = Authority()
    with contextlib.ExitStack() as stack:
        try:
            tls = ServerTls(authority=authority, certificate=authority.server(), management=True)
            made = [RabbitMQNode(release=release, tls=tls)]
            stack.callback(made[0].close)
            made[0].start()
            if nodes > 1:
                made.append(RabbitMQNode(release=release, cluster_of=made[0]))
                stack.callback(made[1].close)
                made[1].start()
            toxiproxy = stack.enter_context(Toxiproxy())
        except (RabbitMQMissingError, Failure, RuntimeError) as error:
            raise BenchError(f"RabbitMQ {release} is not to be had: {error}") from error
        yield Broker(release=release, nodes=tuple(made), authority=authority, toxiproxy=toxiproxy)


async def _measure(
    faults: Sequence[Fault],
    brokers: Sequence[Broker],
    *,
    console: Console,
    figures: list[Figure],
    missing: list[Missing],
) -> None:
    """Take one fault after the other, on all releases at the same time: most of it is waiting."""
    for fault in faults:
        for found in await asyncio.gather(*(_outcome(fault, broker) for broker in brokers)):
            if isinstance(found, Missing):
                missing.append(found)
                _say(console, f"{found.name}: missing, {found.reason}")
            else:
                figures += found
                for figure in found:
                    _say(console, f"{figure.name}: {figure.value:.3g} {figure.unit}")
        for broker in brokers:
            calm(*broker.nodes)  # Also after a fault that was not mended.


async def _outcome(fault: Fault, broker: Broker) -> list[Figure] | Missing:
    name = f"RabbitMQ {broker.release}, {fault.name}"
    try:
        async with scene(broker, way=fault.way, home=fault.home, arguments=fault.arguments) as on:
            return await _take(fault, on, name=name)
    except (pytest.fail.Exception, AssertionError, OSError, RuntimeError) as error:
        return Missing(name=name, reason=str(error)[:500])


async def _take(fault: Fault, on: Scene, *, name: str) -> list[Figure]:
    witness = on.witness
    witness.forget()
    began = time.monotonic()
    async with fault.strike(on):
        struck = time.monotonic()
        if fault.tells:
            await witness.until(lambda _: witness.told, within=TOLD_WITHIN)
        await asyncio.sleep(began + fault.lasts - time.monotonic())
        told, totals_told = dict(witness.told), dict(witness.totals_told)
    depth, totals = await witness.heals(after=fault.name)
    words = ", then ".join(told) or "read on"
    if totals_told:
        words += f"; totals: {', then '.join(totals_told)}"
    named = f"{name} ({words})"
    seconds = {"read again after": depth, "totals again after": totals}
    if fault.tells:
        seconds = {"told after": max(0.0, min(told.values()) - struck)} | seconds
    return [
        *(Figure(name=f"{named}: {what}", value=value, unit="s") for what, value in seconds.items()),
        Figure(name=f"{named}: replicas, the fewest", value=witness.lowest, unit="", goal=REPLICAS, better="more"),
    ]


def _say(console: Console, line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
