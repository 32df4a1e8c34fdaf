"""The known QueueConsumers: what the watch last said of each, and whether it is news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from qc_operator.resource import QueueConsumerSpec, SpecError, not_implemented, parse
from qc_operator.scaling import pause
from qc_operator.scaling.pause import Pause


class Key(NamedTuple):
    """Namespace and name of a QueueConsumer."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """`namespace/name`, as people write it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One QueueConsumer as the API server last showed it. Either `spec` or `error` is set."""

    key: Key
    uid: str
    generation: int
    annotations: Mapping[str, str]
    spec: QueueConsumerSpec | None
    error: SpecError | None
    not_implemented: tuple[str, ...]
    pause: Pause
    """What the annotations for people in a hurry say."""
    status: Mapping[str, Any]

    @property
    def identity(self) -> tuple[str, int, Mapping[str, str]]:
        """What must be equal for two sightings to mean the same to us: the status is our own echo."""
        return self.uid, self.generation, self.annotations


def read(body: Mapping[str, Any]) -> Known:
    """Take an object from the watch apart. Never raises for a bad spec: the error is part of the value."""
    metadata = body["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    spec: QueueConsumerSpec | None = None
    error: SpecError | None = None
    missing: tuple[str, ...] = ()
    try:
        spec = parse(body.get("spec") or {})
        missing = not_implemented(spec)
    except SpecError as wrong:
        error = wrong
    return Known(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        annotations=annotations,
        spec=spec,
        error=error,
        not_implemented=missing,
        pause=pause.parse(annotations),
        status=body.get("status") or {},
    )


class Registry:
    """The QueueConsumers that exist, by key."""

    def __init__(self) -> None:
        self._known: dict[Key, Known] = {}

    def put(self, known: Known) -> bool:
        """Remember a sighting. True when it is news: a new object, a new spec, or other annotations."""
        before = self._known.get(known.key)
        if before is not None and before.identity == known.identity:
            return False
        self._known[known.key] = known
        return True

    def drop(self, key: Key) -> bool:
        """Forget one. True when it was known."""
        return self._known.pop(key, None) is not None

    def get(self, key: Key) -> Known | None:
        """What is known of one, or None."""
        return self._known.get(key)

    def __iter__(self) -> Iterator[Known]:
        """All of them, in no order that means anything."""
        return iter(tuple(self._known.values()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)
