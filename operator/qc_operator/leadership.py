"""Who may write: the rules of a Lease, as a state without clock or I/O.

They are those of client-go (k8s.io/client-go/tools/leaderelection). Whoever holds the Lease renews it. Others take it
when it has looked the same for as long as it says, by their own clock, from when they saw it so: times that other
machines have written into it are never compared. Its holder stops writing `renew_deadline` seconds after the start of
the last renewal that succeeded, and nobody saw that renewal before it started; so between the last write of one and the
first of the next there are `lease_seconds - renew_deadline` at least, by whichever clocks, if they run equally fast.

Stricter than client-go in four points, each for a case in which it lets two write for a while:

* Whoever creates the Lease writes only after `lease_seconds`: it may be missing because somebody deleted it, while its
  holder has not seen that yet. A holder whose own time is not over creates it again and goes on, for nobody else can
  have begun; others leave it the time for that.
* A Lease without a holder is free at once only if it was given back, which `leaseDurationSeconds: 1` tells, as
  client-go writes it then. One whose holder was taken out by hand counts as held for as long as it says.
* One that is shorter than our own counts as long as ours.
* Our own name in it is no reason to write, unless we have put it there, in this very record.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import datetime
from typing import Final

from qc_operator.lease_record import RELEASED_SECONDS, Observation, Record, Sight, Timing

MISSING: Final = 2.0
"""Times `retry` for which a Lease that somebody held must be missing before another one creates it: its holder notices
within one of them, and goes on writing if it is first."""

_INT32: Final = 2**31 - 1
_KEPT: Final = 64
"""Writes without an answer that are remembered; one that is forgotten counts as somebody else's."""


class Claim(enum.Enum):
    """What a write of the Lease says."""

    CREATED = "there was none"
    TAKEN = "it belonged to nobody"
    RENEWED = "it is ours"


class Leadership:
    """Of one process. `identity` must be its own: a process that was started again is another one."""

    def __init__(self, *, identity: str, timing: Timing) -> None:
        self._identity = identity
        self._timing = timing
        self._observed = Observation()
        self._sent: dict[datetime, Claim] = {}
        """Our writes whose answer has not come, by what they wrote as time of renewal, and the last that succeeded."""
        self._renewed_at: float | None = None
        """Start of the last renewal that succeeded; None while the Lease is not ours."""
        self._from = float("-inf")
        """Only a renewal that starts later gives the right to write."""
        self._creates_from = float("-inf")

    @property
    def record(self) -> Record | None:
        """What the Lease says, None where there is none."""
        return None if self._observed.sight is None else self._observed.sight.record

    @property
    def ours(self) -> bool:
        """Whether the Lease is ours as far as we have seen, though the right to write may have ended or not begun."""
        return self._renewed_at is not None

    def remaining(self, *, now: float) -> float:
        """For how many seconds we may write, 0 if we may not."""
        if self._renewed_at is None or self._renewed_at < self._from:
            return 0.0
        return max(self._renewed_at + self._timing.renew_deadline - now, 0.0)

    def changes_at(self) -> float:
        """When to look again at the latest: the Lease becomes free then, or our right to write begins."""
        if self.ours:
            return self._from
        if self.record is None:
            return self._creates_from
        return self._observed.free_at(own_seconds=self._timing.lease_seconds)

    def see(self, sight: Sight | None, *, now: float) -> None:
        """Take in what the Lease looks like; `now` is a time after the answer."""
        if sight is None and self.record is not None and self.record.holder not in ("", self._identity):
            self._creates_from = now + MISSING * self._timing.retry
        self._observed.see(sight, now=now)
        record, leading = self.record, self.remaining(now=now) > 0
        if record is not None and record.holder == self._identity:
            if record.renewed in self._sent:
                # The last write, or one whose answer was lost; nobody has written since.
                self._count(self._sent[record.renewed], now=now)
                self._sent[record.renewed] = Claim.RENEWED
            elif not leading:
                self.forfeit()
        elif not leading or (record is not None and record.holder):
            self.forfeit()

    def claim(self, *, now: float, wall: datetime) -> tuple[Claim, Record] | None:
        """What to write into the Lease now, if nobody has written since it was seen; None while it is another's.

        `wall` is the time that others are shown.
        """
        record = self.record
        fresh = Record(holder=self._identity, seconds=self._timing.lease_seconds, acquired=wall, renewed=wall)
        if not self.ours and now < self.changes_at():
            return None
        if record is None:
            claim = Claim.CREATED
        elif self.ours:
            claim, fresh = Claim.RENEWED, replace(fresh, acquired=record.acquired, transitions=record.transitions)
        else:
            claim, fresh = Claim.TAKEN, replace(fresh, transitions=min(record.transitions + 1, _INT32))
        self._sent[wall] = claim
        if len(self._sent) > _KEPT:
            del self._sent[next(iter(self._sent))]
        return claim, fresh

    def wrote(self, sight: Sight, *, asked_at: float, now: float) -> None:
        """Note that the claim made last was written: what the API server answered to a request of `asked_at`."""
        self._observed.see(sight, now=now)
        written = sight.record.renewed
        claim = self._sent.get(written, Claim.TAKEN) if written else Claim.TAKEN
        if self._count(claim, now=now):
            self._renewed_at = asked_at
        self._sent = {written: Claim.RENEWED} if written else {}

    def handover(self, *, now: float, wall: datetime) -> Record | None:
        """What to write to give the Lease back, None if it is not ours."""
        record = self.record
        if record is None or not self.ours or record.holder != self._identity:
            return None
        # Who does not have the right to write yet cannot hand it on: the next one waits just as long.
        seconds = RELEASED_SECONDS if now >= self._from else self._timing.lease_seconds
        return Record.given_back(wall=wall, transitions=record.transitions, seconds=seconds)

    def forfeit(self) -> None:
        """Have no right to write, and none by what was written so far."""
        self._renewed_at = None
        self._sent.clear()

    def _count(self, claim: Claim, *, now: float) -> bool:
        """Take in that this write of ours is what the Lease says; returns whether it gives the right to write."""
        if claim is Claim.CREATED and self.remaining(now=now) <= 0:
            self._renewed_at, self._from = float("-inf"), now + self._timing.lease_seconds
            return False
        if claim is Claim.TAKEN:
            # The next renewal does, before which we look whether somebody else has seen things differently.
            self._renewed_at, self._from = float("-inf"), now
            return False
        if self._renewed_at is None:
            self._renewed_at = float("-inf")
        return True
