"""The page of all metrics: what prometheus_client writes, without holding up the event loop."""

import asyncio

from prometheus_client import generate_latest

from qc_operator.metrics import Metrics
from qc_operator.metrics_page import AT_ONCE, metrics_page
from qc_operator.registry import Key

OBJECTS = 2 * AT_ONCE + 1


def measured(objects: int) -> Metrics:
    metrics = Metrics()
    metrics.reaction.labels(direction="up").observe(0.02)
    metrics.api_errors.labels(resource="scale", reason="Conflict").inc()
    for number in range(objects):
        key = Key("shop", f"orders-{number}")
        metrics.current.of(key).set(number)
        metrics.scale_events.of(key, "up", "LagAboveTarget", "none").inc()
        metrics.ready.set(key, 'a "queue"\\\n', number)
    return metrics


async def test_it_is_the_page_that_prometheus_client_writes() -> None:
    for objects in (0, 1, AT_ONCE, OBJECTS):
        metrics = measured(objects)

        assert generate_latest(metrics.registry) == await metrics_page(metrics.registry)


async def test_it_is_that_of_chosen_metrics() -> None:
    chosen = measured(1).registry.restricted_registry(["queueconsumer_status_current_replicas"])

    assert generate_latest(chosen) == await metrics_page(chosen)


async def test_others_get_their_turns_meanwhile() -> None:
    metrics, turns = measured(OBJECTS), 0
    page = asyncio.create_task(metrics_page(metrics.registry))
    while not page.done():
        turns += 1
        await asyncio.sleep(0)

    # Three large metrics in three parts each, and the others.
    assert turns > 3 * 3
