"""What is known of the flow through one entry of `spec.queues`: messages per second, observed or estimated."""

from __future__ import annotations

from typing import Literal

import msgspec

ThroughputSource = Literal["learned", "spec", "lowerBound"]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of one entry (all queues that a pattern matches taken together) at one moment, in messages per second."""

    arrivals: float | None = None
    """Arrival rate, smoothed; None while fewer than 75 % of the samples of its window are there."""
    arrivals_observed: bool = True
    """False where it is made up of acknowledgements and the growth of the queue, as after a counter's reset."""
    recent: float | None = None
    """The largest arrival rate that each of the last three readings bears out: a burst is in one or two."""
    deliveries: float | None = None
    """Delivery rate, smoothed, redeliveries included."""
    acknowledgements: float | None = None
    """Acknowledgement rate, smoothed."""
    throughput: float | None = None
    """Messages per second and replica at full work (mu); None while neither learned nor given."""
    throughput_from: ThroughputSource | None = None
    """`learned` from saturated intervals, `spec` from secondsPerMessage, `lowerBound` seen at less than full work."""
    acknowledged: int = 0
    """Acknowledgements that the learned throughput rests on; below 20 it counts for little."""
    at: float | None = None
    """When the counters were read that this rests on; None before the first."""
