"""A pod of the operator with its own metrics, and what Prometheus has of a scrape of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prometheus_client import generate_latest

from qc_operator import metric_families as family
from qc_operator import scale_record
from qc_operator.metrics import Metrics
from qc_operator.object_series import Labels
from qc_operator.registry import Key
from tests.dashboards.recorded_load import Consumer, Event

SCRAPE: Final = 30
"""Seconds between two scrapes."""
BROKER: Final = "rabbit.shop:5672"
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")


def target(name: str) -> str:
    """What the Deployment of a QueueConsumer is called: not like the QueueConsumer."""
    return f"{name}-worker"


class Pod:
    """One pod of the operator, with its metrics."""

    def __init__(self, instance: str, *, leads: bool) -> None:
        self.instance = instance
        self.metrics = Metrics()
        self.metrics.watch_brokers(lambda: [(BROKER, True)])
        self.metrics.watch_health(lambda: 0)
        self.metrics.leader.set(leads)
        self.metrics.shards.set(1)
        self.leads = leads
        self.counted: dict[str, dict[Labels, float]] = {}
        self.moved: dict[str, dict[Labels, float]] = {}
        self.reversals: dict[str, int] = {}
        self.since: dict[str, dict[str, float]] = {}

    def lead(self) -> None:
        """Hold the Lease from now on."""
        self.leads = True
        self.metrics.leader.set(1)

    def tell(self, consumer: Consumer, event: Event | None, *, now: int) -> None:
        """Show what a turn has come to."""
        series, name = self.metrics.objects.of(Key("shop", consumer.name)), consumer.name
        counted = self.counted.setdefault(
            name,
            dict.fromkeys(
                [("up", "BacklogAboveTarget"), ("up", "WokeUp"), ("down", "BacklogBelowTarget"), ("down", "Idle")], 0.0
            ),
        )
        moved = self.moved.setdefault(name, {("up",): 0.0, ("down",): 0.0})
        since = self.since.setdefault(name, dict(consumer.counts))
        self.metrics.evaluations.labels(event.direction if event else "hold").inc()
        self.metrics.turn.observe(0.001)
        self.metrics.loop_lag.observe(0.002)
        self.metrics.status_writes_skipped.inc()
        self.metrics.asked_broker("declare", 0.002, good=True)
        self.metrics.asked_broker("totals", 0.02, good=True)
        if event is not None:
            counted[event.direction, event.reason] += 1
            moved[event.direction,] += abs(event.after - event.before)
            self.metrics.reaction.of(event.direction).observe(0.04)
            self.metrics.completion.of(event.direction).observe(8)
            self.metrics.asked_api("patch", "deployments/scale", "200", 0.02)
            if len(consumer.history) > 1 and (event.after > event.before) != (
                consumer.history[1]["to"] > consumer.history[1]["from"]
            ):
                self.reversals[name] = self.reversals.get(name, 0) + 1
        series.set_rows(family.INFO, {("Deployment", target(name), BROKER, "shop", name, "lag,wait", "Scale"): 1})
        series.set_rows(family.SCALE_EVENTS, counted)
        series.set_rows(family.SCALED_REPLICAS, moved)
        series.set(family.REVERSALS, self.reversals.get(name, 0))
        series.set_rows(family.LAST_SCALE, scale_record.latest(consumer.history))
        reason = consumer.history[0]["reason"] if consumer.history else "Steady"
        at_max = "max" if consumer.wanted > consumer.most else "none"
        series.set_rows(family.DECISION, {(reason, at_max): 1})
        series.set_rows(family.READY_REASON, {("Scaling",): 1})
        series.set_rows(
            family.CONDITION,
            {("Ready",): 1, ("Active",): 1, ("Paused",): 0, ("FallbackActive",): 0, ("ScalingLimited",): 0},
        )
        series.set_rows(family.READING_FAILURES, {("DeclareTimeout",): 1 + (consumer.counts["known"] > 20_000)})
        for shown, value in (
            (family.MIN_REPLICAS, 0),
            (family.MAX_REPLICAS, consumer.most),
            (family.OBJECTIVE, 30),
            (family.CURRENT, consumer.replicas),
            (family.READY, consumer.replicas),
            (family.RECOMMENDED, consumer.wanted),
            (family.DESIRED, consumer.replicas),
            (family.MESSAGES_READY, int(consumer.backlog)),
            (family.MESSAGES_UNACKED, consumer.replicas),
            (family.CONSUMERS, consumer.replicas),
            (family.PUBLISHED, int(consumer.counts["published"] - since["published"])),
            (family.ACKED, int(consumer.counts["acked"] - since["acked"])),
            (family.REDELIVERED, 0),
            (family.ARRIVALS, 3.0),
            (family.SERVICE, 4.0),
            (family.WAIT, consumer.wait),
            (family.START, 6.5),
            (family.OBJECTIVE_MET, int(consumer.wait <= 30)),
            (family.OBJECTIVE_SECONDS, consumer.counts["known"] - since["known"]),
            (family.MISSED_SECONDS, consumer.counts["missed"] - since["missed"]),
            (family.LAST_READING, now),
        ):
            series.set(shown, value)

    def scraped(self, now: int) -> Iterator[str]:
        """The samples of a scrape, with the labels of the target and the time."""
        text = b"".join(self.metrics.objects.pieces(openmetrics=False)).decode()
        if now % (2 * SCRAPE) == 0:
            text += generate_latest(self.metrics.process).decode()
        added = f'instance="{self.instance}",job="queueconsumer-operator"'
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line in lines:
            name, labels, value = _SAMPLE.fullmatch(line).groups()
            yield f"{name}{{{f'{labels},' if labels else ''}{added}}} {value} {now}"
        for name, number in (("up", 1), ("scrape_samples_scraped", len(lines)), ("scrape_duration_seconds", 0.01)):
            yield f"{name}{{{added}}} {number} {now}"
