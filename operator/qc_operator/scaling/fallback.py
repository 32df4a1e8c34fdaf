"""What holds when the queues could not be read for a while: the user's word, `spec.fallback`.

Without one, and until its time has come, what cannot be read moves nothing. Its cause does not matter: a broker that
does not answer, a login that is refused, a queue that does not exist or has no leader, a list that is not known.
"""

from __future__ import annotations

from typing import NamedTuple

from qc_operator.scaling.rounding import number_of
from qc_operator.spec_policy import Fallback


class FallbackAnswer(NamedTuple):
    """Replicas that the fallback asks for, before the bounds, and why in words."""

    replicas: int
    words: str


def unread_since(*, before: float | None, unread: bool, now: float) -> float | None:
    """Since when the queues have not been read, for the memory; `before` is the previous answer.

    None: they are read. Seconds of the clock of `now`. A process that has just started knows of no outage, so the
    fallback's time begins anew with it.
    """
    if not unread:
        return None
    return now if before is None else min(before, now)


def answer(fallback: Fallback | None, *, unread_since: float | None, current: int, now: float) -> FallbackAnswer | None:
    """The fallback's answer from any number of replicas, zero included, or None when it is not its time.

    Only AtMost and Exactly ever lower: they are the user's explicit word against the rule that what is not known
    lowers nothing.
    """
    if fallback is None or unread_since is None or now - unread_since < fallback.after_seconds:
        return None
    wanted = current if fallback.replicas is None else fallback.replicas
    match fallback.policy:
        case "AtLeast":
            replicas, words = max(current, wanted), f"at least {number_of(wanted, 'replica')}"
        case "AtMost":
            replicas, words = min(current, wanted), f"at most {number_of(wanted, 'replica')}"
        case "Exactly":
            replicas, words = wanted, f"exactly {number_of(wanted, 'replica')}"
        case "KeepCurrent":
            replicas, words = current, f"replicas stay at {current}"
    # Not how long by now: words that change each second would be written each time.
    return FallbackAnswer(replicas, f"queues not read for {fallback.after_seconds} s or longer: {words} (fallback)")
