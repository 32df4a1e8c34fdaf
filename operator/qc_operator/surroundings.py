"""What an autoscaler acts through: contracts only, so that tests may stand in for all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from qc_operator.brokers import Feeds
from qc_operator.cluster import EventPoster, PodReader, ScaleWriter, StatusWriter
from qc_operator.metrics import Metrics
from qc_operator.settings import StatusSettings


class Clock(Protocol):
    """The time, in both of its senses."""

    def monotonic(self) -> float:
        """Seconds that never go back, for windows and ages."""

    def utcnow(self) -> datetime:
        """The wall's time, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything around the autoscalers."""

    feeds: Feeds
    scales: ScaleWriter
    pods: PodReader
    statuses: StatusWriter
    events: EventPoster
    metrics: Metrics
    clock: Clock
    settings: StatusSettings
