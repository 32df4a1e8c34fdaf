"""The known QueueConsumers: what the watch last said of each, and whether it is news."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import msgspec

from qc_operator.resource import GROUP, QueueConsumerSpec, SpecError, parse
from qc_operator.scaling import pause
from qc_operator.scaling.pause import Pause

FINALIZER: Final = f"{GROUP}/restore-replicas"
"""Holds an object that asks for `restoreReplicasOnDelete: Original` until its target has its replicas back."""


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
    """Those that are the operator's to read."""
    spec: QueueConsumerSpec | None
    error: SpecError | None
    pause: Pause
    """What the annotations for people in a hurry say."""
    created: str = ""
    """When, in RFC 3339, UTC: such times compare as text."""
    deleting: bool = False
    """Somebody has deleted it, and a finalizer holds it."""
    finalizers: tuple[str, ...] = ()
    stored_status: bytes = b"{}"
    """As JSON: ten thousand of them are 40 MB as bytes, and five times as much as dictionaries."""

    @property
    def status(self) -> Mapping[str, Any]:
        """The status as it was last seen, which is what an operator that takes over goes on from."""
        status: dict[str, Any] = msgspec.json.decode(self.stored_status)
        return status

    @property
    def held(self) -> bool:
        """Whether our finalizer holds it."""
        return FINALIZER in self.finalizers

    @property
    def identity(self) -> tuple[str, int, bool, tuple[str, ...], Mapping[str, str]]:
        """What must be equal for two sightings to mean the same to us: the status is our own echo."""
        return self.uid, self.generation, self.deleting, self.finalizers, self.annotations


def read(body: Mapping[str, Any]) -> Known:
    """Take an object from the watch apart. Never raises for a bad spec: the error is part of the value."""
    metadata = body["metadata"]
    annotations = _annotations(metadata)
    spec: QueueConsumerSpec | None = None
    error: SpecError | None = None
    try:
        spec = parse(body.get("spec") or {})
    except SpecError as wrong:
        error = wrong
    except Exception as mistake:  # noqa: BLE001 - one object that we cannot take apart must not end the watch of all
        error = SpecError(path="spec", rule=f"cannot be read ({type(mistake).__name__})", value=type(body).__name__)
    return Known(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        annotations=annotations,
        spec=spec,
        error=error,
        pause=pause.parse(annotations),
        created=metadata.get("creationTimestamp") or "",
        deleting=bool(metadata.get("deletionTimestamp")),
        finalizers=tuple(metadata.get("finalizers") or ()),
        stored_status=_status(body),
    )


class Registry:
    """The QueueConsumers that exist, by key, also those that others serve."""

    def __init__(self) -> None:
        self._known: dict[Key, Known] = {}

    def see(self, body: Mapping[str, Any]) -> Known | None:
        """Remember a sighting. Returns it when it is news: a new object, a new spec, other annotations, an end.

        The echo of our own status is no news, and its spec is not parsed again.
        """
        metadata = body["metadata"]
        before = self._known.get(Key(metadata["namespace"], metadata["name"]))
        if before is not None and before.identity == (
            metadata["uid"],
            metadata.get("generation", 0),
            bool(metadata.get("deletionTimestamp")),
            tuple(metadata.get("finalizers") or ()),
            _annotations(metadata),
        ):
            self._known[before.key] = replace(before, stored_status=_status(body))
            return None
        known = read(body)
        self._known[known.key] = known
        return known

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


def _annotations(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in (metadata.get("annotations") or {}).items() if name.startswith(GROUP)}


def _status(body: Mapping[str, Any]) -> bytes:
    # kopf hands over a read-only view of the object, which is no dict.
    return msgspec.json.encode(dict(body.get("status") or {}))
