"""An answer on its way through the steps of a decision, before the bounds."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from qc_operator.scaling.explanation import Step, StepName
from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.reasons import Limit, Reason


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas so far, why, and the steps that led there."""

    replicas: int
    reason: Reason
    steps: tuple[Step, ...]
    memory: Memory
    limited_by: Limit = Limit.NONE
    guard: Forbidden | None = None
    """What held a step up back, if anything did."""

    def narrowed(self, *, to: int, by: StepName, limit: Limit, words: str, source: str) -> Draft:
        """The draft after a step that changed its number."""
        step = Step(name=by, replicas=to, words=words, source=source)
        return replace(self, replicas=to, steps=(*self.steps, step), limited_by=limit)
