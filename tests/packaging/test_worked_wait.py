"""The worked example of `wait` in docs/decisions.md is what the function answers."""

from typing import get_args

import pytest

from qc_operator.scaling.forbidden import GuardReason
from qc_operator.scaling.observation import Depth, EntryObservation, QueueObservation, Totals
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.wait import wait
from tests.packaging.documents import DOCS, table, words
from tests.unit.operator.conftest import spec

PAGE = DOCS / "decisions.md"


def answer(*, objective: int, ready: int, replicas: int, least: int = 0) -> Demand:
    """40 messages/s, 5/s for each replica, pods that take 10 s to start, a look at the counters every 5 s."""
    (source,) = spec(queues=[{"name": "receipts", "wait": {"objectiveSeconds": objective}}]).queues
    seen = QueueObservation(
        name="receipts",
        vhost="shop",
        depth=Depth(ready=ready, consumers=replicas, at=0.0),
        totals=Totals(ready=ready, unacknowledged=0, at=0.0, answered_at=0.0),
    )
    demand = wait(
        Situation(
            source=source,
            entry=EntryObservation(name="receipts", vhost="shop", queues=(seen,)),
            rates=Rates(
                arrivals=40.0,
                deliveries=40.0,
                acknowledgements=5.0 * replicas,
                throughput=5.0,
                throughput_from="learned",
                acknowledged=5000,
                at=0.0,
            ),
            current=replicas,
            running=replicas,
            effective=float(replicas),
            start_seconds=10.0,
            start_observed=True,
            poll_seconds=5.0,
            changed_at=None,
            min_replicas=least,
            max_replicas=100,
            now=0.0,
        )
    )
    assert demand is not None
    return demand


@pytest.mark.parametrize("row", table(PAGE, "wait"), ids=lambda row: f"{row[0]}s-{row[1]}-messages")
def test_the_example_is_what_is_answered(row: list[str]) -> None:
    objective, ready, replicas, wanted, words_told = row

    demand = answer(objective=int(objective.removesuffix(" s")), ready=int(ready), replicas=int(replicas))

    assert (int(wanted), words_told) == (demand.replicas, demand.explanation)


def test_the_page_names_every_guard() -> None:
    assert set(get_args(GuardReason)) == words(PAGE, "guards")


def test_an_objective_shorter_than_the_lead_is_told() -> None:
    assert answer(objective=16, ready=0, replicas=8).infeasible is None
    told = answer(objective=15, ready=0, replicas=8).infeasible
    assert told is not None
    assert "minReplicas 9 would do" in told


def test_as_many_replicas_as_would_do_at_all_times_need_no_reaction() -> None:
    demand = answer(objective=15, ready=0, replicas=8, least=9)

    assert demand.infeasible is None
