"""What the live page costs and how soon it shows a scaling: 1,000 rows, 20 people who look on.

The page runs in a process of its own, which does nothing but tell it what autoscalers would; the same process without a
page is what its processor time is compared with. Viewers are connections that read all that is sent, as fast as a
browser would. Every QueueConsumer decides each second. "all move" means that every row looks otherwise each time, which
a fleet never does; "some move" is one in ten.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
from rich.console import Console

from bench.machine import Machine, package_versions
from bench.page_operator import SCALED
from bench.page_scene import fleet, utcnow
from bench.percentiles import percentile
from bench.report import Figure, Report, publish
from qc_operator.page import files
from qc_operator.page.board import Board
from qc_operator.page.history import MOST_BYTES

SETTLE = 3.0
HOURS = 6


@dataclass
class Received:
    """What came at one viewer."""

    size: int = 0
    events: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds from the write of replicas to the sight of it."""


def processor_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), /proc/pid/stat)."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a line of the kernel's
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def operator(*, members: int, moving: int, without: bool = False) -> AsyncIterator[tuple[int, str]]:
    """The process and its address."""
    command = ["-m", "bench.page_operator", f"--members={members}", f"--moving={moving}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, *(["--without"] if without else []), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    port = int(await process.stdout.readline())
    # The statuses are made before the first is told.
    await asyncio.sleep(SETTLE)
    try:
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def look(http: aiohttp.ClientSession, url: str, received: Received, *, reads: bool) -> None:
    """Be a viewer; one that `reads` finds the scalings in what comes."""
    async with http.get(f"{url}/api/v1/stream") as response:
        while True:
            line = await response.content.readuntil(b"\n")
            received.size += len(line)
            if line.startswith(b"event: "):
                received.events += 1
            if reads and line.startswith(b"data: ") and b'"scalings":[]' not in line[:4000]:
                now = time.time()
                told = json.loads(line[6:])["scalings"]
                received.delays += [now - float(each["message"]) for each in told if each["reason"] == SCALED]


async def used(pid: int, *, seconds: float) -> float:
    """Per cent of a core in these seconds."""
    before, began = processor_seconds(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (processor_seconds(pid) - before) / (time.monotonic() - began)


async def watched(*, members: int, viewers: int, moving: int, seconds: float) -> tuple[float, float, Received]:
    """Per cent of a core without viewers and with them, and what one of them was sent."""
    async with operator(members=members, moving=moving) as (pid, url):
        alone = await used(pid, seconds=seconds)
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, read_bufsize=2**22) as http:
            first = Received()
            others = [asyncio.create_task(look(http, url, Received(), reads=False)) for _ in range(viewers - 1)]
            others.append(asyncio.create_task(look(http, url, first, reads=True)))
            await asyncio.sleep(SETTLE)
            # Those of before it looked came with all rows.
            first.size, first.events, first.delays = 0, 0, []
            crowded = await used(pid, seconds=seconds)
            for task in others:
                assert not task.done(), task.exception()
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
    return alone, crowded, first


def memory(*, members: int) -> float:
    """KiB that one QueueConsumer takes after hours in which it never stood still."""
    courses, now = fleet(members), utcnow()
    board = Board(utcnow=utcnow)
    statuses = [course.step(now, second=0, length=1)[0] for course in courses]
    tracemalloc.start()
    began = tracemalloc.get_traced_memory()[0]
    for second in range(0, HOURS * 3600, 15):
        for course, status in zip(courses, statuses, strict=True):
            status["queues"][0]["ready"] = second
            board.told(
                course.about, status=status, change=None, now=now.fromtimestamp(now.timestamp() + second, now.tzinfo)
            )
    taken = tracemalloc.get_traced_memory()[0] - began
    tracemalloc.stop()
    return taken / members / 1024


async def measure(*, members: int, viewers: int, seconds: float, console: Console) -> list[Figure]:
    """All figures."""
    figures = []
    for words, moving in (("some move", 10), ("all move", 100)):
        console.print(f"{members} QueueConsumers, {words}: without the page, without viewers, with {viewers}")
        async with operator(members=members, moving=moving, without=True) as (pid, _):
            bare = await used(pid, seconds=seconds)
        alone, crowded, received = await watched(members=members, viewers=viewers, moving=moving, seconds=seconds)
        figures += [
            Figure(name=f"{words}: processor while nobody looks", value=alone - bare, unit="% of a core"),
            Figure(
                name=f"{words}: processor with {viewers} viewers", value=crowded - bare, unit="% of a core", goal=2.0
            ),
            Figure(
                name=f"{words}: sent to a viewer", value=received.size / seconds / 1024, unit="KiB/s"
            ),
            Figure(
                name=f"{words}: write of replicas to sight, p50", value=percentile(received.delays, rank=50), unit="s"
            ),
            Figure(
                name=f"{words}: write of replicas to sight, p99",
                value=percentile(received.delays, rank=99),
                unit="s",
                goal=1.0,
            ),
        ]  # fmt: skip
    packed = sum(len(file.packed) for file in files.load().values())
    return [
        *figures,
        Figure(name="all files, compressed", value=packed / 1000, unit="kB", goal=60),
        Figure(name="course of a queue that always moves, at most", value=MOST_BYTES / 1024, unit="KiB"),
        Figure(name="memory of a QueueConsumer on the page, at most", value=memory(members=50), unit="KiB", goal=24),
    ]


def main() -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    console, machine = Console(stderr=True), Machine()
    figures = asyncio.run(
        measure(members=options.members, viewers=options.viewers, seconds=options.seconds, console=console)
    )
    report = Report(
        bench="page", machine=machine.facts(), versions=package_versions("aiohttp", "msgspec"), figures=figures
    )
    publish(report, console=console)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
