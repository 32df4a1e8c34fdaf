"""An answer that rests on counts of unacknowledged messages holds until the next count, and no longer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import Depth, QueueObservation
from qc_operator.scaling.standing import STANDS
from tests.unit.operator.conftest import Story, known, spec, totals

COUNT = 5.0
QUEUES = [{"name": name, "lag": {"scaleUpAbove": 20, "scaleDownBelow": 5}} for name in ("receipts", "invoices")]


def counted(name: str, *, ready: int, counted_at: float, now: float) -> QueueObservation:
    """A queue whose depth is fresh, and whose unacknowledged messages were counted at that time: none."""
    return QueueObservation(
        name=name,
        vhost="shop",
        depth=Depth(ready=ready, consumers=1, at=now),
        totals=totals(ready=ready, unacknowledged=0, at=counted_at),
    )


def test_between_two_counts_the_explanation_is_that_of_the_last_one() -> None:
    story = Story(spec=spec(minReplicas=2), replicas=4)
    at = story.now
    first = story.see(30)

    told = [
        story.turn(counted("receipts", ready=30, counted_at=at, now=story.now + 1), after=1.0).message for _ in range(5)
    ]

    assert first.message == "30 messages in receipts need no other number of replicas than 4"
    assert {first.message} == set(told)


def test_queues_that_are_never_counted_in_the_same_second_scale_down_all_the_same() -> None:
    story = Story(spec=spec(queues=QUEUES, minReplicas=1), replicas=8)
    begun = story.now

    while story.replicas == 8:
        story.now += 1.0
        assert story.now - begun < 70
        phases = [story.now - (story.now - begun) % COUNT, story.now - (story.now - begun - 2.5) % COUNT]
        decision = story.turn(
            *(
                counted(name, ready=0, counted_at=max(begun, at), now=story.now)
                for name, at in zip(("receipts", "invoices"), phases, strict=True)
            )
        )

    assert 60 <= story.now - begun
    assert (1, "BacklogBelowTarget") == (decision.replicas, decision.reason)


def later(story: Story, *, ready: int, after: float) -> Decision:
    """A turn so much later, with a fresh depth and no new count."""
    counted_at = story.now
    return story.turn(counted("receipts", ready=ready, counted_at=counted_at, now=story.now + after), after=after)


@pytest.mark.parametrize(("after", "stands"), [(STANDS, True), (STANDS + 0.1, False)])
def test_an_answer_stands_for_one_and_a_half_counts(after: float, *, stands: bool) -> None:
    story = Story(spec=spec(), replicas=4)
    story.see(10)

    message = later(story, ready=10, after=after).message

    assert stands == message.startswith("10 messages in receipts / 5 per replica = 2")


def test_messages_that_have_come_meanwhile_end_it() -> None:
    story = Story(spec=spec(), replicas=4)
    story.see(10)

    decision = later(story, ready=14, after=2.0)

    assert decision.message.startswith("at least 14 messages in receipts, not known to be so few")
    assert decision.between


def test_other_replicas_than_those_it_was_given_for_end_it() -> None:
    story = Story(spec=spec(), replicas=4)
    story.see(30)
    story.replicas = 5

    assert later(story, ready=30, after=2.0).message.startswith("at least 30 messages in receipts")


def test_what_cannot_be_counted_at_all_stands_for_nothing() -> None:
    story = Story(spec=spec(), replicas=4)
    story.see(10)
    silent = known(ready=10, unacknowledged=0, at=story.now + 1)
    old = replace(silent, totals=totals(ready=10, unacknowledged=0, at=story.now - 16))

    assert story.turn(old, after=1.0).message.startswith("at least 10 messages in receipts")
