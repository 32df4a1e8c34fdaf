"""What the HPA's controller did with each series: one `Sync` for each time that it asked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

STEP: Final = 1.1
"""Seconds from one sync to the next. Its multiples are 0.4 s or more away from 4, 5, 6, 7, 16, 17 and 38 s, the windows
and periods of the cases, so nothing depends on the milliseconds that a request takes."""

FILE: Final = Path(__file__).parent / "recorded.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync: when, in seconds from the first one, what the metric was, and the replicas that there were after it."""

    at: float
    value: int | None
    replicas: int

    def decided(self, replicas: int) -> "Sync":
        """The same with what was decided."""
        return replace(self, replicas=replicas)


Recordings = Mapping[str, Sequence[Sync]]


def write(recordings: Recordings, *, path: Path = FILE) -> None:
    """One line for each case."""
    lines = [
        f"{json.dumps(name)}: {json.dumps([[round(sync.at, 3), sync.value, sync.replicas] for sync in syncs])}"
        for name, syncs in recordings.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read(*, path: Path = FILE) -> Recordings:
    """What `write` wrote."""
    return {
        name: [Sync(at=at, value=value, replicas=replicas) for at, value, replicas in syncs]
        for name, syncs in json.loads(path.read_text()).items()
    }
