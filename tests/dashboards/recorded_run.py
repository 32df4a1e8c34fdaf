"""Seven hours of two QueueConsumers as an operator tells them, with a change of leader in the middle.

The load is simulated, the exposition is the operator's own. Both of its pods are scraped every 30 s, as by Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.dashboards.recorded_load import TURN, Consumer, Event
from tests.dashboards.recorded_pod import BROKER, SCRAPE, Pod, target

START: Final = 1_795_000_000 // 7200 * 7200
"""Seconds since the epoch; blocks of two hours begin there."""
LONG: Final = 7 * 3600
LAST_SCRAPE: Final = START + LONG // 2
"""The last one of the first leader."""
CHANGE: Final = LAST_SCRAPE + 27
"""When the leader is killed and the other pod takes over: after changes of replicas that no scrape has seen."""
LEADERS: Final = ("operator-a:8080", "operator-b:8080")


def run() -> tuple[list[str], list[Event]]:
    """The whole run: samples in OpenMetrics' text format, and what the operator has written."""
    consumers = [
        Consumer(name=name, random=Random(seed), most=12)  # noqa: S311 - not a secret
        for seed, name in enumerate(("receipts", "invoices"), start=7)
    ]
    pods = [Pod(instance, leads=index == 0) for index, instance in enumerate(LEADERS)]
    lines: list[str] = []
    events: list[Event] = []
    for now in range(START, START + LONG, TURN):
        if now >= CHANGE and not pods[-1].leads:
            pods = pods[1:]
            pods[0].lead()
        for consumer in consumers:
            event = consumer.turn(now)
            if event is not None:
                events.append(event)
            pods[0].tell(consumer, event, now=now)
        pods[0].metrics.last_turn.at = now
        if now % SCRAPE == 0:
            for pod in pods:
                lines.extend(pod.scraped(now))
            lines.extend(_surroundings(consumers, now))
    return lines, events


def _surroundings(consumers: list[Consumer], now: int) -> Iterator[str]:
    """What Prometheus, kube-state-metrics and the kubelet tell."""
    alert = 'alertname="QueueConsumerObjectiveBurnFast",alertstate="firing",severity="critical",namespace="shop"'
    for consumer in consumers:
        pod = f'namespace="shop",pod="{target(consumer.name)}-1"'
        yield f'kube_pod_info{{{pod},node="n1"}} 1 {now}'
        yield f'kube_pod_status_phase{{{pod},phase="Running"}} 1 {now}'
        yield f'kube_pod_container_status_restarts_total{{{pod},container="c"}} 1 {now}'
        yield f'container_cpu_usage_seconds_total{{{pod},container="c"}} {(now - START) / 10} {now}'
        yield f'ALERTS{{{alert},queueconsumer="{consumer.name}",broker="{BROKER}"}} 1 {now}'
