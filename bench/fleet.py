"""`make bench-fleet`: what one operator process costs with thousands of QueueConsumers, and how fast it is then.

A real API server and a real RabbitMQ on this machine, all targets at zero, in ten namespaces with a vhost each.
docs/benchmarks.md says how to read the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.failure import BenchError
from bench.fleet_cluster import FleetCluster
from bench.fleet_objects import make_objects, make_queues
from bench.fleet_operator import Operator, make_lease, running
from bench.fleet_scenario import Effort, Goals, scenario
from bench.machine import Machine, package_versions
from bench.reader_broker import Broker
from bench.reader_broker import running as broker_running
from bench.report import Figure, Missing, Report, publish
from tests.e2e.hpa.control_plane import ControlPlane

GOALS = {
    1_000: Goals(cpu=20, resident=200, decided=5, p50=150, p99=500, together=2),
    10_000: Goals(cpu=100, resident=1024, decided=30, p50=1000, p99=2000, together=2),
}
NOTES = (
    "CPU is percent of one core. The API server, the broker and the bench run on the same machine.",
    "All metrics are read every 15 s, as Prometheus does, but during take-over and churn.",
    "Of 50 reactions the p99 is the worst.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 0 when something was measured, whether or not goals are met."""
    options = _options(arguments)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # What was started is ended on the way out.
    machine, figures, missing = Machine(), list[Figure](), list[Missing]()
    versions = package_versions("kopf", "aiohttp", "pika")
    effort = Effort(
        seconds=options.seconds,
        reactions=options.reactions,
        at_once=options.at_once,
        take_over=options.take_over,
        churn_seconds=options.churn_seconds,
    )
    for members in options.members:
        try:
            with broker_running(options.release) as broker:
                versions["rabbitmq"] = broker.version
                asyncio.run(_measure(broker, members, effort, console=console, figures=figures))
        except (BenchError, OSError, TimeoutError) as error:
            missing.append(Missing(name=f"{members:,}: what is not above", reason=str(error) or type(error).__name__))
            _say(console, f"missing: {missing[-1].reason}")
    report = Report(
        bench="fleet", machine=machine.facts(), versions=versions, figures=figures, missing=missing, notes=NOTES
    )
    publish(report, console=console)
    return 0 if figures else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--members", nargs="+", type=int, default=tuple(GOALS), help="QueueConsumers (default: both)")
    parser.add_argument("--release", choices=("3.10", "4"), default="4", help="of RabbitMQ (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the steady state (default: %(default)s)")
    parser.add_argument("--reactions", type=int, default=50, help="timed one by one (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=200, help="queues that wake together (default: %(default)s)")
    parser.add_argument("--no-take-over", dest="take_over", action="store_false", help="leave out the second process")
    parser.add_argument("--churn-seconds", type=float, default=60.0, help="default: %(default)s; the goal is for 1800")
    options = parser.parse_args(arguments)
    if min(options.members) < options.reactions + options.at_once or min(options.seconds, options.reactions) < 1:
        parser.error("--members must be at least --reactions and --at-once together, the others 1 or more")
    return options


async def _measure(broker: Broker, members: int, effort: Effort, *, console: Console, figures: list[Figure]) -> None:
    def tell(figure: Figure) -> None:
        named = dataclasses.replace(figure, name=f"{members:,}: {figure.name}")
        figures.append(named)
        goal = "" if named.goal is None else f"   (goal {named.goal:g}, {'met' if named.met else 'NOT met'})"
        _say(console, f"{named.name}: {named.value:.4g} {named.unit}{goal}")

    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qc-fleet-")))
        plane = ControlPlane(folder)
        stack.callback(plane.close)
        await asyncio.to_thread(plane.start)
        kubeconfig = folder / "kubeconfig.json"
        kubeconfig.write_text(json.dumps(plane._kubeconfig()))  # noqa: SLF001 - as its own controller gets it
        cluster = await stack.enter_async_context(FleetCluster(plane))
        _say(console, f"{members:,} queues, targets and QueueConsumers are made")
        fleet = await asyncio.to_thread(make_queues, broker, members=members)
        await cluster.install()
        await make_objects(cluster, fleet)
        await make_lease(cluster)
        await asyncio.to_thread(broker.rest)
        log = Path(tempfile.gettempdir()) / f"qc-fleet-{members}.log"
        log.unlink(missing_ok=True)
        _say(console, f"the operator starts; its log: {log}")

        async def start() -> Operator:
            return await stack.enter_async_context(running(kubeconfig=kubeconfig, log=log))

        goals = GOALS.get(members, Goals())
        await scenario(cluster, broker, fleet, start=start, effort=effort, goals=goals, tell=tell)


def _say(console: Console, line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
