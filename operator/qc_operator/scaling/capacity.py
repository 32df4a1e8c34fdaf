"""What has been learned of the flow through a QueueConsumer's queues: arrivals, throughput per replica, start-up time.

The memory is small: what there is of an entry is kept packed, in 125 bytes instead of some 700 as objects, because one
operator holds ten thousand memories. Nothing is computed between two readings of the counters.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from struct import Struct
from typing import Final

import msgspec

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling import settling, startup, utilisation
from qc_operator.scaling.arrivals import GUESSED, Smoothed, borne_out, known, smoothed, time_constant
from qc_operator.scaling.counted import Counted, counted
from qc_operator.scaling.observation import Observation
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.settling import Fleet
from qc_operator.scaling.startup import StartUp
from qc_operator.scaling.throughput import Work, throughput, with_prior, worked
from qc_operator.scaling.undecided import DECIDED, Undecided, kept_up

NOTHING: Final = Rates()

_PACKED: Final = Struct("<4d2f2H9f" + "3fIf?5f2BH")
"""`Smoothed` and `Work`. Times and counters need all their digits, rates do not."""
_SIZE: Final = _PACKED.size
_OF_SMOOTHED: Final = len(Smoothed._fields)


class Capacity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The memory of all entries, of the replicas and of start-up."""

    flows: bytes = b""
    """For each entry `Smoothed` and `Work`, packed; empty while there are no counters."""
    seen: float = 0.0
    """The times of all counters that are in it, added up: another sum means that there are newer ones."""
    fleet: Fleet = Fleet()
    start_up: StartUp = StartUp()


EMPTY: Final = Capacity()


def learned(
    *,
    before: Capacity,
    spec: QueueConsumerSpec,
    observation: Observation,
    now: float,
    undecided: Undecided = DECIDED,
) -> Capacity:
    """Take in an observation; `before` itself when it brings no new counters, pods or replicas.

    `undecided` says of which entries the throughput may be less than a replica manages, and would ask for more of them.
    """
    seen = observation.counters_at
    start_up = startup.pods_seen(before=before.start_up, observation=observation)
    fleet = settling.tracked(before=before.fleet, observation=observation, start_up=start_up, now=now)
    if seen == before.seen and fleet is before.fleet and start_up is before.start_up:
        return before
    flows = before.flows
    if seen != before.seen:
        flows, readings = _read(flows, spec=spec, observation=observation, fleet=fleet, undecided=undecided)
        if readings and (observation.running == 0 or start_up.asleep_at >= 0):
            start_up = startup.counters_seen(
                before=start_up,
                observation=observation,
                acknowledged=int(sum([reading.acknowledged for reading in readings])),
                at=max([reading.at for reading in readings]),
                read_at=_read_at(before.flows),
            )
    return Capacity(flows=flows, seen=seen, fleet=fleet, start_up=start_up)


def _read(
    flows: bytes, *, spec: QueueConsumerSpec, observation: Observation, fleet: Fleet, undecided: Undecided
) -> tuple[bytes, list[Counted]]:
    """Take in the counters of all entries; also returns them."""
    smooth, works, known, readings = list[Smoothed](), list[Work](), list[Work](), list[Counted]()
    limited = undecided.entries if undecided.limited else 0
    matching = len(flows) == len(spec.queues) * _SIZE
    for index, (source, entry) in enumerate(zip(spec.queues, observation.entries, strict=False)):
        flow, work = _unpacked(flows, index) if matching else (Smoothed(), Work())
        work = with_prior(work, seconds=source.seconds)
        known.append(work)
        reading = counted(entry)
        if reading is not None:
            readings.append(reading)
            flow, interval = smoothed(before=flow, now=reading, tau=time_constant(source))
            if interval is not None:
                settled = not limited >> index & 1 and settling.settled(fleet, since=interval.since)
                taught = worked(before=work, interval=interval, replicas=fleet.working, settled=settled)
                work = utilisation.doubted(
                    before=work,
                    after=taught,
                    interval=interval,
                    replicas=fleet.working,
                    settled=settled,
                    asked=fleet.asked_at >= interval.since,
                )
        smooth.append(flow)
        works.append(work)
    if undecided.entries:
        works = kept_up(before=known, after=works, undecided=undecided)
    return b"".join([_PACKED.pack(*flow, *work) for flow, work in zip(smooth, works, strict=True)]), readings


def _read_at(flows: bytes) -> float:
    """When the counters of any entry were read last."""
    return max([_PACKED.unpack_from(flows, offset)[0] for offset in range(0, len(flows), _SIZE)], default=-inf)


def _unpacked(flows: bytes, index: int) -> tuple[Smoothed, Work]:
    values = _PACKED.unpack_from(flows, index * _SIZE)
    return Smoothed._make(values[:_OF_SMOOTHED]), Work._make(values[_OF_SMOOTHED:])


def rates(capacity: Capacity, index: int) -> Rates:
    """What is known of the flow through one entry of `spec.queues`."""
    if not 0 <= index * _SIZE < len(capacity.flows):
        return NOTHING
    values = _PACKED.unpack_from(capacity.flows, index * _SIZE)
    flow = Smoothed._make(values[:_OF_SMOOTHED])
    work = Work._make(values[_OF_SMOOTHED:])
    each, source = throughput(work)
    at, covered = flow.at if flow.at > -inf else None, flow.covered
    if not known(begun=flow.begun, covered=covered):
        return Rates(throughput=each, throughput_from=source, acknowledged=work.total, at=at)
    return Rates(
        arrivals=max(flow.arrivals / covered, 0.0),
        arrivals_observed=flow.guessed <= GUESSED * covered,
        recent=borne_out(flow.recent),
        deliveries=flow.deliveries / covered,
        acknowledgements=flow.acknowledgements / covered,
        throughput=each,
        throughput_from=source,
        acknowledged=work.total,
        at=at,
    )


def start(capacity: Capacity) -> tuple[float, bool]:
    """Seconds from the creation of a pod to its first acknowledgement (p90), and whether that was observed."""
    return startup.start(capacity.start_up)


def effective(capacity: Capacity, observation: Observation, now: float) -> float:
    """Replicas that work: the ready ones and half of those that start (n_eff)."""
    return settling.effective(
        fleet=capacity.fleet, observation=observation, start_seconds=startup.start(capacity.start_up)[0], now=now
    )


def works(capacity: Capacity) -> list[Work]:
    """What each entry's replicas were seen to manage."""
    return [_unpacked(capacity.flows, index)[1] for index in range(len(capacity.flows) // _SIZE)]


def knowing(works: Sequence[Work], *, start_up: StartUp) -> Capacity:
    """A memory of that alone, and of start-up."""
    return Capacity(flows=b"".join([_PACKED.pack(*Smoothed(), *work) for work in works]), start_up=start_up)
