"""What a Lease says, since when it has looked so, and the times by which its holders and the others go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

RELEASED_SECONDS: Final = 1
"""What client-go writes as duration of a Lease that its holder gives back (ReleaseOnCancel)."""

MOST_SECONDS: Final = 300
"""Of a Lease's duration. One that says more, by somebody's mistake, is not waited for any longer than that."""

JITTER: Final = 0.2
"""Part of `retry` by which a pause is longer at most, so that those who wait do not all come at the same time."""


LOOKS: Final = 0.5
"""Part of `retry` between two looks of those who wait. A leader that is killed renewed up to 1.2 `retry` before, and
what the others count from is when they saw it: the less they look, the later they take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take, in seconds. Raises `ValueError` for times that do not go together."""

    lease_seconds: int = 8
    """For which a Lease that is not renewed belongs to its holder. Whole, as the API has it."""
    renew_deadline: float = 5.0
    """From the start of the last renewal that succeeded until its holder writes nothing any more."""
    retry: float = 1.0
    """Between two renewals. Those who wait look twice as often."""

    def __post_init__(self) -> None:
        if not RELEASED_SECONDS < self.lease_seconds <= MOST_SECONDS:
            raise ValueError(
                f"lease_seconds must be above {RELEASED_SECONDS} and at most {MOST_SECONDS} (is {self.lease_seconds})"
            )
        if not self.renew_deadline < self.lease_seconds:
            raise ValueError(
                f"renew_deadline must be less than lease_seconds, {self.lease_seconds} (is {self.renew_deadline})"
            )
        if not 0 < self.retry * (1 + JITTER) < self.renew_deadline:
            raise ValueError(
                f"retry must be above 0, and {1 + JITTER} times it less than renew_deadline, {self.renew_deadline} "
                f"(is {self.retry})"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The spec of a Lease (coordination.k8s.io/v1), each field of which may be missing."""

    holder: str = ""
    seconds: int | None = None
    acquired: datetime | None = None
    renewed: datetime | None = None
    transitions: int = 0

    @property
    def released(self) -> bool:
        """Whether its holder has given it back."""
        return not self.holder and self.seconds == RELEASED_SECONDS

    @staticmethod
    def given_back(*, wall: datetime, transitions: int, seconds: int = RELEASED_SECONDS) -> Record:
        """What is written to give a Lease back at the time `wall`."""
        return Record(seconds=seconds, acquired=wall, renewed=wall, transitions=transitions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A Lease as the API server showed it. Its resourceVersion is left out: a new label is no sign of life."""

    uid: str
    record: Record


class Observation:
    """What a Lease looks like, and since when. Times are seconds of the caller's clock."""

    def __init__(self) -> None:
        self.sight: Sight | None = None
        self.moving = False
        """Whether it has a holder who was seen to write it, and not only a name that somebody may have left there."""
        self._since = float("-inf")

    def see(self, sight: Sight | None, *, now: float) -> None:
        """Take in what was seen, None for no Lease; `now` is a time after the answer."""
        if sight != self.sight:
            self.moving = self.sight is not None and sight is not None and bool(sight.record.holder)
            self.sight, self._since = sight, now

    def free_at(self, *, own_seconds: int) -> float:
        """From when on it belongs to nobody, if it stays as it is; minus infinity where nobody has it already."""
        if self.sight is None or self.sight.record.released:
            return float("-inf")
        return self._since + min(max(self.sight.record.seconds or 0, own_seconds), MOST_SECONDS)
