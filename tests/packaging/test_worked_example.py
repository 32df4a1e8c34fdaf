"""docs/decisions.md tells what decide() does: its tables are replayed, its lists compared with the code."""

import re
from dataclasses import fields
from importlib import import_module

import pytest
from msgspec.structs import replace

from qc_operator import spec_behavior, targeting
from qc_operator.brokers import alarms, breaker, node_metrics, session
from qc_operator.cluster import rollout
from qc_operator.lease_record import Timing
from qc_operator.scaling import backlog, idleness, patience, standing, trust, unschedulable
from qc_operator.scaling.decision import decide
from qc_operator.scaling.observation import EntryObservation, QueueObservation, Unknown
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.stabilization import Answers, PastAnswer
from qc_operator.settings import ReadingSettings, StatusSettings
from tests.packaging.documents import DOCS, table, words
from tests.unit.operator.conftest import Story, known, observed, queue, spec, wall

PAGE = DOCS / "decisions.md"
POLICY = spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}], maxReplicas=10)
TEN_MINUTES = 600.0


def test_the_policy_of_the_story_is_the_one_that_the_page_names() -> None:
    text = " ".join(PAGE.read_text().split("## A day in one table")[1].split("<!-- story -->")[0].split())

    given = {name: int(value) for name, value in re.findall(r"`(\w+): (\d+)`", text)}
    lag = POLICY.queues[0].lag
    assert lag is not None
    assert given == {
        "scaleUpAbove": lag.scale_up_above,
        "scaleDownBelow": lag.scale_down_below,
        "maxReplicas": POLICY.max_replicas,
        "minReplicas": POLICY.min_replicas,
        "idleAfterSeconds": POLICY.idle_after_seconds,
    }
    assert "running for ten minutes" in text


def test_the_story_goes_as_the_page_tells_it() -> None:
    rows = {int(row[0]): row[1:] for row in table(PAGE, "story")}
    story = Story(spec=POLICY, now=0.0)
    story.memory = replace(story.memory, since=-TEN_MINUTES, busy_at=-TEN_MINUTES)

    for second in range(max(rows) + 1):
        row = rows.get(second)
        if row is not None:
            ready, unacknowledged, *expected = row
        story.now = float(second)
        before = story.replicas
        decision = story.turn(_queue(ready, unacknowledged, at=story.now))
        if row is None:
            assert before == decision.replicas, f"replicas moved at second {second}, of which the page tells nothing"
            continue
        told = f"{before} -> {decision.replicas}", decision.reason, decision.limited_by, decision.message
        assert expected == [str(word) for word in told]


def _queue(ready: str, unacknowledged: str, *, at: float) -> QueueObservation:
    if ready == "?":
        reading = Unknown(cause="BrokerUnreachable", message="connection refused", at=at)
        return queue(reading, reading)
    return known(ready=int(ready), unacknowledged=int(unacknowledged), at=at)


@pytest.mark.parametrize("row", table(PAGE, "bands"), ids=lambda row: f"{row[0]}-replicas")
def test_nothing_moves_within_a_band_and_it_moves_one_message_outside(row: list[str]) -> None:
    current, lowest, highest = (int(cell) for cell in row)

    assert (current, current) == (_wanted(lowest, current), _wanted(highest, current))
    assert _wanted(highest + 1, current) == current + 1
    if lowest:
        assert _wanted(lowest - 1, current) == current - 1


def _wanted(messages: int, current: int) -> int:
    """What is decided once the window has nothing to say: it asked for nothing, and it has been seen whole."""
    now = 0.0
    seen = observed(known(ready=messages, unacknowledged=0, at=now), current=current)
    answers = Answers(down=(PastAnswer(at=now - 1, replicas=0),))
    memory = replace(Story(spec=POLICY, now=now).memory, since=-TEN_MINUTES, answers=answers)
    policy = spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}], maxReplicas=100)
    return decide(spec=policy, observation=seen, memory=memory, now=now, at=wall(now)).replicas


def test_the_page_has_exactly_the_reasons_and_limits_of_the_code() -> None:
    assert {reason.value for reason in Reason} == words(PAGE, "reasons")
    assert {limit.value for limit in Limit} == words(PAGE, "limits")


@pytest.mark.parametrize("row", table(PAGE, "aggregates"), ids=lambda row: row[0])
def test_queues_of_a_pattern_are_taken_together_as_the_page_says(row: list[str]) -> None:
    how, messages, replicas, words = row
    entry = {"pattern": "^receipts", "aggregate": how.strip("`"), "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}}
    story = Story(spec=spec(queues=[entry], maxReplicas=10), now=0.0)
    queues = [known(ready=ready, unacknowledged=0, at=0.0, name=f"receipts.{ready}") for ready in (100, 40, 10)]

    decision = story.decide(EntryObservation(name="^receipts", vhost="shop", queues=tuple(queues), pattern=True))

    assert (int(replicas), words) == (decision.replicas, decision.message)
    assert words.startswith(f"{messages} messages")


@pytest.mark.parametrize("row", table(PAGE, "numbers") + table(PAGE, "counts"), ids=lambda row: row[1])
def test_the_numbers_are_those_of_the_code(row: list[str]) -> None:
    places = {
        "ReadingSettings": ReadingSettings(),
        "StatusSettings": StatusSettings(),
        "DOWN_WINDOW": spec_behavior,
        "TOTALS_MAX_AGE": trust,
        "TOTALS_NEW": backlog,
        "STANDS": standing,
        "LEAST_SILENCE": patience,
        "GRACE": unschedulable,
        "SETTLED_AFTER": idleness,
        "RECONNECT_MOST": session,
        "REFUSED_MOST": session,
        "MOST_AGE": node_metrics,
        "LOST_NODE_REMEMBERED": node_metrics,
        "BELIEVED": alarms,
        "TOLERATED": breaker,
        "targeting": targeting,
        "Timing": Timing(),
        "rollout": rollout,
    }
    head, _, field = row[1].partition(".")
    place = places[head] if head in places else import_module(f"qc_operator.scaling.{head}")

    assert float(row[0]) == getattr(place, field or head)


def test_every_setting_of_reading_is_among_the_numbers() -> None:
    told = {row[1] for row in table(PAGE, "numbers") + table(PAGE, "counts")}

    assert {f"ReadingSettings.{field.name}" for field in fields(ReadingSettings)} <= told
