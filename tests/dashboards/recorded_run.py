"""Seven hours of two QueueConsumers as an operator tells them, with a change of leader in the middle.

The load is simulated, the exposition is the operator's own. Both of its pods are scraped every 30 s, as by Prometheus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from prometheus_client import generate_latest

from qc_operator import metric_families as family
from qc_operator import scale_record
from qc_operator.metrics import Metrics
from qc_operator.object_series import Labels
from qc_operator.registry import Key

START: Final = 1_795_000_000 // 7200 * 7200
"""Seconds since the epoch; blocks of two hours begin there."""
LONG: Final = 7 * 3600
CHANGE: Final = START + LONG // 2 + 7
"""When the leader is killed and the other pod takes over."""
SCRAPE: Final = 30
TURN: Final = 10
BROKER: Final = "rabbit.shop:5672"
LEADERS: Final = ("operator-a:8080", "operator-b:8080")
PER_REPLICA: Final = 20
DOWN_WINDOW: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of replicas that the operator has written."""

    at: int
    name: str
    direction: str
    reason: str
    before: int
    after: int


@dataclass(slots=True, kw_only=True)
class Consumer:
    """A queue with its replicas: scaled up at once by its lag, down when a minute asks for less."""

    name: str
    random: Random
    most: int
    backlog: float = 0.0
    replicas: int = 0
    wanted: int = 0
    answers: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("published", "acked", "missed", "known"), 0.0)
    )
    burst_until: int = 0

    def turn(self, now: int) -> Event | None:
        """Let TURN seconds go by, and decide."""
        if self.random.random() < TURN / 1500:
            self.burst_until = now + self.random.randint(60, 240)
        daily = 1 + math.sin(now / 2400 + len(self.name))
        arrivals = TURN * (daily * 3 + (40 if now < self.burst_until else 0)) * (0 if daily < 0.2 else 1)
        done = min(self.backlog + arrivals, self.replicas * 4.0 * TURN)
        self.backlog += arrivals - done
        self.counts["published"] += arrivals
        self.counts["acked"] += done
        self.counts["known"] += TURN
        self.counts["missed"] += TURN if self.wait > 30 else 0
        self.wanted = math.ceil(self.backlog / PER_REPLICA)
        self.answers = [*self.answers, min(self.wanted, self.most)][-DOWN_WINDOW // TURN :]
        answer = self.answers[-1] if self.answers[-1] > self.replicas else min(self.replicas, max(self.answers))
        if answer == self.replicas:
            return None
        before, self.replicas = self.replicas, answer
        up = answer > before
        reason = (
            ("WokeUp" if before == 0 else "BacklogAboveTarget")
            if up
            else "Idle"
            if answer == 0
            else "BacklogBelowTarget"
        )
        time = datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.history = [{"time": time, "from": before, "to": answer, "reason": reason}, *self.history][:20]
        return Event(
            at=now, name=self.name, direction="up" if up else "down", reason=reason, before=before, after=answer
        )

    @property
    def wait(self) -> float:
        """Seconds until a message that arrives now is taken."""
        return self.backlog / max(self.replicas * 4.0, 1.0)


class Pod:
    """One pod of the operator, with its metrics."""

    def __init__(self, instance: str, *, leads: bool) -> None:
        self.instance = instance
        self.metrics = Metrics()
        self.metrics.watch_brokers(lambda: [(BROKER, True)])
        self.metrics.watch_health(lambda: 0)
        self.metrics.leader.set(leads)
        self.leads = leads
        self.counted: dict[str, dict[Labels, float]] = {}
        self.moved: dict[str, dict[Labels, float]] = {}
        self.reversals: dict[str, int] = {}
        self.since: dict[str, dict[str, float]] = {}

    def lead(self) -> None:
        """Hold the Lease from now on."""
        self.leads = True
        self.metrics.leader.set(1)

    def tell(self, consumer: Consumer, event: Event | None) -> None:
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
        series.set_rows(family.INFO, {("Deployment", name, BROKER, "shop", name, "lag,wait", "Scale"): 1})
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
        series.set_rows(family.READING_FAILURES, {("DeclareTimeout",): 1 + (consumer.counts["known"] > LONG * 0.8)})
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
            (family.LAST_READING, START + consumer.counts["known"]),
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


_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")


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
            pods[0].tell(consumer, event)
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
        pod = f'namespace="shop",pod="{consumer.name}-1"'
        yield f'kube_pod_info{{{pod},node="n1"}} 1 {now}'
        yield f'kube_pod_status_phase{{{pod},phase="Running"}} 1 {now}'
        yield f'kube_pod_container_status_restarts_total{{{pod},container="c"}} 1 {now}'
        yield f'container_cpu_usage_seconds_total{{{pod},container="c"}} {(now - START) / 10} {now}'
        yield f'ALERTS{{{alert},queueconsumer="{consumer.name}",broker="{BROKER}"}} 1 {now}'
