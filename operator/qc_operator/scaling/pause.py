"""Pause by annotation, for people in a hurry: replicas stay, or are exactly what a person says, for a while or more.

* `queueconsumer.dev/paused: "true"`: replicas stay as they are.
* `queueconsumer.dev/paused-replicas: "3"`: exactly 3 replicas, also outside the bounds of the spec: who writes a number
  by hand in an outage means that number, and the words tell that it is outside.
* `queueconsumer.dev/paused-until: "2026-11-27T06:00:00+01:00"`: until then; alone it pauses, with one of the others it
  ends what they began.

Each stands for itself. Empty and `false` are the same as not there, so `paused: "false"` does not lift
`paused-replicas`. A value that cannot be understood, and a name that is almost one of the three, is told as a problem
**and pauses**: whoever wrote it wanted the operator to keep its hands off, perhaps while a database is moved; work that
waits can be caught up with, consumers that run at the wrong time cannot be undone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from qc_operator.scaling.rounding import number_of
from qc_operator.spec_policy import Problem

PAUSED: Final = "queueconsumer.dev/paused"
REPLICAS: Final = "queueconsumer.dev/paused-replicas"
UNTIL: Final = "queueconsumer.dev/paused-until"

_LIKE_OURS: Final = "queueconsumer.dev/pause"
"""What begins like this was meant to be one of the three: `pause`, `pause-until`, `paused-untill`."""
_MOST_REPLICAS: Final = 100_000
"""As everywhere in the CRD."""
_LONGEST: Final = 80
# RFC 3339, section 5.6, with its notes: T and Z in either case, and a space for the T.
_DATE_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseNow:
    """A pause that is in force."""

    replicas: int | None
    """Exactly so many, or None: as many as there are."""
    until: str | None
    """When it ends, as the person wrote it; None: when the annotation goes."""
    misread: tuple[str, ...] = ()
    """The annotations that cannot be understood, and that pause for this reason."""

    def words(self, *, current: int, min_replicas: int, max_replicas: int) -> str:
        """Say what holds, and that it is outside the bounds that would hold otherwise."""
        until = f" until {self.until}" if self.until else ""
        doubt = f" ({' and '.join(self.misread)} cannot be understood)" if self.misread else ""
        paused = f"paused by annotation{until}{doubt}"
        if self.replicas is None:
            return f"{paused}: replicas stay at {current}"
        words = f"{paused}: exactly {number_of(self.replicas, 'replica')}"
        if self.replicas > max_replicas:
            return f"{words}, although maxReplicas is {max_replicas}"
        if self.replicas < min_replicas:
            return f"{words}, although minReplicas is {min_replicas}"
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What the annotations of an object say."""

    paused: bool = False
    """Whether replicas stay as they are, but for `replicas`."""
    replicas: int | None = None
    until: datetime | None = None
    """Aware of its zone."""
    until_words: str | None = None
    problems: tuple[Problem, ...] = ()
    """Values that cannot be understood: path, rule, value. Each of them pauses."""

    def at(self, at: datetime) -> PauseNow | None:
        """The pause in force at a moment, which is aware of its zone; None when there is none."""
        if not self.paused and self.replicas is None and self.until is None:
            return None
        if self.until is not None and at >= self.until:
            return None
        misread = tuple(path.removeprefix("metadata.annotations[").removesuffix("]") for path, _, _ in self.problems)
        return PauseNow(replicas=self.replicas, until=self.until_words, misread=misread)


NO_PAUSE: Final = Pause()


def parse(annotations: Mapping[str, str]) -> Pause:
    """Read the annotations of an object. Never raises: what is wrong is in `problems`."""
    paused, replicas, until = (_given(annotations.get(key)) for key in (PAUSED, REPLICAS, UNTIL))
    problems: list[Problem] = [
        (_path(key), f"is none of {PAUSED}, {REPLICAS} and {UNTIL}", annotations[key][:_LONGEST])
        for key in sorted(annotations)
        if key.startswith(_LIKE_OURS) and key not in {PAUSED, REPLICAS, UNTIL} and _given(annotations[key])
    ]
    if (paused, replicas, until) == (None, None, None) and not problems:
        return NO_PAUSE
    count = moment = None
    if paused is not None and paused.lower() != "true":
        problems.append((_path(PAUSED), "must be true or false", paused))
    if replicas is not None:
        count = _count(replicas)
        if count is None:
            problems.append((_path(REPLICAS), f"must be a number from 0 to {_MOST_REPLICAS}", replicas))
    if until is not None:
        moment = _moment(until)
        if moment is None:
            rule = "must be a date and time with its offset as RFC 3339 has it, such as 2026-11-27T06:00:00+01:00"
            problems.append((_path(UNTIL), rule, until))
    return Pause(
        paused=paused is not None or bool(problems),
        replicas=count,
        until=moment,
        until_words=until if moment else None,
        problems=tuple(problems),
    )


def _path(key: str) -> str:
    return f"metadata.annotations[{key}]"


def _given(value: str | None) -> str | None:
    """The value, or None when it says that there is no pause."""
    value = (value or "").strip()
    # An annotation may have 256 KiB; no value that can be understood is half as long as this.
    return None if value.lower() in {"", "false"} else value[:_LONGEST]


def _count(value: str) -> int | None:
    # int() would take signs, underscores and the digits of other scripts.
    if re.fullmatch(r"[0-9]{1,6}", value) is None or int(value) > _MOST_REPLICAS:
        return None
    return int(value)


def _moment(value: str) -> datetime | None:
    # fromisoformat() would take days without a time, and times without an offset, which are not the same everywhere.
    if _DATE_TIME.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:  # 30 February, 25:00
        return None
