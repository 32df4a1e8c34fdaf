"""What a scrape of /metrics costs, and what it takes to keep it that cheap, beside plain prometheus_client.

Both have the same series with the same numbers, of QueueConsumers that have every metric that a usual one can have.
Nothing is served over HTTP: the text is made, and compressed as Prometheus asks for it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from rich.console import Console

from bench.machine import Machine, package_versions
from bench.percentiles import percentile
from bench.report import Figure, Report, publish
from bench.scrape_scene import HISTORY_TURNS, Turn, keys, plain, served, turns
from qc_operator.exposition import packed, scraped
from qc_operator.metric_families import FAMILIES
from qc_operator.metrics import Metrics
from qc_operator.registry import Key

Each = TypeVar("Each")

GOALS = {1000: 0.05, 10_000: 0.6}
"""Seconds of CPU for one scrape, by QueueConsumers."""


async def scrape(metrics: Metrics, *, gzip: bool = True) -> tuple[float, float, int]:
    """Seconds of CPU of a scrape, the longest in which the event loop did nothing else, and the bytes sent."""
    stop, longest = asyncio.Event(), 0.0
    gc.collect()  # of what was made before

    async def look() -> None:
        nonlocal longest
        while not stop.is_set():
            # Of this process alone: what else the machine does holds up nobody's event loop.
            before = time.process_time()
            await asyncio.sleep(0)
            longest = max(longest, time.process_time() - before)

    looking = asyncio.create_task(look())
    await asyncio.sleep(0.01)
    longest, began, size = 0.0, time.process_time(), 0
    text = scraped(objects=metrics.objects, process=metrics.process, openmetrics=True)
    async for piece in packed(text, gzip=gzip):
        size += len(piece)
    took = time.process_time() - began
    stop.set()
    await looking
    return took, longest, size


def plain_scrape(registry: CollectorRegistry) -> float:
    """Seconds of CPU of the same by prometheus_client, compressed at the same level."""
    began = time.process_time()
    zlib.compress(generate_latest(registry), 1)
    return time.process_time() - began


def text_of(metrics: Metrics) -> bytes:
    """All series of QueueConsumers in the text format."""
    return b"".join(metrics.objects.pieces(openmetrics=False))


def measured_apart(members: int, *, times: int) -> list[Figure]:
    """The figures of so many QueueConsumers, from a process of its own: memory that was used before is used again."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, members, times=times).result()


def measured(members: int, *, times: int) -> list[Figure]:
    """The figures of so many QueueConsumers; their memory is right in a process that has measured none."""
    return list(_measured(members, taken=turns(HISTORY_TURNS), times=times))


def grown(objects: Sequence[Key], *, last: Turn) -> tuple[Metrics, int]:
    """Metrics of these that have been scraped once, and the bytes of memory that they take.

    The first scrape writes every line, and lines are kept: they are half of it.
    """
    before = _resident()
    metrics = served(objects, last=last)
    for _ in metrics.objects.pieces(openmetrics=True):
        pass
    return metrics, _resident() - before


def _measured(members: int, *, taken: list[Turn], times: int) -> Iterator[Figure]:
    name, objects = f"{members:,}: ", keys(members)
    metrics, memory = grown(objects, last=taken[-1])
    lines = [line for line in text_of(metrics).splitlines() if not line.startswith(b"#")]
    yield Figure(name=f"{name}series per QueueConsumer", value=len(lines) / members, unit="", goal=45)
    yield Figure(name=f"{name}text per QueueConsumer", value=sum(map(len, lines)) / members / 1000, unit="kB", goal=5)
    yield Figure(name=f"{name}memory per QueueConsumer", value=memory / members / 1024, unit="KiB")
    costs = []
    for turn in (taken * times)[-times:]:
        for key in objects:
            turn.show(metrics.of(key))
        costs.append(asyncio.run(scrape(metrics)))
    cost = percentile([cost for cost, _, _ in costs], rank=50)
    yield Figure(name=f"{name}one scrape, all moving, CPU", value=cost * 1000, unit="ms", goal=_goal(members))
    rest = percentile([asyncio.run(scrape(metrics))[0] for _ in range(times)], rank=50)
    yield Figure(name=f"{name}one scrape, all at rest, CPU", value=rest * 1000, unit="ms")
    longest = percentile([longest for _, longest, _ in costs], rank=50)
    yield Figure(name=f"{name}longest hold of the event loop meanwhile", value=longest * 1000, unit="ms", goal=20)
    yield Figure(name=f"{name}sent, compressed", value=costs[0][2] / 1000, unit="kB")
    one = metrics.of(objects[0])
    shown = metrics.objects.of(objects[0])
    values = {family: value for family in FAMILIES if (value := shown.value(family)) is not None}
    before = _resident()
    registry = plain(objects, values=values)
    memory = _resident() - before
    theirs = percentile([plain_scrape(registry) for _ in range(max(2, times // 5))], rank=50)
    yield Figure(name=f"{name}the same by prometheus_client, CPU", value=theirs * 1000, unit="ms")
    yield Figure(name=f"{name}memory of the same by prometheus_client", value=memory / members / 1024, unit="KiB")
    yield Figure(name=f"{name}prometheus_client / ours", value=theirs / cost, unit="x")
    gc.disable()  # as in `bench.decide`
    each = _mean(lambda turn: turn.show(one), taken * times)
    yield Figure(name=f"{name}showing one turn", value=each * 1e6, unit="us")
    yield Figure(
        name=f"{name}taking one QueueConsumer away", value=_mean(metrics.forget, objects[:500]) * 1e6, unit="us"
    )
    gc.enable()


def _goal(members: int) -> float | None:
    return GOALS[members] * 1000 if members in GOALS else None


def _mean(action: Callable[[Each], None], of: Sequence[Each]) -> float:
    """Seconds of CPU of each."""
    began = time.process_time()
    for each in of:
        action(each)
    return (time.process_time() - began) / len(of)


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 when it has figures."""
    options = _options(arguments)
    console = Console(stderr=True)
    figures: list[Figure] = []
    for members in options.members:
        console.print(f"scraping {members:,} QueueConsumers")
        figures += measured_apart(members, times=options.times)
    versions = package_versions("prometheus-client")
    publish(Report(bench="scrape", machine=Machine().facts(), versions=versions, figures=figures), console=console)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scrape", description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[1000, 10_000], help="QueueConsumers")
    parser.add_argument("--times", type=int, default=10, help="scrapes of each (default: %(default)s)")
    options = parser.parse_args(arguments)
    if min(*options.members, options.times) < 1:
        parser.error("--members and --times are 1 or more")
    return options


if __name__ == "__main__":
    sys.exit(main())
