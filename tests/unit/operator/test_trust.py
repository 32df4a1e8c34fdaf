"""What a broker's answer is worth: an empty queue and one that cannot be counted look alike."""

from dataclasses import replace

import pytest

from qc_operator.scaling.observation import (
    EMPTY_LIST,
    LEFT_OUT,
    Depth,
    QueueFacts,
    QueueObservation,
    Totals,
    TotalsReading,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.trust import TOTALS_MAX_AGE, checked, doubt
from tests.unit.operator.conftest import totals

NOW = 1000.0
LISTED = totals(ready=0, unacknowledged=0, at=NOW)
OMITTED = Unknown(cause=LEFT_OUT, message="left out", at=NOW)
NO_LANE = Unavailable(message="no management API")
SILENT = Unknown(cause="ManagementUnreachable", message="refused", at=NOW)


def queue(
    *, ready: int = 0, consumers: int = 0, totals: TotalsReading = LISTED, facts: QueueFacts | None = None
) -> QueueObservation:
    depth = Depth(ready=ready, consumers=consumers, at=NOW)
    return QueueObservation(name="q", vhost="/", depth=depth, totals=totals, facts=facts)


def facts(kind: str = "quorum", state: str = "running") -> QueueFacts:
    return QueueFacts(type=kind, single_active_consumer=False, state=state)


@pytest.mark.parametrize("cause", [LEFT_OUT, EMPTY_LIST])
def test_an_empty_queue_that_the_slow_lane_leaves_out_is_unknown(cause: str) -> None:
    depth = checked(queue(totals=Unknown(cause=cause, message="left out", at=NOW))).depth

    assert isinstance(depth, Unknown)
    assert "QueueWithoutLeader" == depth.cause


@pytest.mark.parametrize("seen", [queue(ready=7, totals=OMITTED), queue(consumers=1, totals=OMITTED)])
def test_a_queue_that_answers_with_something_has_a_leader(seen: QueueObservation) -> None:
    assert seen == checked(seen)


@pytest.mark.parametrize("state", ["minority", "down", "stopped", "crashed"])
def test_an_empty_queue_in_a_bad_state_is_unknown(state: str) -> None:
    depth = checked(queue(facts=facts(state=state))).depth

    assert "QueueDown" == depth.cause
    assert state in depth.message


@pytest.mark.parametrize("ready", [0, 5])
def test_a_stream_says_nothing_about_lag(ready: int) -> None:
    assert "StreamNotSupported" == checked(queue(ready=ready, consumers=3, facts=facts("stream"))).depth.cause


@pytest.mark.parametrize("lane", [NO_LANE, SILENT, replace(LISTED, at=NOW - TOTALS_MAX_AGE - 1)])
@pytest.mark.parametrize("known", [None, facts("quorum")])
def test_pods_without_consumers_make_an_empty_queue_doubtful(lane: TotalsReading, known: QueueFacts | None) -> None:
    doubtful = queue(totals=lane, facts=known)

    assert "3 pods" in (doubt(queue=doubtful, running=3, now=NOW) or "")
    assert doubt(queue=doubtful, running=0, now=NOW) is None


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(queue(totals=LISTED), id="the slow lane lists it"),
        pytest.param(queue(totals=NO_LANE, facts=facts("classic")), id="a classic queue has no leader to lose"),
        pytest.param(queue(totals=NO_LANE, consumers=1), id="consumers are there"),
        pytest.param(queue(totals=NO_LANE, ready=1), id="messages are there"),
    ],
)
def test_an_empty_queue_is_believed_where_something_confirms_it(seen: QueueObservation) -> None:
    assert doubt(queue=seen, running=3, now=NOW) is None
    assert isinstance(checked(seen).totals, Totals | Unavailable)
    assert seen == checked(seen)


def test_an_empty_queue_without_consumers_is_doubtful_while_the_slow_lane_counts_messages_in_it() -> None:
    stuck = queue(totals=totals(ready=5, unacknowledged=0, at=NOW), facts=facts("quorum"))

    assert "5 messages were counted" in (doubt(queue=stuck, running=3, now=NOW) or "")
