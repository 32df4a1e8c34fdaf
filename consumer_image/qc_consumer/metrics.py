"""The consumer's metrics, in a registry of their own so that two consumers in one process (tests) do not collide."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Buckets from a cache lookup to RabbitMQ's consumer_timeout of 30 minutes."""

OUTCOMES = ("acked", "retried", "dead_lettered", "returned", "duplicate", "lost")


class Metrics:
    """Everything that a consumer counts and times. Never labelled by routing key or message id."""

    def __init__(self, queue: str) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        prefix = "queue_consumer_"
        ProcessCollector(registry=registry)
        self.received = Counter(
            f"{prefix}messages_received", "Deliveries.", ["queue", "redelivered"], registry=registry
        )
        self.messages = Counter(
            f"{prefix}messages",
            "Deliveries by what became of them: acked, retried, dead_lettered, returned, duplicate, lost.",
            ["queue", "outcome"],
            registry=registry,
        )
        self.handler_seconds = Histogram(
            f"{prefix}handler_seconds", "Time in the handler.", ["queue"], buckets=SECONDS, registry=registry
        )
        self.queue_wait = Histogram(
            f"{prefix}queue_wait_seconds",
            "Time from publishing to the first delivery, from the header timestamp_in_ms.",
            ["queue"],
            buckets=SECONDS,
            registry=registry,
        )
        self.busy = Counter(f"{prefix}busy_seconds", "Time that slots have spent in handlers.", registry=registry)
        self.in_flight = Gauge(f"{prefix}in_flight", "Handlers running now.", registry=registry)
        self.buffered = Gauge(f"{prefix}buffered", "Deliveries that wait for a free slot.", registry=registry)
        self.concurrency = Gauge(f"{prefix}concurrency", "Slots.", registry=registry)
        self.oldest = Gauge(
            f"{prefix}oldest_in_flight_seconds", "Age of the longest running handler.", registry=registry
        )
        self.connected = Gauge(f"{prefix}connected", "1 while the broker knows the consumer.", registry=registry)
        self.reconnects = Counter(
            f"{prefix}reconnects", "Lost connections and channels.", ["reason"], registry=registry
        )
        self.draining = Gauge(f"{prefix}draining", "1 from SIGTERM on.", registry=registry)
        self.broker_timeouts = Counter(
            f"{prefix}broker_timeouts", "Deliveries taken back after RabbitMQ's consumer_timeout.", registry=registry
        )
        self.last_ack = Gauge(
            f"{prefix}last_ack_timestamp_seconds", "When a message was last acknowledged.", registry=registry
        )

        # Looked up once: labels() costs as much as the rest of a message's metrics together. And a series that is
        # there from the start, at zero, gives rate() its first increase.
        self._outcomes = {name: self.messages.labels(queue, name) for name in OUTCOMES}
        self._arrivals = {again: self.received.labels(queue, str(again).lower()) for again in (False, True)}
        self._waits = self.queue_wait.labels(queue)
        self._times = self.handler_seconds.labels(queue)

    def outcome(self, name: str) -> None:
        """Count a delivery that is done with."""
        self._outcomes[name].inc()
        if name == "acked":
            self.last_ack.set(time.time())

    def delivered(self, *, redelivered: bool, wait: float | None) -> None:
        """Count an arrival; the wait in seconds, where it is known and meant (not after a retry)."""
        self._arrivals[redelivered].inc()
        if wait is not None:
            self._waits.observe(max(0.0, wait))

    def handled(self, seconds: float) -> None:
        """Count the time that a handler took."""
        self._times.observe(seconds)
        self.busy.inc(seconds)

    def watch_oldest(self, age: Callable[[], float]) -> None:
        """Ask for the age of the longest running handler at each scrape."""
        self.oldest.set_function(age)


def loss(reason: str) -> str:
    """Reduce the reason of a lost connection to a label of few values."""
    for word, label in (("heartbeat", "heartbeat"), ("404", "queue_missing"), ("406", "refused"), ("403", "refused")):
        if word in reason.lower():
            return label
    return "cancelled" if "cancelled" in reason else "connection"
