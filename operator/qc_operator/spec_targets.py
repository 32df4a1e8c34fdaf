"""The targets of an entry of `spec.queues`: what replicas have to achieve.

The structs have the CRD's bounds and defaults. `check` repeats the rules that types cannot make, because an object may
have been stored by an older CRD.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from qc_operator.spec_behavior import QUANTITY, quantity

Problem: TypeAlias = tuple[str, str, object]
"""Where (a path below the entry, such as `.lag.scaleDownBelow`), what it must be, what it is."""

Messages = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=604_800)]
Quantity = Annotated[str, msgspec.Meta(max_length=20)] | int
"""An integer, or a string in Kubernetes quantity form such as "0.5" or "500m"."""

LEAST: Final = 0.001
MOST_PER_SECOND: Final = 1_000_000.0
MOST_SECONDS: Final = 86_400.0


class Lag(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Scale up while a replica would carry more than one threshold, down while less than the other.

    Both are messages per replica. `scale_down_below` defaults to `scale_up_above`: then there is no band
    in which replicas hold still.
    """

    scale_up_above: Messages
    scale_down_below: Messages | None = None
    count: Literal["Total", "Ready"] = "Total"


class Rate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """As many replicas as messages per second ask for, at so many for one replica."""

    per_replica: Quantity

    @property
    def each(self) -> float:
        """Messages per second and replica."""
        return _number(self.per_replica)


class PublishRate(Rate, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """For the messages that arrive in the queue."""


class DeliverRate(Rate, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """For the messages that are delivered from the queue: the target is what feeds it."""


class Drain(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The backlog of any moment is worked off so many seconds later."""

    within_seconds: Seconds


class Wait(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """No message waits in the queue for longer."""

    objective_seconds: Seconds


def check(
    *, lag: Lag | None, publish_rate: Rate | None, deliver_rate: Rate | None, seconds_per_message: Quantity | None
) -> Iterator[Problem]:
    """What is wrong with the targets of an entry; paths are below it."""
    if lag and lag.scale_down_below and lag.scale_down_below > lag.scale_up_above:
        yield ".lag.scaleDownBelow", f"must not be greater than scaleUpAbove {lag.scale_up_above}", lag.scale_down_below
    for field, rate in ((".publishRate", publish_rate), (".deliverRate", deliver_rate)):
        if rate is not None and not _within(rate.per_replica, most=MOST_PER_SECOND):
            yield f"{field}.perReplica", _rule(of="messages per second", most="1000000"), rate.per_replica
    if seconds_per_message is not None and not _within(seconds_per_message, most=MOST_SECONDS):
        yield ".secondsPerMessage", _rule(of="seconds", most="86400"), seconds_per_message


def seconds(value: Quantity | None) -> float | None:
    """`secondsPerMessage` as a number, or None where it is absent."""
    return None if value is None else _number(value)


@lru_cache(maxsize=1024)
def _number(value: Quantity) -> float:
    # Asked for at every decision, while a spec stays for weeks.
    return quantity(value)


def _within(value: Quantity, *, most: float) -> bool:
    return QUANTITY.fullmatch(str(value)) is not None and LEAST <= quantity(value) <= most


def _rule(*, of: str, most: str) -> str:
    return (
        f"must be at least 0.001 and at most {most} {of}, "
        'an integer or a string in Kubernetes quantity form such as "0.5" or "500m"'
    )
