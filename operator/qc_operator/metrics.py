"""All metrics of one operator process: those of each QueueConsumer, and those of the process itself.

Series of a QueueConsumer end with it: a gauge that stands still for ever would raise alerts about nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, disable_created_metrics

from qc_operator import VERSION
from qc_operator.broker_connections import BrokerConnections
from qc_operator.metric_families import FAMILIES
from qc_operator.object_metrics import ObjectMetrics, Phase
from qc_operator.object_series import ObjectSeries
from qc_operator.process_registry import Described, ProcessRegistry
from qc_operator.registry import Key

PHASES: Final[tuple[Phase, ...]] = ("pending", "ready", "not_ready")
DIRECTIONS: Final = (("up",), ("down",))
RESULTS: Final = ("up", "down", "hold", "error")
HEALTHY, WARNING, ERROR = 0, 1, 2
"""Values of `health_status`."""


class Metrics:
    """All of them: `objects` by QueueConsumer, `process` of the process, and `registry` with both."""

    def __init__(self) -> None:
        # They would be as many series again, with what Prometheus does not ask for.
        disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus_client has types but for this
        self.objects = ObjectSeries(FAMILIES)
        self.process = process = ProcessRegistry()
        self.registry = CollectorRegistry()
        """To read values from. A scrape takes the lines that `objects` has ready: see `exposition.py`."""
        for each in (self.objects, self.process):
            self.registry.register(each)
        self._served: dict[Key, ObjectMetrics] = {}
        self.leader = process.gauge("leader", "1 while this process holds the Lease of its shard, or needs none.")
        self.shards = process.gauge(
            "shards", "Shards that QueueConsumers are divided among; 1 without sharding. Each has a leader."
        )
        self.health_status = process.gauge(
            "health_status", "0 healthy; 1 warning, something stands in its way, see /readyz; 2 error, see /healthz."
        )
        self.resources = process.gauge(
            "resources",
            "QueueConsumers that this process serves: pending, until something is known of them, and by their "
            "condition Ready. 0 on a stand-by.",
            "phase",
        )
        for phase in PHASES:
            self.resources.labels(phase)
        self.unserved_namespaces = process.gauge(
            "unserved_namespaces",
            "Namespaces of QC_NAMESPACES in which QueueConsumers may not be listed; /readyz names them.",
        )
        self.evaluations = process.counter(
            "evaluations",
            "Decisions by what came of them: replicas written up or down, held, or an error of the API server.",
            "result",
        )
        for result in RESULTS:
            self.evaluations.labels(result)
        self.turn = process.timings(
            "turn_duration_seconds",
            "A turn of one QueueConsumer: look, decide, write replicas. Turns are woken by readings.",
            bounds=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 10, 60),
        ).of()
        self.last_turn = process.moment(
            "last_turn_timestamp_seconds",
            "When a turn of any QueueConsumer last ended, or, until then, when this process began to serve; in "
            "seconds since the epoch. Absent on a stand-by.",
        )
        self.reaction = process.timings(
            "reaction_seconds",
            "From the reading that called for a change to the API server's acceptance of the write.",
            bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            labels=("direction",),
            known=DIRECTIONS,
        )
        self.completion = process.timings(
            "scale_completion_seconds",
            "From a write of replicas to as many pods: all of them ready, on the way up. One that was overtaken by "
            "another change is not counted.",
            bounds=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
            labels=("direction",),
            known=DIRECTIONS,
        )
        self.loop_lag = process.timings(
            "loop_lag_seconds",
            "By how much the event loop was late, looked at four times a second.",
            bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        ).of()
        self.broker_reads = process.timings(
            "broker_read_duration_seconds",
            "One question to a broker: a passive declare of one queue, or the totals of a vhost.",
            bounds=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 4),
            labels=("method", "outcome"),
            known=tuple((method, outcome) for method in ("declare", "totals") for outcome in ("ok", "error")),
        )
        self.api_requests = process.counter(
            "api_requests",
            "Requests to the API server, but for those by which kopf finds and watches QueueConsumers: verb and "
            "resource as in its rights, and HTTP's code, none without an answer.",
            *("verb", "resource", "code"),
        )
        self.api_durations = process.timings(
            "api_request_duration_seconds",
            "Requests to the API server that were answered or given up; a watch until it has begun.",
            bounds=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 10),
            labels=("verb",),
            known=(),
        )
        self.api_errors = process.counter(
            "api_errors", "Requests to the API server that failed, by its reason.", "resource", "reason"
        )
        self.status_writes_skipped = process.counter(
            "status_writes_skipped", "Turns that have found nothing worth a write of the status."
        )
        self.events_dropped = process.counter(
            "events_dropped",
            "Kubernetes events that were not posted: their object had too many, or the API server was away too long.",
        )
        process.gauge("build_info", "Always 1. The labels are the versions.", "version", "python").labels(
            VERSION, platform.python_version()
        ).set(1)
        ProcessCollector(registry=self.process)
        GCCollector(registry=self.process)

    def of(self, key: Key) -> ObjectMetrics:
        """Those of one QueueConsumer, from its first turn until `forget`."""
        known = self._served.get(key)
        if known is None:
            known = self._served[key] = ObjectMetrics(
                series=self.objects.of(key),
                moved=self._moved,
                completed=lambda direction, seconds: self.completion.of(direction).observe(seconds),
            )
        return known

    def forget(self, key: Key) -> None:
        """Remove the series of a QueueConsumer that is gone, or served no more."""
        if (known := self._served.pop(key, None)) is not None:
            known.close()

    def watch_brokers(self, connections: Callable[[], Iterable[tuple[str, bool | None]]]) -> None:
        """Ask at each scrape which brokers are connected to."""
        brokers = BrokerConnections(connections)
        self.process.register(brokers)
        self.process.described += [
            Described(family.name, family.type, labels, family.documentation)
            for family, labels in zip(brokers.describe(), (("broker",), ("broker", "state")), strict=True)
        ]

    def watch_health(self, status: Callable[[], int]) -> None:
        """Ask for the process's health at each scrape: `HEALTHY`, `WARNING` or `ERROR`."""
        self.health_status.set_function(status)

    def asked_api(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count a request to the API server."""
        self.api_requests.labels(verb, resource, code).inc()
        self.api_durations.of(verb).observe(seconds)

    def asked_broker(self, method: str, seconds: float, *, good: bool) -> None:
        """Count a question to a broker."""
        self.broker_reads.of(method, "ok" if good else "error").observe(seconds)

    def _moved(self, before: Phase | None, after: Phase | None) -> None:
        if before is not None:
            self.resources.labels(before).dec()
        if after is not None:
            self.resources.labels(after).inc()
