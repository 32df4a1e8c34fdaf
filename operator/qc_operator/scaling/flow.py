"""The flow through an entry as its targets take it: which figures are known, and whether they may be rested on."""

from __future__ import annotations

from typing import Final

import msgspec

from qc_operator.scaling.backlog import matching
from qc_operator.scaling.rounding import shown
from qc_operator.scaling.situation import Situation
from qc_operator.scaling.throughput import ENOUGH
from qc_operator.scaling.trust import TOTALS_MAX_AGE

READINGS: Final = 3
"""As many times the time between two looks at the counters may pass before rates count as unknown."""


class Throughput(msgspec.Struct, frozen=True):
    """Messages per second that one replica manages at full work (mu)."""

    each: float
    certain: bool
    """False where replicas were seen to manage so much and may manage more: good for taking some away, not for more."""
    learned: bool

    def __str__(self) -> str:
        """In words: `5/s each`, with `about` where it is the spec's word."""
        if not self.certain:
            return f"{shown(self.each)}/s each or more"
        return f"{shown(self.each)}/s each" if self.learned else f"about {shown(self.each)}/s each"


def known(situation: Situation, rate: float | None) -> float | None:
    """A rate of the situation, or None where it is not known or its counters have not been read for long."""
    if rate is None or _unread(situation):
        return None
    return rate if rate > 0.0 else 0.0  # noqa: FURB136 - asked four times in a decision, in a third of the time


def why_unknown(situation: Situation) -> str:
    """Why a rate is not known, in words that follow its name."""
    if _unread(situation):
        # Not for how long by now: words that change each second would be written each time.
        return f"is not known: the counters have not been read for {READINGS * situation.poll_seconds:.0f} s"
    if situation.rates.at is None:
        return "is not known: the counters have not been read"
    return "is not known yet: the counters have not been read often enough"


def _unread(situation: Situation) -> bool:
    """Whether the counters have not been read for long; that they never were is told apart."""
    at = situation.rates.at
    if at is None:
        return False
    age = situation.now - at
    return age > TOTALS_MAX_AGE and age > READINGS * situation.poll_seconds


def throughput(situation: Situation) -> Throughput | None:
    """What a replica manages: learned, or the spec's word until enough was learned, or None."""
    rates = situation.rates
    each, source = rates.throughput, rates.throughput_from
    if each is not None and each > 0.0:
        if source == "spec":
            return Throughput(each, certain=True, learned=False)
        if source == "learned" and rates.acknowledged >= ENOUGH:
            return Throughput(each, certain=True, learned=True)
    seconds = situation.source.seconds
    if seconds is not None and source == "lowerBound" and each is not None and each > 1.0 / seconds:
        # Replicas were seen to manage more than the spec says; to go on believing it would never let them be busy.
        return Throughput(each, certain=True, learned=True)
    if seconds is not None:
        return Throughput(1.0 / seconds, certain=True, learned=False)
    if each is not None and each > 0.0 and source == "lowerBound":
        return Throughput(each, certain=False, learned=True)
    return None


def arriving(situation: Situation, arrivals: float) -> str:
    """The arrival rate in words: `about 38 messages/s into receipts`."""
    about = "" if situation.rates.arrivals_observed else "about "
    return f"{about}{messages_of(arrivals)}/s into {named(situation)}"


def needing(situation: Situation, arrivals: float, *, besides: str = "") -> str:
    """The arrival rate as the subject of what it needs: `about 38 messages/s into receipts need`."""
    return f"{arriving(situation, arrivals)}{besides} {'needs' if shown(arrivals) == '1' else 'need'}"


def named(situation: Situation) -> str:
    """The queue, or what stands for the queues that a pattern matches."""
    return matching(situation.entry) if situation.entry.pattern else situation.entry.name


def replicas_of(number: int) -> str:
    """A number of replicas in words."""
    return "1 replica" if number == 1 else f"{number} replicas"


def messages_of(number: float) -> str:
    """A number of messages in words, which need not be a whole one."""
    figure = shown(number)
    return f"{figure} message" if figure == "1" else f"{figure} messages"
