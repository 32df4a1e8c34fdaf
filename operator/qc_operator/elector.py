"""Gets the right to write by a Lease, keeps it, and tells when it comes and goes."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from qc_operator.candidate import Candidate, LeaseStore
from qc_operator.cluster.client import ApiError
from qc_operator.election_log import SOON, ElectionLog
from qc_operator.lease_record import JITTER, LOOKS, Timing
from qc_operator.sharding import Shard

SETTLE: Final = 0.5
"""Seconds for which writes under way are waited for when the process ends. If they take longer the Lease is kept."""
RELEASE: Final = 0.4
"""Seconds for giving the Lease back."""

log = logging.getLogger(__name__)


def boot_time() -> float:
    """Seconds of a clock that goes on while the machine is suspended, unlike Linux's monotonic one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


async def nothing_under_way() -> None:
    """Wait for no write."""


class Elector:
    """Of one process, for one shard; `run()` it once.

    `operator` is the installation's name, by which its Leases are called. `identity` must be the process's own, another
    one after each start. `settled` waits for the writes under way, and `on_change` is told what `run` tells, for a
    metric. Times are seconds of `clock`.
    """

    def __init__(
        self,
        *,
        leases: LeaseStore,
        operator: str,
        identity: str,
        shard: Shard,
        timing: Timing,
        settled: Callable[[], Awaitable[None]] = nothing_under_way,
        on_change: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] = boot_time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._candidate = Candidate(
            leases=leases, operator=operator, identity=identity, shard=shard, timing=timing, clock=clock
        )
        self._log = ElectionLog(candidate=self._candidate, identity=identity)
        self._timing = timing
        self._settled = settled
        self._on_change = on_change
        self._clock = clock
        self._jitter = jitter
        self._stopping = asyncio.Event()
        self.leading = False
        """What was told last."""

    def remaining(self) -> float:
        """For how many seconds writing is allowed, 0 when it is not."""
        return 0.0 if self._stopping.is_set() else self._candidate.remaining()

    @property
    def holder(self) -> str:
        """Whose the Lease is, as far as was seen; empty when it is nobody's, or was not seen yet."""
        return self._log.holder

    @property
    def problem(self) -> str | None:
        """Why it cannot lead and cannot stand by either, and what to do about it, as a sentence; else None."""
        obstacle = self._candidate.obstacle
        return self._log.failing or (None if obstacle is None else obstacle.message)

    def stop(self) -> None:
        """Have nothing more written from now on, and `run` give the Lease back and end, within a second."""
        self._stopping.set()

    async def run(self, *, on_lead: Callable[[], None], on_follow: Callable[[], None]) -> None:
        """Tell `on_lead` when writing is allowed and `on_follow` when it no longer is, until `stop`.

        Raises nothing. When it is cancelled, the Lease is not given back, and ends by itself.
        """
        stopping = asyncio.create_task(self._stopping.wait())
        turn = asyncio.create_task(self._turn())
        try:
            while not stopping.done():
                began = self._clock()
                while not stopping.done() and not turn.done():
                    # Whatever becomes of the request, what it is for must end in time.
                    await asyncio.wait(
                        {turn, stopping}, timeout=self.remaining() or None, return_when=asyncio.FIRST_COMPLETED
                    )
                    self._note(on_lead, on_follow)
                await asyncio.wait({stopping}, timeout=self._pause(began))
                if not stopping.done():
                    self._note(on_lead, on_follow)
                    turn = asyncio.create_task(self._turn())
            # Nothing is written from here on, so the next one need not wait until all that was served has ended here.
            await self._release(settled=await self._settle(turn))
            self._tell(leading=False, why="it ends", told=on_follow)
        finally:
            self._stopping.set()
            stopping.cancel()
            turn.cancel()
            self._tell(leading=False, why="it was cancelled", told=on_follow)

    def _note(self, on_lead: Callable[[], None], on_follow: Callable[[], None]) -> None:
        if self._stopping.is_set():
            return
        if self.remaining() > 0:
            self._tell(leading=True, why=f"holds Lease {self._candidate.name}", told=on_lead)
        else:
            why_not = self._log.why_not(renew_deadline=self._timing.renew_deadline)
            self._tell(leading=False, why=why_not, told=on_follow)
        self._log.looked(leading=self.leading, now=self._clock())

    def _tell(self, *, leading: bool, why: str, told: Callable[[], None]) -> None:
        if leading == self.leading:
            return
        self.leading = leading
        self._log.changed(leading=leading, why=why)
        try:
            told()
            self._on_change(leading)
        except Exception:
            log.exception("not everything %s", "was started" if leading else "has ended")

    async def _turn(self) -> None:
        try:
            await self._candidate.turn()
        except Exception as error:  # noqa: BLE001 - whatever it is, the Lease must be renewed or given up in time
            self._log.failed(error)
        else:
            self._log.turned()

    def _pause(self, began: float) -> float:
        """Seconds until the next turn, which is earlier if something changes before."""
        now, state, remaining = self._clock(), self._candidate.state, self.remaining()
        pause = self._timing.retry * (1.0 + JITTER * self._jitter())
        at = began + (pause if state.ours else pause * LOOKS)
        if remaining > 0:
            # To tell in time that it is over.
            at = min(at, now + remaining)
        elif state.changes_at() > now or (state.ours and self._log.failing is None):
            at = min(at, state.changes_at())
        return max(at - now, SOON)

    async def _settle(self, turn: asyncio.Task[None]) -> bool:
        """Wait for what is under way; returns whether all writes were answered."""
        writes = asyncio.ensure_future(self._settled())
        try:
            await asyncio.wait({turn, writes}, timeout=SETTLE)
            return writes.done()
        finally:
            writes.cancel()
            turn.cancel()

    async def _release(self, *, settled: bool) -> None:
        """Give the Lease back, but not while a write may still reach the API server: then it ends by itself."""
        name = self._candidate.name
        if not settled:
            log.warning("Lease %s is left to end by itself: a write has not been answered", name)
            return
        try:
            async with asyncio.timeout(RELEASE):
                await self._candidate.release()
        except (ApiError, TimeoutError) as error:
            log.warning("Lease %s is left to end by itself: %s", name, str(error) or "no answer")
        except Exception:
            log.exception("Lease %s was not given back", name)
