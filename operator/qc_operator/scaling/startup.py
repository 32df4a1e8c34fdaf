"""How long a new pod takes until it works: from its creation to Ready, and from there to its first acknowledgement.

The first part is seen of every pod. The second can be told only where no other pod acknowledges meanwhile, when the
target wakes up from zero. Counters are read every 5 s and are up to 5 s old by then, so a first acknowledgement seen in
one reading happened between 5 s before the reading before and now: the reading before is the middle, and is taken.
"""

from __future__ import annotations

from math import ceil, inf
from struct import pack, unpack
from typing import Final

import msgspec

from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods, StartedPod

START_ASSUMED: Final = 15.0
"""Seconds, until a start was observed."""
LEAST: Final = 0.1
START_MOST: Final = 600.0
KEPT: Final = 16
"""Pods that the percentile is taken of."""
PERCENTILE: Final = 0.9
SAME: Final = 0.5
"""Seconds within which two times are the same. Kubernetes gives whole ones, and what they are on the operator's clock
may move by a part of one."""
TICKS: Final = 100.0
"""Seconds are kept in hundredths, two bytes each."""


class StartUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of starts. Times are seconds of the operator's monotonic clock."""

    took: bytes = b""
    """Hundredths of seconds from created to ready of the last pods, latest first, two bytes each."""
    to_ready: float | None = None
    """Their 90th percentile in seconds, by nearest rank."""
    to_acknowledgement: float | None = None
    """Seconds from ready to the first acknowledgement: half of it the last wake-up, half those before."""
    counted_until: float = -inf
    """When the last pod became ready that was counted."""
    counted: int = 0
    """Pods that became ready in that very second."""
    asleep_at: int = -1
    """Messages acknowledged when there was no pod last; -1 when no wake-up is being watched."""
    ready_at: float = -inf
    """When the first pod of that wake-up became ready."""


def pods_seen(*, before: StartUp, observation: Observation) -> StartUp:
    """Count pods that have become ready; the very same memory where there is none.

    Each is counted once. One that became ready before another that was counted already, as on a node whose clock is
    behind, is not. After a restart of the operator no time tells which of them were: those that took as long as one
    that is remembered are taken for it. Where that is a mistake, nothing new would have been learned of it.
    """
    pods = observation.pods
    if pods is None or not pods.started or (before.asleep_at < 0 and not _any_new(pods.started, before=before)):
        return before
    after = before
    if before.counted_until == -inf and before.took:
        after = _after_restart(before, pods)
    else:
        newer, same = 0, 0
        for pod in pods.started:
            if pod.ready > before.counted_until + SAME:
                newer += 1
            elif pod.ready >= before.counted_until - SAME:
                same += 1
            else:
                break
        new = newer + max(0, same - before.counted)
        if new:
            until = max(before.counted_until, pods.started[0].ready)
            after = _counted(before, pods, until=until, took=[pod.ready - pod.created for pod in pods.started[:new]])
    if before.asleep_at >= 0 and before.ready_at == -inf and pods.ready > 0:
        after = msgspec.structs.replace(after, ready_at=pods.started[-1].ready)
    return after


def _after_restart(before: StartUp, pods: Pods) -> StartUp:
    """Count the pods that the operator of before did not."""
    known = _ticks(durations(before))
    new = []
    for pod in pods.started:
        took = pod.ready - pod.created
        (ticks,) = _ticks([took])
        if ticks in known:
            known.remove(ticks)
        else:
            new.append(took)
    return _counted(before, pods, until=pods.started[0].ready, took=new)


def _counted(before: StartUp, pods: Pods, *, until: float, took: list[float]) -> StartUp:
    return msgspec.structs.replace(
        with_durations(before, took),
        counted_until=until,
        counted=sum([pod.ready >= until - SAME for pod in pods.started]),
    )


def _any_new(started: tuple[StartedPod, ...], *, before: StartUp) -> bool:
    """Whether there is a pod that was not counted: a younger one, or more of that second than were."""
    if started[0].ready > before.counted_until + SAME:
        return True
    return len(started) > before.counted and started[before.counted].ready >= before.counted_until - SAME


def with_durations(before: StartUp, seconds: list[float]) -> StartUp:
    """Add the seconds from created to ready of some pods, latest first."""
    last = [*[min(max(each, LEAST), START_MOST) for each in seconds], *durations(before)][:KEPT]
    if not last:
        return before
    return msgspec.structs.replace(
        before,
        took=pack(f"<{len(last)}H", *_ticks(last)),
        to_ready=sorted(last)[ceil(PERCENTILE * len(last)) - 1],
    )


def _ticks(seconds: list[float]) -> list[int]:
    """Seconds as they are kept."""
    return [round(min(max(each, LEAST), START_MOST) * TICKS) for each in seconds]


def durations(start_up: StartUp) -> list[float]:
    """Seconds from created to ready of the last pods, latest first."""
    return [ticks / TICKS for ticks in unpack(f"<{len(start_up.took) // 2}H", start_up.took)]


def counters_seen(
    *, before: StartUp, observation: Observation, acknowledged: int, at: float, read_at: float
) -> StartUp:
    """Take in new counters of all entries: whether the first pod after a sleep has done anything.

    They were read at `at`, and before that at `read_at`.
    """
    pods = observation.pods
    if observation.running == 0 and (pods is None or pods.ready == 0):
        return msgspec.structs.replace(before, asleep_at=acknowledged, ready_at=-inf)
    awake = before.ready_at > -inf
    late = awake and at - before.ready_at > START_MOST
    if before.asleep_at < 0 or (acknowledged == before.asleep_at and not late):
        return before
    took = before.to_acknowledgement
    if acknowledged > before.asleep_at and pods is not None:
        # A pod that acknowledges before it is seen to be ready takes no time after it.
        seconds = min(max(read_at - before.ready_at, 0.0), START_MOST) if awake else 0.0
        took = seconds if took is None else 0.5 * (took + seconds)
    return msgspec.structs.replace(before, to_acknowledgement=took, asleep_at=-1, ready_at=-inf)


def start(start_up: StartUp) -> tuple[float, bool]:
    """Seconds from the creation of a pod to its first acknowledgement, and whether that was observed.

    The 90th percentile of creation to Ready, and the time from there on; a default until observed.
    """
    if start_up.to_ready is None:
        return START_ASSUMED, False
    return min(start_up.to_ready + (start_up.to_acknowledgement or 0.0), START_MOST), True
