"""What an autoscaler acts through: contracts only, so that tests may stand in for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from qc_operator.admission import Admission
from qc_operator.brokers import Feeds
from qc_operator.cluster import (
    CostWriter,
    EventPoster,
    FinalizerWriter,
    PodReader,
    ScaleWriter,
    StatusWriter,
    TargetWatcher,
)
from qc_operator.conflict import Rival
from qc_operator.metrics import Metrics
from qc_operator.ownership import TargetId
from qc_operator.registry import Key, Known
from qc_operator.reporting import Change
from qc_operator.settings import StatusSettings


class Clock(Protocol):
    """The time, in both of its senses."""

    def monotonic(self) -> float:
        """Seconds that never go back, for windows and ages."""

    def utcnow(self) -> datetime:
        """The wall's time, for people."""


class RivalSource(Protocol):
    """Knows the other autoscalers of a cluster."""

    def on(self, target: TargetId) -> Rival | None:
        """Which of them scales this target, or None."""

    def problem_in(self, namespace: str) -> str | None:
        """Why some cannot be known there, and what to do about it, as a sentence; else None."""

    async def settled(self) -> None:
        """Wait until they are known; not for ever."""


class Onlooker(Protocol):
    """Is told what people are told, and does nothing about it. The live page is one."""

    def told(self, about: Known, *, status: Mapping[str, Any], change: Change | None, now: datetime) -> None:
        """Take in the status after a turn, and the change of replicas that was made in it. Never raises."""

    def gone(self, key: Key) -> None:
        """Forget an object that is not served any more."""


class Nobody:
    """Nobody looks on."""

    def told(self, about: Known, *, status: Mapping[str, Any], change: Change | None, now: datetime) -> None:
        """Keep nothing."""

    def gone(self, key: Key) -> None:
        """Nothing was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything around the autoscalers."""

    feeds: Feeds
    scales: ScaleWriter
    targets: TargetWatcher
    rivals: RivalSource
    pods: PodReader
    costs: CostWriter
    statuses: StatusWriter
    finalizers: FinalizerWriter
    events: EventPoster
    metrics: Metrics
    clock: Clock
    settings: StatusSettings
    onlooker: Onlooker = field(default_factory=Nobody)
    admission: Admission = field(default_factory=Admission)
    """All turns go by it."""
