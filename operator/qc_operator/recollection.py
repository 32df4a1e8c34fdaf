"""What an autoscaler remembers from one decision to the next, and when it begins anew."""

from __future__ import annotations

from msgspec.structs import replace

from qc_operator.memory_kept import restored
from qc_operator.registry import Known
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.stabilization import Answers
from qc_operator.surroundings import Clock


class Recollection:
    """Begins with what the status has kept of an earlier process."""

    def __init__(self, *, known: Known, clock: Clock) -> None:
        self._clock = clock
        self.memory: Memory = restored(known=known, now=clock.monotonic(), at=clock.utcnow())

    def follow(self, *, other_target: bool) -> None:
        """Begin anew: what was seen of other queues, or decided for another target, says nothing about these."""
        memory = remember_nothing(now=self._clock.monotonic())
        # Policies are about the target, whichever queues asked for the changes.
        self.memory = memory if other_target else replace(memory, changes=self.memory.changes)

    def target_created_anew(self, *, now: float) -> None:
        """It has not been seen for a window, whatever its name; what its consumers can do, they still can."""
        self.memory = remember_nothing(now=now, capacity=self.memory.capacity)

    def nothing_seen(self, *, now: float) -> None:
        """The first reading of this broker is still to come, and what another one said is of no use."""
        self.memory = replace(self.memory, since=now, busy_at=now, answers=Answers())

    def decided(self, decision: Decision, *, on: Memory, wrote: bool) -> None:
        """Take over what a decision on this memory has added."""
        if on is self.memory:
            # Otherwise the spec has changed meanwhile, and the memory begins anew with it. What was not written has
            # changed nothing that a policy could count.
            self.memory = (
                decision.memory if wrote else replace(decision.memory, changes=on.changes, changed_at=on.changed_at)
            )
