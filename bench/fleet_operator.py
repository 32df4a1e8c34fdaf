"""The operator as a process of its own, as its image starts it, and what it costs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from bench.failure import BenchError
from bench.fleet_cluster import FleetCluster
from bench.machine import PROJECT
from tests.ports import free_ports

NAMESPACE: Final = "queueconsumer-system"
LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
LEASE: Final = f"{LEASES}/queueconsumer-operator"
END_WITHIN: Final = 15.0
SCRAPED_EVERY: Final = 15.0
"""Seconds between two reads of the whole of /metrics, as is usual with Prometheus."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A process that runs."""

    process: subprocess.Popen[bytes]
    port: int
    session: aiohttp.ClientSession
    started_at: float
    scrapes: list[float] = field(default_factory=list)
    """Seconds that each read of the whole of /metrics took."""

    def processor_seconds(self) -> float:
        """User and system time of all its threads so far (proc_pid_stat(5))."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mib(self) -> float:
        """Memory that it has now."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE / 2**20

    async def metric(self, sample: str) -> float:
        """One of its metrics, with the labels that it has: `name` or `name{label="value"}`."""
        name = sample.partition("{")[0]
        async with self.session.get(self._url("/metrics"), params={"name[]": name}) as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith(f"{sample} "):
                    return float(line.split()[1])
        raise BenchError(f"the operator has no metric {sample}")

    @contextlib.contextmanager
    def scraped(self) -> Iterator[None]:
        """Read the whole of /metrics again and again during the block."""
        task = asyncio.create_task(self._scrape())
        try:
            yield
        finally:
            task.cancel()

    async def _scrape(self) -> None:
        while True:
            began = time.monotonic()
            async with self.session.get(self._url("/metrics")) as answer:
                await answer.read()
            self.scrapes.append(time.monotonic() - began)
            await asyncio.sleep(SCRAPED_EVERY)

    async def until_ready(self, *, within: float) -> None:
        """Wait until it knows all objects, so that it could lead."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        async with self.session.get(self._url("/readyz")) as answer:
                            if answer.ok:
                                return
                    await asyncio.sleep(0.1)
        raise BenchError(f"the operator is not ready within {within:.0f} s; see its log")

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

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


async def make_lease(cluster: FleetCluster) -> None:
    """Make the Lease as a leader leaves it that was told to end; without it the first one waits as long as it lasts."""
    await cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    metadata = {"name": "queueconsumer-operator", "labels": {"queueconsumer.dev/operator": "queueconsumer-operator"}}
    released = {"holderIdentity": "", "leaseDurationSeconds": 1}
    await cluster.call("POST", LEASES, {"metadata": metadata, "spec": released})


@contextlib.asynccontextmanager
async def running(
    *, kubeconfig: Path, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Operator]:
    """Run it for the block, unless it is ended there."""
    (port,) = free_ports(1)
    # As a pod: with a Lease to hold. Nothing else of this process's environment matters to it.
    variables = os.environ | {
        "KUBECONFIG": str(kubeconfig),
        "POD_NAMESPACE": NAMESPACE,
        "POD_NAME": f"bench-{port}",
        "QC_PORT": str(port),
        **(environment or {}),
    }
    with log.open("ab") as written:
        process = subprocess.Popen(  # noqa: ASYNC220 - our own module, started before anything is measured
            [sys.executable, "-m", "qc_operator"], cwd=PROJECT, env=variables, stdout=written, stderr=written
        )
    try:
        async with aiohttp.ClientSession() as session:
            yield Operator(process=process, port=port, session=session, started_at=time.monotonic())
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
