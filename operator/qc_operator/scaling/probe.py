"""Finding out what a replica manages, where nobody knows: with more of them, until it is learned.

Without it no arithmetic says how many replicas a backlog needs. Too few would never be noticed, and all at once may
bring down what the consumers work with. So replicas double while messages pile up, and each time those that were added
get the time to start and to show what they manage.
"""

from __future__ import annotations

from typing import Final

from qc_operator.scaling.flow import named
from qc_operator.scaling.situation import Situation
from qc_operator.scaling.throughput import ENOUGH

LOOKS: Final = 3
"""Looks at the counters that replicas are left in peace for once they have started: fewer teach nothing."""


def probe(situation: Situation, *, ready: int, most: int | None = None) -> tuple[int, str]:
    """The next number of replicas, never fewer than there are, and why, in words.

    min(maxReplicas, 2 * current), each time after a start-up time and `LOOKS`, while messages pile up: while more than
    one for each replica waits (`ready`). Fewer are there now and then in a queue that is served well. From zero to one,
    whatever waits. `most` replicas are known to be enough, where something is known.
    """
    current = situation.current
    unknown = f"it is not known what a replica manages, until {ENOUGH} messages were worked off without a pause"
    if current == 0 and ready > 0:
        return 1, f"{unknown}: one replica to begin with"
    limit = situation.max_replicas if most is None else min(most, situation.max_replicas)
    replicas = min(limit, 2 * current)
    if ready <= current or replicas <= current:
        return current, f"{unknown}: held at {current}"
    words = f"{unknown}, and {ready} messages wait in {named(situation)}: from {current} to {replicas}"
    if _starting(situation):
        return current, f"{words}, once the last that were added have had {situation.start_seconds:.0f} s to start"
    return replicas, words


def _starting(situation: Situation) -> bool:
    """Whether replicas that were added last may not have started yet."""
    changed_at = situation.changed_at
    if changed_at is None:
        return False
    return situation.now - changed_at < situation.start_seconds + LOOKS * situation.poll_seconds
