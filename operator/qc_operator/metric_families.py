"""The metrics of each QueueConsumer: their names, types, labels, and what their numbers mean.

Names are as kube-state-metrics forms them (docs/design in its repository): `spec_` is what a person wrote, `status_`
what was decided and done; the unit is the last word of the name and always the base unit (Prometheus, "Metric and label
naming"). Every one has the labels `namespace` and `queueconsumer` besides its own. What is not known has no series: the
last known number would pass for a fresh one, and 0 for an empty queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

OBJECT: Final = ("namespace", "queueconsumer")
"""The first labels of each series."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family:
    """All series of one name. Compared by identity."""

    index: int
    """Its place in `FAMILIES`."""
    name: str
    """As samples have it: of a counter with `_total`."""
    type: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...] = ()
    """Those after `OBJECT`."""


_FAMILIES: list[Family] = []


def _family(kind: Literal["gauge", "counter"], name: str, text: str, *labels: str) -> Family:
    family = Family(index=len(_FAMILIES), name=f"queueconsumer_{name}", type=kind, help=text, labels=labels)
    _FAMILIES.append(family)
    return family


INFO: Final = _family(
    "gauge",
    "info",
    "Always 1. The labels say what is scaled, what is read and how: host and port of the broker (empty until its "
    "Secret was read), vhosts, queues and patterns, kinds of targets, mode.",
    *("target_kind", "target_name", "broker", "vhost", "queue", "policy", "mode"),
)
MIN_REPLICAS: Final = _family("gauge", "spec_min_replicas", "minReplicas of the spec.")
MAX_REPLICAS: Final = _family("gauge", "spec_max_replicas", "maxReplicas of the spec.")
OBJECTIVE: Final = _family(
    "gauge",
    "spec_objective_wait_seconds",
    "wait.objectiveSeconds of the spec; of several, that of the entry that queueconsumer_estimated_wait_seconds is "
    "about. Absent without such a target.",
)
MESSAGES_PER_REPLICA: Final = _family(
    "gauge",
    "spec_target_messages_per_replica",
    "lag.scaleUpAbove of the spec. Absent without such a target, and where entries differ in it.",
)
CURRENT: Final = _family("gauge", "status_current_replicas", "Pods of the target that exist, ready or not.")
READY: Final = _family(
    "gauge",
    "status_ready_replicas",
    "Pods of the target that are ready. They are looked at while they are on their way; one that ceases to be ready "
    "afterwards is not seen. Absent where they may not be listed, and 60 s after they were last known.",
)
RECOMMENDED: Final = _family(
    "gauge",
    "status_recommended_replicas",
    "Replicas that the largest answer asks for, before guards, windows, policies and bounds. Absent while paused, "
    "and while nothing is known of the queues.",
)
DESIRED: Final = _family(
    "gauge",
    "status_desired_replicas",
    "Replicas decided upon, after all limits. With mode Observe, and in a conflict, they are not written.",
)
CONDITION: Final = _family(
    "gauge",
    "status_condition",
    "1 while the condition is True, 0 while False, absent while Unknown.",
    "condition",
)
READY_REASON: Final = _family(
    "gauge", "status_ready_reason", "Always 1. The label is the reason of the condition Ready.", "reason"
)
DECISION: Final = _family(
    "gauge",
    "status_decision",
    "Always 1. The labels are the last decision's reason and what limited it.",
    *("reason", "limited_by"),
)
MESSAGES_READY: Final = _family(
    "gauge", "queue_messages_ready", "Messages ready for delivery, in all queues. Absent while one cannot be read."
)
MESSAGES_UNACKED: Final = _family(
    "gauge",
    "queue_messages_unacked",
    "Messages delivered and not yet acknowledged, in all queues. Absent while it is not known of one.",
)
CONSUMERS: Final = _family(
    "gauge", "queue_consumers", "Consumers of all queues. Absent while one queue cannot be read."
)
PUBLISHED: Final = _family(
    "counter",
    "queue_published_messages_total",
    "Messages that came into the queues whose counters are read: those with a target other than lag. Absent while "
    "the broker tells none that are younger than 15 s.",
)
ACKED: Final = _family("counter", "queue_acked_messages_total", "Likewise, messages acknowledged.")
REDELIVERED: Final = _family(
    "counter", "queue_redelivered_messages_total", "Likewise, messages given to consumers once more."
)
ARRIVALS: Final = _family(
    "gauge",
    "estimated_arrival_messages_per_second",
    "Smoothed arrival rate that decisions rest on, of the queues whose counters are read.",
)
SERVICE: Final = _family(
    "gauge",
    "estimated_service_messages_per_second",
    "Throughput of one replica at full work, learned or the spec's. Absent until known, and where counters of "
    "several entries are read: then each has its own.",
)
WAIT: Final = _family(
    "gauge",
    "estimated_wait_seconds",
    "How long a message waits that arrives now; of several entries with an objective, that which is furthest behind "
    "it. Absent without an objective.",
)
START: Final = _family(
    "gauge",
    "estimated_start_seconds",
    "From the creation of a pod to its first acknowledgement, p90. Absent until observed.",
)
OBJECTIVE_MET: Final = _family(
    "gauge",
    "objective_met",
    "1 while every message is expected to be taken in time, 0 while not. Absent without an objective, and while "
    "that cannot be told.",
)
OBJECTIVE_SECONDS: Final = _family(
    "counter", "objective_seconds_total", "Seconds in which it was known whether the objective is met."
)
MISSED_SECONDS: Final = _family(
    "counter", "objective_missed_seconds_total", "Seconds of those in which it was not met."
)
SCALE_EVENTS: Final = _family(
    "counter",
    "scale_events_total",
    "Changes of replicas that the API server accepted. 0 from the start for what the spec can bring about; an "
    "exemplar says from how many to how many, and what limited it.",
    *("direction", "reason"),
)
LAST_SCALE: Final = _family(
    "gauge",
    "last_scale_timestamp_seconds",
    "When replicas were last changed so, in whole seconds since the epoch, as in status.history. The latest three "
    "kinds of change.",
    *("direction", "reason"),
)
SCALED_REPLICAS: Final = _family(
    "counter", "scaled_replicas_total", "Replicas that were added (up) and taken away (down).", "direction"
)
REVERSALS: Final = _family(
    "counter", "direction_reversals_total", "Changes of replicas in the other direction than the one before."
)
LAST_READING: Final = _family(
    "gauge",
    "last_reading_timestamp_seconds",
    "When the queues were last read, in seconds since the epoch: all of them, and the one that was read first counts.",
)
READING_FAILURES: Final = _family(
    "counter",
    "reading_failures_total",
    "Times that the queues could no longer be read, for this reason. One that lasts counts once; from the fourth "
    "reason on it is Other.",
    "reason",
)

FAMILIES: Final = tuple(_FAMILIES)
"""All of them, in the order in which they are shown."""
