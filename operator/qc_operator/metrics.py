"""Prometheus metrics: what the queues hold, what was decided, and what the operator did about it.

Series of a QueueConsumer end with it: a gauge that stands still for ever would raise alerts about nothing.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from qc_operator.object_series import KnownNumber, ObjectSeries
from qc_operator.registry import Key
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import EntryObservation

OBJECT = ("namespace", "queueconsumer")


class Metrics:
    """All metrics of one operator process, in a registry of their own."""

    def __init__(self) -> None:
        # When a counter was made would be a series of its own beside each, and each object would have one.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations
        self.registry = CollectorRegistry()
        self.ready = KnownNumber(
            self._gauge("queue_messages_ready", "Messages ready for delivery; absent while unknown.", "queue")
        )
        self.unacknowledged = KnownNumber(
            self._gauge(
                "queue_messages_unacked", "Messages delivered and not yet acknowledged; absent while unknown.", "queue"
            )
        )
        self.current = self._gauge("status_current_replicas", "Pods of the target, as in status.currentReplicas.")
        self.desired = self._gauge("status_desired_replicas", "Replicas decided upon, after limits.")
        self.min_replicas = self._gauge("spec_min_replicas", "minReplicas of the spec.")
        self.max_replicas = self._gauge("spec_max_replicas", "maxReplicas of the spec.")
        self.condition = self._gauge("status_condition", "1 while the condition is True.", "condition")
        self.last_reading = self._gauge(
            "last_reading_timestamp_seconds",
            "When all queues were last read, in seconds since the epoch.",
        )
        self.scale_events = ObjectSeries(
            Counter(
                "queueconsumer_scale_events",
                "Changes of replicas that were written.",
                (*OBJECT, "direction", "reason", "limit"),
                registry=self.registry,
            )
        )
        self.reaction = Histogram(
            "queueconsumer_operator_reaction_seconds",
            "From the reading that called for a change to the API server's acceptance of the write.",
            ("direction",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self.registry,
        )
        self.resources = Gauge(
            "queueconsumer_operator_resources", "QueueConsumers that this process serves.", registry=self.registry
        )
        self.decided = Gauge(
            "queueconsumer_operator_decided_resources",
            "QueueConsumers for which a decision was made since this process serves them.",
            registry=self.registry,
        )
        self.unserved_namespaces = Gauge(
            "queueconsumer_operator_unserved_namespaces",
            "Namespaces of QC_NAMESPACES in which the operator may not list QueueConsumers.",
            registry=self.registry,
        )
        self.events_dropped = Counter(
            "queueconsumer_operator_events_dropped",
            "Kubernetes events that were not posted because their object had too many.",
            registry=self.registry,
        )
        self.leading = Gauge(
            "queueconsumer_operator_leading",
            "1 while this process holds the Lease of its shard, or needs none.",
            registry=self.registry,
        )
        self.api_errors = Counter(
            "queueconsumer_operator_api_errors",
            "Requests to the API server that failed.",
            ("resource", "reason"),
            registry=self.registry,
        )

    def _gauge(self, name: str, help_text: str, *labels: str) -> ObjectSeries[Gauge]:
        return ObjectSeries(Gauge(f"queueconsumer_{name}", help_text, (*OBJECT, *labels), registry=self.registry))

    def measure(
        self,
        key: Key,
        *,
        spec: QueueConsumerSpec,
        entries: tuple[EntryObservation, ...],
        decision: Decision,
        running: int,
    ) -> None:
        """Show what one turn has seen and decided; `running` pods there are, as in status.currentReplicas."""
        self.current.of(key).set(running)
        self.desired.of(key).set(decision.replicas)
        self.min_replicas.of(key).set(spec.min_replicas)
        self.max_replicas.of(key).set(spec.max_replicas)
        self.read(key, entries=entries)

    def read(self, key: Key, *, entries: tuple[EntryObservation, ...]) -> None:
        """Show what was read of the queues, also where the target cannot be."""
        for entry in entries:
            self.ready.set(key, entry.name, entry.ready)
            self.unacknowledged.set(key, entry.name, entry.unacknowledged)
        if entries and all(entry.known for entry in entries):
            self.last_reading.of(key).set_to_current_time()

    def scaled(self, key: Key, *, decision: Decision, reaction: float) -> None:
        """Count a write that the API server accepted, `reaction` seconds after the reading that called for it."""
        direction = "up" if decision.replicas > decision.current else "down"
        self.reaction.labels(direction=direction).observe(reaction)
        self.scale_events.of(key, direction, decision.reason.value, decision.limited_by.value).inc()

    def forget(self, key: Key) -> None:
        """Remove the series of a QueueConsumer that is gone, or reads other queues from now on."""
        for series in (
            self.ready,
            self.unacknowledged,
            self.current,
            self.desired,
            self.min_replicas,
            self.max_replicas,
            self.condition,
            self.last_reading,
            self.scale_events,
        ):
            series.forget(key)
