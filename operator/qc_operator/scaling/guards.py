"""What forbids a step up although a target asks for it: more pods would bring nothing.

* `Unschedulable`: pods that are asked for already find no node (`unschedulable.py`).
* `ConsumersStuck`: those that are there finish nothing (`stuck_consumers.py`).
* `DownstreamLimited`: the last step brought nothing (`downstream_limit.py`).

A guard forbids steps up beyond what is there and nothing else: steps down, bounds and the idle rule go on, and so does
the way out of zero. It rests on knowledge: what is not known, or older than 15 s (pods: 60 s), forbids nothing, and
after a restart, with an empty memory, nothing is forbidden until it has been seen again.

The target is one workload and its entries may fare differently, so `ConsumersStuck` and `DownstreamLimited` hold only
for the entries that they were seen in: work that waits in another entry asks for its replicas as ever.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from qc_operator.resource import Queue, QueueConsumerSpec
from qc_operator.scaling.downstream_limit import Limit, Trial, figures, limited, tried
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.stuck_consumers import Progress, progressed, stuck
from qc_operator.scaling.tally import Tally, tallied
from qc_operator.scaling.unschedulable import PODS_MAX_AGE, unschedulable, unschedulable_since

GuardReason = Literal["ConsumersStuck", "DownstreamLimited", "Unschedulable"]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """What the guards have made of the counters so far."""

    progress: tuple[Progress | None, ...] = ()
    """What has come of the messages of each entry."""
    trial: Trial | None = None
    limit: Limit | None = None


_DECODER: Final = msgspec.msgpack.Decoder(Seen)
_ENCODER: Final = msgspec.msgpack.Encoder()


class GuardMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What the guards have seen, for one QueueConsumer. Times are seconds of the operator's monotonic clock."""

    counters_at: float = 0.0
    """The sum of the times at which counters were read: another one than before means that there is news."""
    pods_at: float | None = None
    """When the pods were read last that some or all of find no node, or that did just then."""
    unschedulable_since: float | None = None
    """Since when pods have found no node; None while all do."""
    stuck: int = 0
    """The entries whose consumers are stuck, as bits."""
    limited: int = 0
    """The entries that the last step brought nothing for, as bits."""
    packed: bytes = _ENCODER.encode(Seen())
    """The rest as MessagePack: it is needed every 5 s and is some 0.5 KiB; as objects it would be 2 KiB."""

    @property
    def seen(self) -> Seen:
        """The rest."""
        return _DECODER.decode(self.packed)


NOTHING_GUARDED: Final = GuardMemory()


class Forbidden(msgspec.Struct, frozen=True, kw_only=True):
    """A step up is forbidden."""

    reason: GuardReason
    message: str
    """Why and what to do, as a sentence that does not change while the guard holds for the same cause."""
    replicas: int
    """Up to so many may be asked for all the same; never fewer than there are."""


def watched(
    *,
    before: GuardMemory,
    spec: QueueConsumerSpec,
    observation: Observation,
    rates: tuple[Rates, ...],
    start_seconds: float,
    now: float,
) -> GuardMemory:
    """Take in a reading of the counters or the pods; `before` itself when nothing new came in.

    `rates` has one value for each entry of the spec, `start_seconds` is the time from the creation of a pod to its
    first acknowledgement.
    """
    counters_at = 0.0
    for entry in observation.entries:
        for queue in entry.queues:
            if queue.counters is not None:
                counters_at += queue.counters.at
    pods, pods_at, since = observation.pods, before.pods_at, before.unschedulable_since
    if pods is not None and pods.at != pods_at and (since is not None or pods.unschedulable > 0):
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
    seen = figures(tallies=tallies, consumed=consumed, observation=observation, now=now)
    trial, limit = tried(before=past.trial, limit=past.limit, seen=seen, start_seconds=start_seconds, now=now)
    return GuardMemory(
        counters_at=counters_at,
        pods_at=pods_at,
        unschedulable_since=since,
        stuck=sum([1 << index for index, entry in enumerate(progress) if entry is not None and entry.stuck]),
        limited=0 if limit is None else limit.entries,
        packed=_ENCODER.encode(Seen(progress, trial, limit)),
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
    tallies: list[Tally | None],
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


def forbids(*, memory: GuardMemory, index: int, observation: Observation, now: float) -> Forbidden | None:
    """Whether a step up that the entry `index` asks for is forbidden, and why; None where it is not.

    Forbidden are steps to more than `Forbidden.replicas`, which may be more than there are: where replicas were taken
    away after the limit had been found, they may come back up to as many as it can keep busy.
    """
    since = memory.unschedulable_since
    if since is not None and observation.current > 0:
        words = unschedulable(since=since, pods=observation.pods, now=now)
        if words is not None:
            return Forbidden(reason="Unschedulable", message=words, replicas=observation.current)
    if not (memory.stuck | memory.limited) >> index & 1:
        return None
    entry, seen = observation.entries[index], memory.seen
    tally = tallied(entry=entry, now=now)
    if tally is None:
        return None
    progress, limit = seen.progress[index], seen.limit
    known = observation.current > 0 and tally.unacknowledged is not None
    if progress is not None and progress.stuck and known:
        words = stuck(progress=progress, name=entry.name)
        return Forbidden(reason="ConsumersStuck", message=words, replicas=observation.current)
    if limit is not None and limit.entries >> index & 1 and now < limit.until:
        replicas = max(observation.current, limit.enough)
        return Forbidden(reason="DownstreamLimited", message=limited(limit), replicas=replicas)
    return None
