"""The operator as a process of its own, as its image starts it, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from bench.failure import BenchError
from bench.machine import PROJECT
from tests.ports import free_ports

NAMESPACE: Final = "queueconsumer-system"
END_WITHIN: Final = 15.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A process that runs."""

    pid: int
    port: int
    session: aiohttp.ClientSession
    started_at: float

    def processor_seconds(self) -> float:
        """User and system time of all its threads so far (proc_pid_stat(5))."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mib(self) -> float:
        """Memory that it has now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE / 2**20

    async def metric(self, sample: str) -> float:
        """One of its metrics, with the labels that it has: `name` or `name{label="value"}`."""
        name = sample.partition("{")[0]
        async with self.session.get(f"http://127.0.0.1:{self.port}/metrics", params={"name[]": name}) as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith(f"{sample} "):
                    return float(line.split()[1])
        raise BenchError(f"the operator has no metric {sample}")

    async def until_decided(self, members: int, *, within: float) -> float:
        """Wait until it has decided once for each member; seconds since it was started."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        decided = await self.metric('queueconsumer_operator_resources{phase="ready"}')
                        if decided >= members:
                            return time.monotonic() - self.started_at
                    await asyncio.sleep(0.1)
        raise BenchError(f"the operator has not decided for all {members} within {within:.0f} s; see its log")


@contextlib.asynccontextmanager
async def running(
    *, kubeconfig: Path, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Operator]:
    """Run it for the block."""
    (port,) = free_ports(1)
    # As a pod: with a Lease to hold. Nothing else of this process's environment matters to it.
    variables = os.environ | {
        "KUBECONFIG": str(kubeconfig),
        "POD_NAMESPACE": NAMESPACE,
        "POD_NAME": "bench",
        "QC_PORT": str(port),
        **(environment or {}),
    }
    with log.open("ab") as written:
        process = subprocess.Popen(  # noqa: ASYNC220 - our own module, started before anything is measured
            [sys.executable, "-m", "qc_operator"], cwd=PROJECT, env=variables, stdout=written, stderr=written
        )
    try:
        async with aiohttp.ClientSession() as session:
            yield Operator(pid=process.pid, port=port, session=session, started_at=time.monotonic())
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
