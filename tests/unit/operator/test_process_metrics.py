"""Metrics of the operator's process: brokers, requests, turns, the loop; and that reading them disturbs nobody."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families as plain

from qc_operator.broker_connections import BrokerConnections
from qc_operator.cluster.request_name import request_name
from qc_operator.loop_lag import watch_loop
from qc_operator.metrics import Metrics
from qc_operator.timings import Moment, Timings


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def timings(registry: CollectorRegistry) -> Timings:
    return Timings("took_seconds", "How long.", bounds=(0.1, 1), labels=("way",), known=(("up",),), registry=registry)


def shown(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in plain(generate_latest(registry).decode())
        for sample in family.samples
    }


def test_a_timing_falls_into_the_first_bucket_that_is_not_below_it(registry: CollectorRegistry) -> None:
    took = timings(registry).of("up")
    for seconds in (0.05, 0.1, 0.11, 1.0, 7.0):
        took.observe(seconds)

    assert {
        ("took_seconds_bucket", "0.1", "up"): 2,
        ("took_seconds_bucket", "1.0", "up"): 4,
        ("took_seconds_bucket", "+Inf", "up"): 5,
        ("took_seconds_count", "up"): 5,
        ("took_seconds_sum", "up"): pytest.approx(8.26),
    } == shown(registry)


def test_what_is_known_beforehand_is_there_at_zero_and_more_may_come(registry: CollectorRegistry) -> None:
    each = timings(registry)
    assert 0 == shown(registry)["took_seconds_count", "up"]

    each.of("down").observe(2)

    assert (0, 1) == (shown(registry)["took_seconds_count", "up"], shown(registry)["took_seconds_count", "down"])


def test_a_moment_that_has_not_been_has_no_series(registry: CollectorRegistry) -> None:
    moment = Moment("last_turn_timestamp_seconds", "When.", registry=registry)
    assert {} == shown(registry)
    moment.at = 12.5

    assert {("last_turn_timestamp_seconds",): 12.5} == shown(registry)


def test_a_broker_is_up_while_one_of_its_connections_is(registry: CollectorRegistry) -> None:
    connections = [("a:5672", True), ("a:5672", False), ("b:5672", False), ("b:5672", None), ("c:5672", None)]
    registry.register(BrokerConnections(lambda: connections))

    up, number = "queueconsumer_operator_broker_up", "queueconsumer_operator_broker_connections"
    assert {
        (up, "a:5672"): 1,
        (up, "b:5672"): 0,
        (number, "a:5672", "open"): 1,
        (number, "a:5672", "closed"): 1,
        (number, "b:5672", "open"): 0,
        (number, "b:5672", "closed"): 1,
    } == shown(registry)


@pytest.mark.parametrize(
    ("method", "path", "verb", "resource"),
    [
        ("GET", "/api/v1/namespaces/shop/secrets/rabbitmq", "get", "secrets"),
        ("GET", "/api/v1/namespaces/shop/pods?labelSelector=a%3Db", "list", "pods"),
        ("GET", "/api/v1/namespaces?limit=500", "list", "namespaces"),
        ("GET", "/api/v1/namespaces/shop", "get", "namespaces"),
        ("GET", "/apis/queueconsumer.dev/v1alpha1/queueconsumers?limit=500", "list", "queueconsumers"),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/receipts/scale?timeout=9ms", "patch", "deployments/scale"),
        ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", "create", "events"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/system/leases/operator", "update", "leases"),
        ("DELETE", "/api/v1/namespaces/shop/pods/a", "delete", "pods"),
        ("GET", "/apis/apps/v1", "get", "discovery"),
        ("GET", "/api/v1", "get", "discovery"),
        ("GET", "/apis", "get", "discovery"),
    ],
)
def test_a_request_is_named_as_the_rights_to_it_are(method: str, path: str, verb: str, resource: str) -> None:
    assert (verb, resource) == request_name(method, path)


def test_a_watch_is_named_as_one() -> None:
    assert ("watch", "deployments") == request_name("GET", "/apis/apps/v1/deployments?watch=true", watch=True)


async def test_a_loop_that_is_held_up_is_late(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qc_operator.loop_lag.EVERY", 0.001)
    lag = timings(registry).of("up")
    watching = asyncio.create_task(watch_loop(lag))
    await asyncio.sleep(0)
    # As a computation does.
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"], check=True)  # noqa: ASYNC221
    async with asyncio.timeout(5):
        while not lag.total:  # noqa: ASYNC110 - it is told of nothing
            await asyncio.sleep(0)
    watching.cancel()

    assert lag.total > 0.1
    assert 1 <= sum(lag.counts[1:])


def test_all_metrics_of_the_process_are_there_before_anything_has_happened() -> None:
    found = {key[0] for key in shown(Metrics().process)}

    prefix = "queueconsumer_operator_"
    assert {
        f"{prefix}leader", f"{prefix}resources", f"{prefix}evaluations_total", f"{prefix}build_info",
        f"{prefix}turn_duration_seconds_count", f"{prefix}reaction_seconds_count",
        f"{prefix}scale_completion_seconds_count", f"{prefix}loop_lag_seconds_count",
        f"{prefix}broker_read_duration_seconds_count", f"{prefix}events_dropped_total",
        f"{prefix}status_writes_skipped_total", "process_resident_memory_bytes", "python_gc_collections_total",
    } <= found  # fmt: skip
