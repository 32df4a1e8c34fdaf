"""Acting on the cluster: the adapters to the Kubernetes API and the contracts that the reconciler knows them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from qc_operator.registry import Key, Known
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.deletion_costs import Candidate, Changes
from qc_operator.scaling.pods import Pods

OUR_WRITER: Final = "queueconsumer-operator"
"""The field manager that our writes of `/scale` name, which other controllers and people see in managedFields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A target's scale at the time it was read."""

    replicas: int
    """spec.replicas: how many are asked for."""
    running: int
    """status.replicas: how many pods there are."""
    resource_version: str
    """What a write names, so that it fails if anybody wrote in between."""
    selector: str = ""
    """status.selector: the label selector of its pods, as a query takes it; empty where the kind does not tell it."""
    uid: str = ""
    """Of the target: one that was deleted and created again under its name has another."""
    writer: str = ""
    """The field manager that wrote spec.replicas last, `OUR_WRITER` if that was us; empty where it is not known."""


class ScaleWriter(Protocol):
    """Reads and writes the scale of targets. Both raise `ApiError`."""

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        """Read a target's scale."""

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        """Ask for a number of replicas, if nobody wrote since `resource_version`."""


class Followed(Protocol):
    """One target as a watch shows it. Nothing here asks the API server for anything."""

    @property
    def version(self) -> str | None:
        """Its resourceVersion; None where the watch cannot tell, or `missing`."""

    @property
    def scale(self) -> Scale | None:
        """Its scale at `version`; None where a watch does not show it: then it is read at each new version."""

    @property
    def writer(self) -> str:
        """The field manager that wrote its spec.replicas last, as of `version`, or "" where that is not known."""

    @property
    def current(self) -> bool:
        """Whether that is how it is now, and not as it was before the API server went away."""

    @property
    def missing(self) -> bool:
        """Whether there is no such object, for certain."""

    @property
    def problem(self) -> str | None:
        """Why the watch cannot tell, and what a person may do about it, as a sentence; None while it can."""

    async def settled(self) -> None:
        """Wait until the watch can tell, it is clear that it cannot, or that takes too long. Never raises."""

    def close(self) -> None:
        """Follow it no longer."""


class TargetWatcher(Protocol):
    """Watches targets, so that nobody has to read them."""

    def follow(self, *, namespace: str, target: ScaleTargetRef, notify: Callable[[], None]) -> Followed:
        """Follow a target; `notify` is called when it appears, goes, is another, or other replicas are asked for."""


class PodReader(Protocol):
    """Reads the pods of targets."""

    async def read(self, *, namespace: str, selector: str) -> Pods:
        """Read the pods that a selector, which must not be empty, selects. Raises `ApiError`."""


class CostWriter(Protocol):
    """Reads and writes the deletion costs of pods. Both raise `ApiError`."""

    async def read(self, *, namespace: str, selector: str) -> tuple[Candidate, ...]:
        """List the pods of ReplicaSets that a selector, which must not be empty, selects."""

    async def write(self, *, namespace: str, pods: Sequence[Candidate], changes: Changes) -> None:
        """Give some of these pods other costs."""


class StatusWriter(Protocol):
    """Writes statuses."""

    async def write(self, *, key: Key, uid: str, status: Callable[[], Mapping[str, Any]], urgent: bool = False) -> None:
        """Replace the whole status of an object with this uid, at once if it is urgent. Raises `ApiError`.

        `status` is called when it is about to be sent.
        """


class EventPoster(Protocol):
    """Posts events about QueueConsumers."""

    async def post(self, *, about: Known, warning: bool, reason: str, action: str, note: str, at: datetime) -> None:
        """Post one event. Never raises."""


class FinalizerWriter(Protocol):
    """Reads QueueConsumers and writes their finalizers. All methods raise `ApiError`."""

    async def read(self, *, key: Key) -> Mapping[str, Any]:
        """Read the object as it is now."""

    async def add(self, *, body: Mapping[str, Any]) -> None:
        """Put ours in, unless somebody wrote since the object was read."""

    async def remove(self, *, body: Mapping[str, Any]) -> None:
        """Take ours out, unless somebody wrote since the object was read."""
