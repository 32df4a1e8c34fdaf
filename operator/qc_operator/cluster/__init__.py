"""Acting on the cluster: the adapters to the Kubernetes API and the contracts that the reconciler knows them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from qc_operator.registry import Key, Known
from qc_operator.resource import ScaleTargetRef
from qc_operator.scaling.pods import Pods


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


class ScaleWriter(Protocol):
    """Reads and writes the scale of targets. Both raise `ApiError`."""

    async def read(self, *, namespace: str, target: ScaleTargetRef) -> Scale:
        """Read a target's scale."""

    async def write(self, *, namespace: str, target: ScaleTargetRef, replicas: int, resource_version: str) -> Scale:
        """Ask for a number of replicas, if nobody wrote since `resource_version`."""


class PodReader(Protocol):
    """Reads the pods of targets."""

    async def read(self, *, namespace: str, selector: str) -> Pods:
        """Read the pods that a selector, which must not be empty, selects. Raises `ApiError`."""


class StatusWriter(Protocol):
    """Writes statuses."""

    async def write(self, *, key: Key, status: Mapping[str, Any]) -> None:
        """Replace the given fields of an object's status. Raises `ApiError`."""


class EventPoster(Protocol):
    """Posts events about QueueConsumers."""

    async def post(self, *, about: Known, warning: bool, reason: str, action: str, note: str, at: datetime) -> None:
        """Post one event. Never raises."""
