"""A recorded series once more, decided by us: `decide()` at the very times at which the HPA's controller asked."""

from collections.abc import Sequence

from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import remember_nothing
from tests.e2e.hpa.cases import PER_REPLICA, Case
from tests.e2e.hpa.recording import Sync
from tests.unit.operator.conftest import known, observed, spec, unknown, wall

_BEGIN = 1000.0


def replayed(*, case: Case, syncs: Sequence[Sync]) -> list[int]:
    """Replicas after each sync, of a target that we have scaled from the beginning."""
    asked, memory = _spec(case), remember_nothing(now=_BEGIN)
    replicas, answers = case.replicas, []
    for number, sync in enumerate(syncs):
        now = _BEGIN + sync.at
        # Ready messages only: nothing is unacknowledged, both lanes have just been read.
        queue = unknown(at=now) if sync.value is None else known(ready=sync.value, unacknowledged=0, at=now)
        decision = decide(
            spec=asked,
            observation=observed(queue, current=case.by_hand.get(number, replicas)),
            memory=memory,
            now=now,
            at=wall(now),
        )
        memory, replicas = decision.memory, decision.replicas
        answers.append(replicas)
    return answers


def _spec(case: Case) -> QueueConsumerSpec:
    given = {} if case.behavior is None else {"behavior": case.behavior}
    return spec(
        queues=[{"name": "receipts", "lag": {"scaleUpAbove": PER_REPLICA}}],
        minReplicas=case.min,
        maxReplicas=case.max,
        **given,
    )
