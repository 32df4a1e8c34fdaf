"""One QueueConsumer for the live page to show: a queue that fills and empties, and what the operator says of it.

The queue goes by a simple rule. Who decides and who words it are the operator's own `decide()`, `verdict()` and
`status()`, so that nothing is shown that the operator would not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from qc_operator.registry import Known, read
from qc_operator.reporting import Change, Findings, target_name
from qc_operator.reporting import status as told_of
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import (
    Counters,
    Depth,
    EntryObservation,
    Observation,
    QueueFacts,
    QueueObservation,
    Totals,
    Unknown,
)
from qc_operator.scaling.pause import parse
from qc_operator.scaling.pods import Pods, StartedPod
from qc_operator.verdict import verdict

FACTS = QueueFacts(type="quorum", single_active_consumer=False, state="running")
REFUSED = (
    "ACCESS_REFUSED - access to queue 'mails' in vhost 'mail' refused for user 'operator': "
    "grant the operator's user any of configure, write and read on it"
)


def known(namespace: str, name: str, **spec: Any) -> Known:
    """A QueueConsumer as the watch shows it."""
    return read(
        {
            "metadata": {"namespace": namespace, "name": name, "uid": f"{namespace}/{name}", "generation": 1},
            "spec": {
                "scaleTargetRef": {"name": name},
                "broker": {"secretName": f"{namespace}-rabbitmq"},
                "queues": [{"name": name, "lag": {"scaleUpAbove": 20}}],
                "maxReplicas": 10,
            }
            | spec,
        }
    )


def condition(kind: str, status: str, reason: str, message: str, *, since: str) -> dict[str, Any]:
    """One condition of a status."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


@dataclass
class Course:
    """One QueueConsumer whose queue fills and empties: messages per second by the seconds of the scene."""

    about: Known
    arrivals: Callable[[float], float]
    each: float = 10.0
    """Messages per second that a replica does."""
    lag: float = 0.0
    """Messages that nobody has done yet."""
    desired: int = 0
    current: int = 0
    status: dict[str, Any] = field(default_factory=dict)
    refused: bool = False
    """Whether the broker does not let the operator look at the queue."""
    _memory: Memory | None = None
    _published: float = 0.0
    _pods: Pods | None = None

    @property
    def rated(self) -> bool:
        """Whether a target needs the counters."""
        assert self.about.spec is not None
        return any(target != "lag" for queue in self.about.spec.queues for target in queue.targets)

    def step(
        self, now: datetime, *, second: float, length: float, tell: bool = True
    ) -> tuple[dict[str, Any], Change | None]:
        """Let time pass, and decide; the status, and the change of replicas if there is one.

        Unless it is to `tell`, the status stays as it is where nothing changes, which takes a third of the time.
        """
        spec = self.about.spec
        assert spec is not None
        rate = max(self.arrivals(second), 0.0)
        if self.current != self.desired or self._pods is None:
            # They have worked since the last step: what they manage is learned from what was done meanwhile.
            ready = second - length
            started = [StartedPod(created=ready - 11, ready=ready)] * max(self.desired - self.current, 0)
            self.current = self.desired
            self._pods = Pods(ready=self.current, started=tuple(started[:16]), at=second)
        self._published += rate * length
        self.lag = max(self.lag + (rate - self.current * self.each) * length, 0.0)
        entries = (self._entry(rate=rate, second=second),)
        decision = decide(
            spec=spec,
            observation=Observation(entries=entries, current=self.current, running=self.current, pods=self._pods),
            memory=self._memory or remember_nothing(now=second),
            now=second,
            at=now,
            pause=self.about.pause,
        )
        self._memory, self.desired = decision.memory, decision.replicas
        if not tell and decision.replicas == decision.current:
            return self.status, None
        findings = verdict(
            decision=decision,
            entries=entries,
            spec=spec,
            pause=self.about.pause,
            problem=None,
            running=self.current,
            remarks=(),
            told=self._told,
            wrote=True,
            conflict=None,
            by_hand="",
        )
        return self._tell(findings, now=now), findings.change

    def annotate(self, annotations: Mapping[str, str]) -> None:
        """Have a person pause it."""
        self.about = replace(self.about, annotations=annotations, pause=parse(annotations))

    def _entry(self, *, rate: float, second: float) -> EntryObservation:
        (vhost, name), at = self.about.key, second
        # Replicas that are busy have one in hand, or the next one already, and two more of a queue that is not empty.
        unacked = min(ceil(1.4 * rate / self.each), self.current) + min(int(self.lag), 2 * self.current)
        ready = int(self.lag) - min(int(self.lag), 2 * self.current)
        done = int(self._published - self.lag)
        queue = QueueObservation(
            name=name,
            vhost=vhost,
            depth=Unknown(cause="AccessRefused", message=REFUSED, at=at)
            if self.refused
            else Depth(ready=ready, consumers=self.current, at=at),
            totals=Totals(ready=ready, unacknowledged=unacked, at=at, answered_at=at),
            facts=FACTS,
            counters=Counters(published=int(self._published), acknowledged=done, delivered=done, at=at)
            if self.rated
            else None,
        )
        return EntryObservation(name=name, vhost=vhost, queues=(queue,))

    def _told(self, kind: str) -> str | None:
        return next((each["reason"] for each in self.status.get("conditions", ()) if each["type"] == kind), None)

    def _tell(self, findings: Findings, *, now: datetime) -> dict[str, Any]:
        assert self.about.spec is not None
        self.status = told_of(
            findings=findings,
            previous=self.status,
            generation=self.about.generation,
            target=target_name(self.about.spec.scale_target_ref),
            broker=f"rabbitmq.{self.about.key.namespace}:5672",
            now=now,
        )
        return self.status
