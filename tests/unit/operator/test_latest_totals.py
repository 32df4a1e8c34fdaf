"""One failure does not make totals of a moment ago unknown, and an answer without any queue is none."""

from qc_operator.brokers.breaker import TOLERATED
from qc_operator.brokers.latest_totals import LatestTotals
from qc_operator.brokers.management import ManagementError
from qc_operator.brokers.snapshot import Snapshot
from qc_operator.scaling.observation import EMPTY_LIST, LEFT_OUT, Totals, Unavailable, Unknown
from qc_operator.scaling.trust import TOTALS_MAX_AGE

TIMED_OUT = ManagementError("ManagementUnreachable", "no answer", timed_out=True)
REFUSED = ManagementError("ManagementRefused", "wrong password", refused=True)


def snapshot(*, at: float, empty: bool = False) -> Snapshot:
    counts = {} if empty else {"orders": (3, 1)}
    return Snapshot(source="the list", counts=counts, at=at, answered_at=at, empty=empty, left_out="leaves it out")


def read(*, at: float = 100.0) -> LatestTotals:
    latest = LatestTotals(given=True)
    assert latest.take(snapshot(at=at))
    return latest


def cause(latest: LatestTotals, queue: str = "orders") -> str:
    reading = latest.of(queue)
    assert isinstance(reading, Unknown)
    return reading.cause


def test_a_snapshot_is_believed_and_what_it_leaves_out_is_unknown() -> None:
    latest = read()

    assert Totals(ready=3, unacknowledged=1, at=100.0, answered_at=100.0) == latest.of("orders")
    assert LEFT_OUT == cause(latest, "receipts")


def test_failures_are_tolerated_for_a_while() -> None:
    latest = read()
    for failures in range(1, TOLERATED):
        latest.fail(TIMED_OUT, failures=failures, asked_at=105.0)
    assert isinstance(latest.of("orders"), Totals)

    latest.fail(TIMED_OUT, failures=TOLERATED, asked_at=105.0)
    assert "ManagementUnreachable" == cause(latest)


def test_one_failure_is_enough_once_the_snapshot_is_old() -> None:
    latest = read()
    latest.fail(TIMED_OUT, failures=1, asked_at=100.0 + TOTALS_MAX_AGE)
    assert isinstance(latest.of("orders"), Totals)

    latest.fail(TIMED_OUT, failures=1, asked_at=100.1 + TOTALS_MAX_AGE)
    assert "ManagementUnreachable" == cause(latest)


def test_a_refusal_is_told_at_once() -> None:
    latest = read()
    latest.fail(REFUSED, failures=1, asked_at=105.0)

    assert "ManagementRefused" == cause(latest)


def test_an_answer_without_any_queue_is_no_answer() -> None:
    latest = read()

    assert not latest.take(snapshot(at=105.0, empty=True))
    assert EMPTY_LIST == cause(latest)


def test_a_source_that_nobody_named_and_that_never_answers_is_not_there() -> None:
    latest = LatestTotals(given=False)
    latest.fail(TIMED_OUT, failures=TOLERATED - 1, asked_at=0.0)
    assert "NotReadYet" == cause(latest)

    latest.fail(TIMED_OUT, failures=TOLERATED, asked_at=0.0)
    assert isinstance(latest.of("orders"), Unavailable)


def test_a_source_that_nobody_named_must_answer_again_once_it_did() -> None:
    latest = LatestTotals(given=False)
    latest.take(snapshot(at=100.0, empty=True))
    latest.fail(TIMED_OUT, failures=TOLERATED, asked_at=105.0)

    assert "ManagementUnreachable" == cause(latest)
