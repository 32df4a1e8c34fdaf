"""The numbers of one QueueConsumer that are drawn, taken from its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any, Final, NamedTuple

from qc_operator.resource import QueueConsumerSpec


class Figures(NamedTuple):
    """One moment, all queues together. What is not known is not a number."""

    ready: float = nan
    """Messages ready for delivery."""
    unacked: float = nan
    """Messages delivered and not yet acknowledged."""
    wait: float = nan
    """Seconds that a message waits which arrives now, of the queue that is worst off against its objective."""
    arrivals: float = nan
    """Messages per second that arrive."""
    capacity: float = nan
    """Messages per second that the pods there are manage."""
    current: float = nan
    """Pods of the target."""
    desired: float = nan
    """Replicas decided upon."""


UNKNOWN: Final = Figures()


def figures(spec: QueueConsumerSpec | None, status: Mapping[str, Any]) -> Figures:
    """Read them from a status that was made for this spec; without one, no waiting time."""
    queues: Sequence[Mapping[str, Any]] = status.get("queues", ())
    current = _number(status.get("currentReplicas"))
    arrivals = _sum(queues, "arrivalsPerSecond")
    return Figures(
        ready=_sum(queues, "ready"),
        unacked=_sum(queues, "unacknowledged"),
        wait=nan if spec is None else _number(worst(spec, status)[0]),
        arrivals=arrivals,
        capacity=_capacity(queues, arrivals=arrivals, replicas=current),
        current=current,
        desired=_number(status.get("desiredReplicas")),
    )


def worst(spec: QueueConsumerSpec, status: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """Waiting time and objective in seconds of the queue that waits longest for its objective.

    No waiting time while it is not known, and no objective where no queue has one.
    """
    found: tuple[float | None, int | None] = (None, None)
    for source, told in zip(spec.queues, status.get("queues", ()), strict=False):
        if source.wait is None:
            continue
        seconds, objective = _number(told.get("waitSeconds")), source.wait.objective_seconds
        known = None if isnan(seconds) else seconds
        if found[1] is None or (known or 0.0) / objective > (found[0] or 0.0) / found[1]:
            found = known, objective
    return found


def rounded(value: float) -> float | None:
    """Four digits of a rate or a time, the same ones wherever it is shown; None where it is not known."""
    return None if isnan(value) else float(f"{value:.4g}")


def count(value: float) -> int | None:
    """A number of messages or pods, all of its digits; None where it is not known."""
    return None if isnan(value) else int(value)


def _capacity(queues: Sequence[Mapping[str, Any]], *, arrivals: float, replicas: float) -> float:
    """Messages per second that the replicas manage of such a mix as arrives.

    A replica that serves several queues divides its time among them: each message of queue i takes 1 / mu_i of it.
    While nothing arrives, the mix is one of equal parts.
    """
    each = [_number(queue.get("throughputPerReplica")) for queue in queues]
    if not each or any(isnan(mu) or mu <= 0.0 for mu in each):
        return nan
    mix = [_number(queue.get("arrivalsPerSecond")) for queue in queues]
    if not arrivals > 0.0:
        mix = [1.0] * len(each)
    return replicas * sum(mix) / sum([rate / mu for rate, mu in zip(mix, each, strict=True)])


def _sum(queues: Sequence[Mapping[str, Any]], name: str) -> float:
    """Of all queues, or not a number when it is not known of one."""
    return sum([_number(queue.get(name)) for queue in queues]) if queues else nan


def _number(value: Any) -> float:
    """A number of the status, where rates and times are strings: the API has no floats."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return nan
