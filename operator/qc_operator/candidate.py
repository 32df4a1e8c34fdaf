"""One look at the Lease, and one try to get or to keep it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.lease import Lease
from qc_operator.foreign_leases import ForeignLeases, Obstacle
from qc_operator.leadership import Leadership
from qc_operator.lease_record import Record, Timing
from qc_operator.sharding import Shard

_Answer = TypeVar("_Answer")

log = logging.getLogger(__name__)


class LeaseStore(Protocol):
    """Where the Leases are. All methods raise `ApiError`."""

    async def all(self) -> list[Lease]:
        """All Leases of the installation."""

    async def get(self, name: str) -> Lease:
        """One Lease; `not_found` when there is none."""

    async def create(self, name: str, record: Record) -> Lease:
        """Create it; `conflict` when there is one."""

    async def update(self, lease: Lease, record: Record) -> Lease:
        """Write it; `conflict` when somebody has written it since it was read, or deleted it."""


class Candidate:
    """For the Lease of one shard. Times are seconds of `clock`."""

    def __init__(
        self,
        *,
        leases: LeaseStore,
        operator: str,
        identity: str,
        shard: Shard,
        timing: Timing,
        clock: Callable[[], float],
    ) -> None:
        self.name = shard.lease(operator)
        self.state = Leadership(identity=identity, timing=timing)
        self.obstacle: Obstacle | None = None
        """Which operators keep this one from leading because they have another number of shards."""
        self._foreign = ForeignLeases(shard=shard, operator=operator, timing=timing)
        self._leases = leases
        self._timing = timing
        self._clock = clock
        self._lease: Lease | None = None

    @property
    def uid(self) -> str:
        """Of the Lease as it was last seen or written; empty where there is none."""
        return "" if self._lease is None else self._lease.sight.uid

    def remaining(self) -> float:
        """For how many seconds writing is allowed, 0 when it is not."""
        return self.state.remaining(now=self._clock())

    async def turn(self) -> None:
        """Renew the Lease, or look at it and take it if it is free. Raises `ApiError`."""
        if self.remaining() > 0:
            try:
                # As a rule nobody else writes it, and one request is enough.
                await self._write()
            except ApiError as error:
                if not (error.conflict or error.not_found):
                    raise
            else:
                return
        await self._look()
        if self.remaining() > 0:
            await self._write()
        elif self.obstacle is None:
            await self._take()
        elif self.state.ours:
            # Both took their Leases at the same time: each sees the other's now at the latest, and tries again later.
            await self.release()

    async def release(self) -> None:
        """Give the Lease back if it is ours. Raises `ApiError`."""
        for last in (False, True):
            record = self.state.handover(now=self._clock(), wall=datetime.now(UTC))
            if record is None or self._lease is None:
                return
            try:
                self._lease = await self._answer(self._leases.update(self._lease, record))
            except ApiError as error:
                if last or not error.conflict:
                    raise
                await self._look()
            else:
                self.state.forfeit()
                self.state.see(self._lease.sight, now=self._clock())
                return

    async def _look(self) -> None:
        leases = {lease.name: lease for lease in await self._answer(self._leases.all())}
        lease = leases.pop(self.name, None)
        if lease is None:
            # It may have lost its label.
            try:
                lease = await self._answer(self._leases.get(self.name))
            except ApiError as error:
                if not error.not_found:
                    raise
        now = self._clock()
        self._lease = lease
        self.state.see(None if lease is None else lease.sight, now=now)
        self._foreign.see(leases.values(), now=now)
        self.obstacle = self._foreign.obstacle(now=now)

    async def _take(self) -> None:
        await self._give_back_the_dead()
        try:
            await self._write()
        except ApiError as error:
            # Somebody else who waited for it was first, as the next look shows.
            if not error.conflict:
                raise

    async def _give_back_the_dead(self) -> None:
        """Give back what a holder of another number of shards has left behind, for the next process to find it so.

        A holder that is not dead after all has renewed it since, which the API server answers with a conflict. One that
        wakes up later finds it given back, and must first take it, which a Lease of our own number keeps it from.
        """
        for found in self._foreign.dead(now=self._clock()):
            lease, record = found.lease, found.lease.sight.record
            what = f"Lease {lease.name} of shard {found.shard}, which {record.holder or 'somebody'} has left behind,"
            given_back = Record.given_back(wall=datetime.now(UTC), transitions=record.transitions)
            try:
                await self._answer(self._leases.update(lease, given_back))
            except ApiError as error:
                if error.passing:
                    # Not worth a delay. If we have our Lease by then, the next process to wait for one gives it back.
                    return
                if not (error.conflict or error.not_found):
                    self._foreign.give_up(lease)
                    log.warning("%s was not given back: %s; delete it, or each start waits for it", what, error)
            else:
                log.info("%s was given back", what)

    async def _write(self) -> None:
        asked_at = self._clock()
        claimed = self.state.claim(now=asked_at, wall=datetime.now(UTC))
        if claimed is None:
            return
        _, record = claimed
        lease = self._lease
        self._lease = await self._answer(
            self._leases.create(self.name, record) if lease is None else self._leases.update(lease, record)
        )
        self.state.wrote(self._lease.sight, asked_at=asked_at, now=self._clock())

    async def _answer(self, request: Awaitable[_Answer]) -> _Answer:
        """Wait for an answer, so long that there is time for a second try before the right to write ends."""
        patience = self._timing.renew_deadline / 2
        if (remaining := self.remaining()) > 0:
            patience = min(patience, remaining)
        try:
            async with asyncio.timeout(patience):
                return await request
        except TimeoutError:
            raise ApiError(status=0, reason="Unreachable", message=f"no answer within {patience:.1f} s") from None
