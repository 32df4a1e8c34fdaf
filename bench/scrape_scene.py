"""What is scraped in `bench.scrape`: QueueConsumers with every metric that a usual one can have.

And the same series with the same numbers as prometheus_client keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter, Gauge

from qc_operator.conditions import Condition
from qc_operator.metric_families import FAMILIES, OBJECT, Family
from qc_operator.metrics import Metrics
from qc_operator.object_metrics import ObjectMetrics
from qc_operator.object_series import Rows
from qc_operator.registry import Key
from qc_operator.resource import parse
from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import Counters, Depth, EntryObservation, Observation, QueueObservation, Totals
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.scaling.reasons import Reason

NOW: Final = 100_000.0
TODAY: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
POLL: Final = 5.0
HISTORY_TURNS: Final = 80
"""Turns before the scene is as it is scraped: rates, throughput and start-up are known by then."""

SPEC: Final = parse(
    {
        "scaleTargetRef": {"name": "order-workers"},
        "broker": {"secretName": "rabbitmq"},
        "queues": [
            {
                "name": "orders-incoming",
                "lag": {"scaleUpAbove": 100, "scaleDownBelow": 20},
                "wait": {"objectiveSeconds": 60},
                "secondsPerMessage": "0.2",
            }
        ],
        "maxReplicas": 40,
        "fallback": {"afterSeconds": 300, "replicas": 3},
    }
)
CONDITIONS: Final = (
    Condition(type="Ready", status="True", reason="Scaling", message="as usual"),
    Condition(type="Active", status="True", reason="ReplicasRunning", message="as usual"),
    Condition(type="ScalingLimited", status="False", reason="NotLimited", message="as usual"),
    Condition(type="FallbackActive", status="False", reason="QueuesRead", message="as usual"),
    Condition(type="Paused", status="False", reason="NotPaused", message="as usual"),
)
MOVED: Final[Mapping[str, Any]] = {"replicas": 9, "reason": Reason.BACKLOG_ABOVE_TARGET}
CHANGES: Final = (
    ("2026-11-27T11:59:00Z", 5, 8, Reason.BACKLOG_ABOVE_TARGET),
    ("2026-11-27T11:40:00Z", 12, 5, Reason.ARRIVAL_BELOW_CAPACITY),
    ("2026-11-27T09:00:00Z", 0, 3, Reason.WOKE_UP),
    ("2026-11-27T02:00:00Z", 2, 0, Reason.IDLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn sees and decides."""

    entries: tuple[EntryObservation, ...]
    decision: Decision
    pods: Pods
    now: float

    def show(self, metrics: ObjectMetrics) -> None:
        """Have the metrics say so, as a turn of the operator does."""
        at = TODAY + timedelta(seconds=self.now - NOW)
        metrics.observed(self.entries, broker="rabbitmq.shop.svc:5672", unread=None, now=self.now, at=at)
        metrics.decided(self.decision, wrote=True, running=self.decision.current, pods=self.pods, now=self.now)
        metrics.told(CONDITIONS)


def turns(count: int) -> list[Turn]:
    """So many turns of one QueueConsumer under a load, one for each poll of the counters."""
    memory, taken = remember_nothing(now=NOW), []
    published = acknowledged = 0
    for number in range(count):
        now, replicas = NOW + number * POLL, 8
        published += 190 + number % 7 * 5
        acknowledged = published - 60 - number % 5 * 10
        queue = QueueObservation(
            name="orders-incoming",
            vhost="shop",
            depth=Depth(ready=published - acknowledged, consumers=replicas, at=now),
            totals=Totals(ready=published - acknowledged, unacknowledged=replicas, at=now, answered_at=now),
            counters=Counters(published=published, acknowledged=acknowledged, delivered=acknowledged + 8, at=now),
        )
        pods = Pods(ready=replicas, started=(StartedPod(created=NOW - 10, ready=NOW - 2),), at=now)
        entries = (EntryObservation(name=queue.name, vhost="shop", queues=(queue,)),)
        observation = Observation(entries=entries, current=replicas, running=replicas, pods=pods)
        decision = decide(
            spec=SPEC, observation=observation, memory=memory, now=now, at=TODAY + timedelta(seconds=now - NOW)
        )
        memory = decision.memory
        taken.append(Turn(entries=entries, decision=decision, pods=pods, now=now))
    return taken


def keys(count: int) -> list[Key]:
    """Namespaces and names as they are in companies."""
    return [Key(f"team-{number % 40:02}", f"order-workers-{number:05}") for number in range(count)]


def served(objects: Sequence[Key], *, last: Turn) -> Metrics:
    """An operator's metrics with so many QueueConsumers, each as after `last`."""
    metrics = Metrics()
    history = [
        {"time": time, "from": before, "to": after, "reason": str(reason)} for time, before, after, reason in CHANGES
    ]
    for key in objects:
        each = metrics.of(key)
        each.scale.remember(history)
        each.specified(SPEC)
        last.show(each)
        each.scale.scaled(replace(last.decision, **MOVED), now=last.now, at=TODAY)
    return metrics


def plain(objects: Sequence[Key], *, values: Mapping[Family, float | Rows]) -> CollectorRegistry:
    """The same series with the same numbers, as prometheus_client keeps and renders them."""
    registry = CollectorRegistry()
    for family in FAMILIES:
        kind = Counter if family.type == "counter" else Gauge
        metric = kind(family.name, family.help, (*OBJECT, *family.labels), registry=registry)
        value = values.get(family)
        rows = value if isinstance(value, Mapping) else {} if value is None else {(): value}
        for key in objects:
            for labels, number in rows.items():
                series = metric.labels(*key, *labels)
                series.inc(number)
    return registry
