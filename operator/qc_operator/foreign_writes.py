"""Who else writes the replicas of our target: once is a person's right, again and again is a conflict.

A write by hand is told by an event and overridden by the next decision. Somebody who changes our number back each time,
such as a GitOps tool whose manifest has `spec.replicas`, is not fought: after three times within ten minutes nothing is
written for a while, then once, and after a longer while if that was changed back, too. One who comes less often than
that is overridden each time: the target is then wrong for a moment, where giving in would have it wrong all the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from qc_operator import conflict
from qc_operator.cluster import OUR_WRITER, Scale
from qc_operator.conflict import Conflict
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.standoff import PAUSES, Standoff

UNDOINGS: Final = 3
"""Times that our number was changed back, within `WINDOW`, until it is a conflict. A person may try twice."""

WINDOW: Final = 600.0
"""Seconds."""

_ANSWERS: Final = frozenset({Limit.NONE, Limit.MIN, Limit.MAX, Limit.PAUSED})
"""Limits of an answer that is final. The others only hold what is there for a while."""


def agrees(decision: Decision) -> bool | None:
    """Whether a decision is content with the replicas that it found, and does not merely hold them for now.

    None where it cannot say: between two counts of all messages it is not known whether fewer would do.
    """
    if decision.between and decision.replicas == decision.current:
        return None
    return (
        decision.replicas == decision.current
        and decision.limited_by in _ANSWERS
        and decision.reason is not Reason.READING_MISSING
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """The number that stood when the target was last seen."""

    uid: str
    version: str
    replicas: int
    ours: bool
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Undoing:
    """Somebody changed our number, which had stood for so long. Seconds."""

    at: float
    stood: float


class ForeignWrites:
    """What others have done to the replicas of one target, from one look at its scale to the next.

    Times are seconds of the caller's monotonic clock. At each turn:

        decision = decide(...)                                   # on `scale`, as it is now
        by_hand = foreign.see(scale, agreed=agrees(decision), now=now)
        if decision.replicas != scale.replicas and foreign.may_write(now=now):
            foreign.asks(decision.replicas)
            foreign.wrote(await target.ask(decision.replicas, ...), now=now)
        conflict = foreign.conflict

    What `see` says it says again until `told` is called.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: the next scale is taken as it is found, and nothing is told of it."""
        self._standing: _Standing | None = None
        self._asked: int | None = None
        self._undoings: tuple[_Undoing, ...] = ()
        self._unjudged: tuple[Scale, _Standing] | None = None
        """What somebody else has set, and what stood before, while no decision could say what it thinks of it."""
        self._standoff: Standoff | None = None
        self._untold: str | None = None
        """What is to be told, until it is: the turn may come to nothing."""

    def see(self, scale: Scale, *, agreed: bool | None, now: float) -> str | None:
        """Take in the scale; `agreed` says whether the decision on it is content with it, None that it cannot say.

        Returns a sentence for an event where somebody else has set the replicas, and nobody was told so far.
        """
        before = self._standing
        if before is None or (before.uid != scale.uid and before.uid and scale.uid):
            # The operator has just started, or the target was re-created and has never been written by us.
            self.forget()
            self._stands(scale, ours=scale.writer == OUR_WRITER, now=now)
            return None
        if _older(scale.resource_version, than=before.version):
            return None  # A late word of what was before our last write.
        told = None
        if scale.replicas == before.replicas:
            self._standing = replace(before, version=scale.resource_version, uid=scale.uid or before.uid)
        else:
            ours = scale.writer == OUR_WRITER or (not scale.writer and scale.replicas == self._asked)
            self._asked = None
            # Who sets replicas twice before anything can be said of them has undone ours once.
            stood = before if self._unjudged is None else self._unjudged[1]
            back = scale.replicas == stood.replicas
            self._stands(scale, ours=ours or (back and stood.ours), now=now)
            self._unjudged = None if ours or back else (scale, stood)
        if self._unjudged is not None and agreed is not None:
            (theirs, stood), self._unjudged = self._unjudged, None
            told = None if agreed else self._foreign(theirs, before=stood, now=now)
        self._try(agreed=agreed is True, now=now)
        self._untold = told or self._untold
        return self._untold

    def told(self) -> None:
        """Note that people know of it."""
        self._untold = None

    def may_write(self, *, now: float) -> bool:
        """Whether a decision may be written."""
        standoff = self._standoff
        return standoff is None or (now >= standoff.until and not standoff.tried)

    def asks(self, replicas: int) -> None:
        """We are about to write. Should the answer be lost, the number is known for ours all the same."""
        self._asked = replicas

    def wrote(self, scale: Scale, *, now: float) -> None:
        """The API server has taken our write and answered this."""
        self._asked = self._unjudged = None
        self._stands(scale, ours=True, now=now)
        if self._standoff is not None:
            self._standoff = replace(self._standoff, trial_since=now, tried=True)

    def retry(self, *, now: float) -> None:
        """Try at once: a person has changed the object, perhaps because the cause is gone."""
        if self._standoff is not None and not self._standoff.tried:
            self._standoff = replace(self._standoff, until=min(self._standoff.until, now))

    @property
    def conflict(self) -> Conflict | None:
        """The conflict with another writer, or None."""
        standoff = self._standoff
        if standoff is None:
            return None
        return conflict.of_writer(
            writer=standoff.writer, replicas=standoff.replicas, times=standoff.times, pause_seconds=standoff.pause
        )

    def _stands(self, scale: Scale, *, ours: bool, now: float) -> None:
        self._standing = _Standing(
            uid=scale.uid, version=scale.resource_version, replicas=scale.replicas, ours=ours, since=now
        )

    def _foreign(self, scale: Scale, *, before: _Standing, now: float) -> str | None:
        if self._standoff is not None:
            self._standoff = self._standoff.undone(writer=scale.writer, replicas=scale.replicas, now=now)
            return None
        if before.ours:
            recent = tuple(undoing for undoing in self._undoings if now - undoing.at <= WINDOW)
            self._undoings = (*recent, _Undoing(at=now, stood=now - before.since))
        if len(self._undoings) < UNDOINGS:
            return conflict.by_hand(writer=scale.writer, before=before.replicas, after=scale.replicas)
        self._standoff = Standoff(
            writer=scale.writer,
            replicas=scale.replicas,
            times=len(self._undoings),
            # What stood for hours before the first of them says nothing about how often he comes.
            longest=max(undoing.stood for undoing in self._undoings[1:]),
            tries=0,
            until=now + PAUSES[0],
        )
        return None

    def _try(self, *, agreed: bool, now: float) -> None:
        """Begin a trial that needs no write, and end one that has lasted."""
        standoff = self._standoff
        if standoff is None:
            return
        if standoff.over(now=now):
            self._standoff, self._undoings = None, ()
        elif agreed and standoff.trial_since is None and now >= standoff.until:
            self._standoff = replace(standoff, trial_since=now)


def _older(version: str, *, than: str) -> bool:
    """Whether a resourceVersion is older. KEP-5504: those of one resource compare as integers, where they are some."""
    return version.isdecimal() and than.isdecimal() and int(version) < int(than)
