"""Leases of another number of shards: who holds one keeps this process from leading.

Two numbers must never act side by side, because nearly every object belongs to another part by the other number. So
their Leases are watched by the rules by which our own is: one that is renewed is waited for without an end, and one
that has looked the same for as long as it says belongs to somebody who is gone. Such a Lease would cost each process
that starts that time again, for ever, as nobody will hold it any more; so it is given back in its holder's stead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qc_operator.cluster.lease import Lease
from qc_operator.lease_record import Observation, Sight, Timing
from qc_operator.sharding import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why this process may not lead."""

    message: str
    """A sentence that says what to do."""
    lasting: bool
    """Whether the other one is alive, so that it does not end by waiting for as long as a Lease lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLease:
    """One that nobody will give back."""

    lease: Lease
    shard: Shard
    """Whose it is."""


class ForeignLeases:
    """As one process sees them. Times are seconds of the caller's clock; nothing here asks for anything."""

    def __init__(self, *, shard: Shard, operator: str, timing: Timing) -> None:
        self._shard = shard
        self._operator = operator
        self._timing = timing
        self._seen: dict[str, Observation] = {}
        self._leases: dict[str, Lease] = {}
        self._given_up: dict[str, Sight] = {}

    def see(self, leases: Iterable[Lease], *, now: float) -> None:
        """Take in all Leases of the installation; `now` is a time after the answer."""
        self._leases = {lease.name: lease for lease in leases if self._of(lease.name) is not None}
        for name, lease in self._leases.items():
            self._seen.setdefault(name, Observation()).see(lease.sight, now=now)

    def obstacle(self, *, now: float) -> Obstacle | None:
        """What keeps this process from leading; a Lease that was deleted counts for its time too."""
        held = [name for name, seen in self._seen.items() if now < self._free_at(seen)]
        for name in sorted(held, key=lambda name: not self._seen[name].moving):
            seen = self._seen[name]
            holder = (seen.sight.record.holder if seen.sight is not None else "") or "somebody"
            what = f"Lease {name} of shard {self._of(name)}"
            if seen.moving:
                message = (
                    f"shard {self._shard} waits, because {holder} holds {what}: all operators must be given the same "
                    "number of shards (QC_SHARD); correct it, or stop the others, unless an upgrade is changing it"
                )
            else:
                message = (
                    f"shard {self._shard} waits until {holder} gives {what} back, or has not renewed it for "
                    f"{self._timing.lease_seconds} s"
                )
            return Obstacle(message=message, lasting=seen.moving)
        return None

    def dead(self, *, now: float) -> Sequence[DeadLease]:
        """Those that have looked the same for so long that their holders are gone; a write must name their version."""
        found = []
        for name, lease in self._leases.items():
            of, gone = self._of(name), now >= self._free_at(self._seen[name])
            if of is not None and gone and not lease.sight.record.released and self._given_up.get(name) != lease.sight:
                found.append(DeadLease(lease=lease, shard=of))
        return found

    def give_up(self, lease: Lease) -> None:
        """Count it among the dead no more while it looks as it does: to give it back was refused."""
        self._given_up[lease.name] = lease.sight

    def _of(self, name: str) -> Shard | None:
        return self._shard.foreign(name, operator=self._operator)

    def _free_at(self, seen: Observation) -> float:
        return seen.free_at(own_seconds=self._timing.lease_seconds)
