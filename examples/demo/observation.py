"""What the live view shows, as values: one look at the cluster and the shop."""

from dataclasses import dataclass, field, replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

CONSUMERS = ("receipts", "invoices")
"""The Deployments, their queues and their QueueConsumers: all three have the same names in the shop."""

READY = "queueconsumer_queue_messages_ready"
UNACKED = "queueconsumer_queue_messages_unacked"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of replicas, with the sentence that the operator wrote down for it."""

    at: str
    """As the API server writes a time."""
    before: int
    after: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Consumers:
    """One queue and those who work on it."""

    name: str
    ready: int | None = None
    """Messages that wait; None while it is not known."""
    unacked: int | None = None
    """Messages in work; None while it is not known."""
    wanted: int = 0
    running: int = 0
    maximum: int = 0
    decision: str = ""
    """The operator's last decision, in words."""
    changes: tuple[Change, ...] = ()
    """The last 20, the oldest first."""

    @property
    def at_rest(self) -> bool:
        """Nothing to do and nobody there, and both are known."""
        return (self.ready, self.unacked, self.wanted, self.running) == (0, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One look."""

    consumers: tuple[Consumers, ...] = field(default_factory=lambda: tuple(Consumers(name=name) for name in CONSUMERS))
    placed: int = 0
    confirmed: int = 0
    receipts: int = 0
    invoices: int = 0

    @property
    def at_rest(self) -> bool:
        """Every confirmed order is served, the queues are empty and all replicas are gone."""
        served = self.confirmed == self.placed and min(self.receipts, self.invoices) >= self.confirmed
        return served and all(consumers.at_rest for consumers in self.consumers)


def queue_counts(exposition: str, *, metric: str, namespace: str) -> dict[str, int]:
    """Sum messages by QueueConsumer, from the operator's metrics; unknown counts (NaN) are left out."""
    counts: dict[str, int] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            known = sample.value == sample.value
            if sample.name == metric and sample.labels.get("namespace") == namespace and known:
                name = sample.labels["queueconsumer"]
                counts[name] = counts.get(name, 0) + int(sample.value)
    return counts


def with_status(consumers: Consumers, queue_consumer: dict[str, Any]) -> Consumers:
    """Add what the QueueConsumer object says."""
    status = queue_consumer.get("status", {})
    decision = status.get("lastDecision") or {}
    return replace(
        consumers,
        maximum=int(queue_consumer["spec"]["maxReplicas"]),
        decision=str(decision.get("message") or ""),
        changes=tuple(
            Change(at=each["time"], before=each["from"], after=each["to"], message=each.get("message", ""))
            for each in reversed(status.get("history", ()))
        ),
    )
