"""What forbids a step up although a target asks for it: more pods would bring nothing.

* `Unschedulable`: pods that are asked for already find no node (`unschedulable.py`).
* `ConsumersStuck`: those that are there finish nothing (`stuck_consumers.py`).
* `DownstreamLimited`: the last step brought nothing (`downstream_limit.py`).

A guard forbids steps up beyond what is there and nothing else: steps down, bounds and the idle rule go on, and so does
the way out of zero. It rests on knowledge: what was never known forbids nothing, nor do pods that have not been read
for a minute. But what `ConsumersStuck` or `DownstreamLimited` held when the counters were read last they hold for ten
minutes more (`LOST_FOR`), and so they do with what they held before a restart (`guards_kept.py`).

The target is one workload and its entries may fare differently, so `ConsumersStuck` and `DownstreamLimited` hold only
for the entries that they were seen in: work that waits in another entry asks for its replicas as ever.
"""

from __future__ import annotations

from qc_operator.resource import Queue, QueueConsumerSpec
from qc_operator.scaling.downstream_limit import allowed, tried
from qc_operator.scaling.full_work import full_work
from qc_operator.scaling.guard_memory import GuardMemory, Seen, packed
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.stuck_consumers import Progress, progressed
from qc_operator.scaling.tally import EntryTally, tallied
from qc_operator.scaling.undecided import limited_to, on_trial
from qc_operator.scaling.unschedulable import PODS_MAX_AGE, unschedulable_since


def watched(
    *,
    before: GuardMemory,
    spec: QueueConsumerSpec,
    observation: Observation,
    rates: tuple[Rates, ...],
    start_seconds: float,
    warm_up: float | None = None,
    now: float,
) -> GuardMemory:
    """Take in a reading of the counters or the pods; `before` itself when nothing new came in.

    `rates` has one value for each entry of the spec, `start_seconds` is the time from the creation of a pod to its
    first acknowledgement, and `warm_up` that from being ready to it, where that is known.
    """
    counters_at = observation.counters_at
    pods, pods_at, since = observation.pods, before.pods_at, before.unschedulable_since
    if pods is not None and pods.at != pods_at and (pods_at is None or since is not None or pods.unschedulable > 0):
        since = unschedulable_since(before=since, read_at=pods_at, pods=pods)
        pods_at = pods.at
    if counters_at == before.counters_at:
        if pods_at == before.pods_at:
            return before
        return GuardMemory(
            counters_at=counters_at,
            pods_at=pods_at,
            unschedulable_since=since,
            stuck=before.stuck,
            limited=before.limited,
            undecided=before.undecided,
            packed=before.packed,
        )
    past = before.seen
    # What feeds a queue does none of the work in it, so nothing that is counted there says anything about the target.
    consumed = [_consumed(source) for source in spec.queues]
    tallies = [tallied(entry=entry, now=now) for entry in observation.entries]
    progress = _progress(
        before=past.progress,
        spec=spec,
        tallies=[tally if ours else None for tally, ours in zip(tallies, consumed, strict=True)],
        rates=rates,
        start_seconds=start_seconds,
        working=observation.current > 0 and _working(pods, now=now),
    )
    seen = full_work(tallies=tallies, consumed=consumed, observation=observation, now=now)
    trial, limit = tried(
        before=past.trial,
        limit=past.limit,
        seen=seen,
        warm_up=max(0.0, start_seconds if warm_up is None else warm_up),
        now=now,
    )
    held = None if limit is None or allowed(limit=limit, now=now) is None else limit
    return GuardMemory(
        counters_at=counters_at,
        pods_at=pods_at,
        unschedulable_since=since,
        stuck=sum([1 << index for index, entry in enumerate(progress) if entry is not None and entry.stuck]),
        limited=0 if held is None else held.entries,
        # What is only remembered holds nothing, so there is no reason to learn nothing either.
        undecided=on_trial(trial=trial, seen=seen) if held is None or not held.times else limited_to(held),
        packed=packed(Seen(progress, trial, limit)),
    )


def _consumed(source: Queue) -> bool:
    """Whether the target takes messages out of the entry: with `deliverRate` alone it is what feeds it."""
    return not (source.lag is None and source.publish_rate is None and source.drain is None and source.wait is None)


def _working(pods: Pods | None, *, now: float) -> bool:
    """Whether there are pods at work, as far as is known."""
    return pods is None or now - pods.at > PODS_MAX_AGE or pods.ready > 0


def _progress(
    *,
    before: tuple[Progress | None, ...],
    spec: QueueConsumerSpec,
    tallies: list[EntryTally | None],
    rates: tuple[Rates, ...],
    start_seconds: float,
    working: bool,
) -> tuple[Progress | None, ...]:
    known = before if len(before) == len(tallies) else (None,) * len(tallies)
    return tuple(
        [
            progressed(
                before=known[index],
                tally=tally,
                working=working,
                rates=rates[index],
                seconds_per_message=spec.queues[index].seconds,
                start_seconds=start_seconds,
            )
            for index, tally in enumerate(tallies)
        ]
    )
