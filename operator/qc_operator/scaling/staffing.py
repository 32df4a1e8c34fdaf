"""How many replicas a flow is staffed with: those that keep up with what arrives, and more to clear what waits in time.

`drain` and `wait` ask this with figures of their own: which arrival rate is to be kept up with, how many messages are
to be cleared besides, and within how many seconds.
"""

from __future__ import annotations

import msgspec

from qc_operator.scaling.answer import tolerated
from qc_operator.scaling.backlog import Backlog
from qc_operator.scaling.flow import Throughput, messages_of, named, needing, replicas_of, why_unknown
from qc_operator.scaling.rounding import shown, whole
from qc_operator.scaling.situation import Situation


class Staffing(msgspec.Struct, frozen=True):
    """Replicas for one flow, and the figures that they come of."""

    exact: float
    """Replicas that it takes, before they are rounded to whole ones."""
    arrivals: float | None
    """Messages per second that arrive, as far as known."""
    keep: float
    """Replicas that keep up with them."""
    messages: float
    """Messages to be cleared besides."""
    seconds: float
    """In which time."""


def staffing(mu: Throughput, *, arrivals: float | None, keep: float, messages: float, seconds: float) -> Staffing:
    """Replicas that keep up, and as many more as clear the messages evenly, to nothing at the end of the seconds."""
    return Staffing(keep + messages / (mu.each * seconds), arrivals, keep, messages, seconds)


def in_words(
    situation: Situation,
    mu: Throughput,
    needed: Staffing,
    *,
    replicas: int,
    besides: str = "",
    promise: str = "",
    spare: str = "a tenth",
) -> str:
    """`38 messages/s into receipts need 8 replicas at 5/s each, 2 more clear about 412 messages within 60 s = 10`.

    `besides` is what else is to be said of the arrivals, `promise` what the replicas that keep up are for. `replicas`
    are those that are asked for, which may be more than needed: then `spare` is how much of the arrivals more they do
    for.
    """
    each, number = f"at {mu}", whole(needed.exact)
    if needed.arrivals is None:
        clear = f"to clear about {messages_of(needed.messages)} in {named(situation)} within {shown(needed.seconds)} s"
        return f"{clear} takes {replicas_of(number)} {each}, besides what arrives, which is not known"
    keep = whole(needed.keep)
    words = f"{needing(situation, needed.arrivals, besides=besides)} {replicas_of(keep)} {each}{promise}"
    words = clearing(words, keep=keep, messages=needed.messages, seconds=needed.seconds, needed=number)
    return words if replicas == number else f"{words}, {replicas} with {spare} to spare"


def clearing(words: str, *, keep: int, messages: float, seconds: float, needed: int) -> str:
    """Go on from the replicas that keep up with what arrives to those that also clear the messages in time."""
    if needed > keep or messages > 0.0:
        more = f"{needed - keep} more" if needed > keep else "which also"
        words = f"{words}, {more} clear about {messages_of(messages)} within {shown(seconds)} s"
    return f"{words} = {needed}" if needed > keep else words


def perhaps_fewer(situation: Situation, mu: Throughput, *, arrivals: float | None, bounds: Backlog, doubt: str) -> str:
    """Why no replica goes although no more are needed, in words; `doubt` where nothing else is to be said."""
    why = f"the arrival rate {why_unknown(situation)}" if arrivals is None else bounds.doubt or doubt
    return f"{named(situation)} takes no more than {replicas_of(situation.current)} at {mu}, perhaps fewer: {why}"


def within_tolerance(situation: Situation, needed: Staffing, *, replicas: int, words: str) -> tuple[int, str]:
    """The replicas that are asked for and why, or those there are, where `behavior`'s tolerance lets them stay."""
    direction = tolerated(situation, exact=needed.exact)
    if direction is None:
        return replicas, words
    return situation.current, f"{words}, held at {situation.current} within the tolerance of {direction}"


def observed(situation: Situation, mu: Throughput) -> bool:
    """Whether every figure of the arithmetic was observed: none is estimated or the spec's word."""
    return mu.learned and mu.certain and situation.start_observed and situation.rates.arrivals_observed
