"""Telling people: what the status of one QueueConsumer says, and which events there are, turn by turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from qc_operator import reporting, transitions, unserved
from qc_operator.delivery import Delivery
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.scaling import capacity_kept, guards_kept
from qc_operator.scaling.memory import Memory
from qc_operator.surroundings import Surroundings

log = logging.getLogger(__name__)


class Announcer:
    """Makes of each turn's findings what is to be told; see `Delivery` for when it is written."""

    def __init__(self, *, around: Surroundings, status: Mapping[str, Any], on_gone: Callable[[], None]) -> None:
        self._status: Mapping[str, Any] = status
        self._memory: Memory | None = None
        self._statuses = around.statuses
        self._metrics = around.metrics
        self._onlooker = around.onlooker
        self._clock = around.clock
        self._delivery = Delivery(
            around=around, status=lambda: self._status, complete=self._with_learned, on_gone=on_gone
        )

    def tell(self, findings: Findings, *, about: Known) -> None:
        """Take in what a turn has found, and have it written where it is news."""
        now = self._clock.utcnow()
        news = transitions.events(findings=findings, previous=self._status.get("conditions", ()))
        for event in news:
            if event.action != "Scale":  # which the write has logged, with its numbers
                level = logging.WARNING if event.warning else logging.INFO
                log.log(level, "%s: %s: %s", about.key, event.reason, event.note)
        if findings.decision is not None:
            self._memory = findings.decision.memory
        self._status = self._after(findings, about=about, now=now)
        metrics = self._metrics.of(about.key)
        metrics.told(findings.conditions)
        metrics.scale.remember(self._status.get("history"))
        self._onlooker.told(about, status=self._status, change=findings.change, now=now)
        self._delivery.tell([(event, now) for event in news], about=about)

    def tell_again(self) -> None:
        """Write the status though it is not new: somebody else has written another one."""
        self._delivery.tell_again()

    def last_status(self, *, about: Known) -> Mapping[str, Any]:
        """The status that says that the object is served no longer. Somebody else is to write it."""
        told = [str(condition["type"]) for condition in self._status.get("conditions", ())]
        findings = Findings(conditions=unserved.conditions(namespace=about.key.namespace, told=told))
        return self._with_learned(self._after(findings, about=about, now=self._clock.utcnow()))

    def _after(self, findings: Findings, *, about: Known, now: datetime) -> Mapping[str, Any]:
        ref = about.spec.scale_target_ref if about.spec else None
        return reporting.status(
            findings=findings,
            previous=self._status,
            generation=about.generation,
            target=reporting.target_name(ref) if ref else "",
            broker=_broker(about),
            now=now,
        )

    def forget_learned(self) -> None:
        """What was learned of other queues is not to be found in the status of these."""
        self._memory = None
        self._status = {name: value for name, value in self._status.items() if name != "learned"}

    @property
    def has_original(self) -> bool:
        """Whether the status has the number of replicas that this target had before the first decision."""
        return "originalReplicas" in self._status

    async def keep_original(self, replicas: int, *, about: Known) -> None:
        """Have that number in the status. Raises `ApiError`."""
        status = {**self._status, "originalReplicas": replicas}
        await self._statuses.write(key=about.key, uid=about.uid, status=lambda: status, urgent=True)
        self._status = status

    def forget_original(self) -> None:
        """What another target had before is not what this one had."""
        self._status = {name: value for name, value in self._status.items() if name != "originalReplicas"}

    def told(self, condition: str) -> str | None:
        """The reason that the status gives for a condition of this type, or None where it has none.

        One that no longer holds must be taken back; one that never did need not be told.
        """
        for known in self._status.get("conditions", ()):
            if known["type"] == condition:
                return str(known["reason"])
        return None

    def close(self) -> None:
        """Write nothing more."""
        self._delivery.close()

    def _with_learned(self, status: Mapping[str, Any]) -> Mapping[str, Any]:
        # Only when it is written: it takes as long as a tenth of a turn, and readings come five times a second.
        if self._memory is None:
            return status
        learned: dict[str, object] = {**capacity_kept.remembered(self._memory.capacity)}
        if guards := guards_kept.remembered(self._memory.guards, now=self._clock.monotonic()):
            learned["guards"] = guards
        without = {name: value for name, value in status.items() if name != "learned"}
        return {**without, "learned": learned} if learned else without


def _broker(known: Known) -> str:
    """The Secret, and the vhost where the spec names one: `shop-rabbitmq/shop`."""
    if known.spec is None:
        return ""
    broker = known.spec.broker
    return broker.secret_name if broker.vhost is None else f"{broker.secret_name}/{broker.vhost}"
