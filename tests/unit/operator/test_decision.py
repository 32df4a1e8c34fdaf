"""Decisions as a user would tell them."""

from dataclasses import replace

import pytest

from qc_operator.scaling.decision import Decision
from qc_operator.scaling.observation import LEFT_OUT, Counters, Depth, Missing, Totals, Unavailable, Unknown
from qc_operator.scaling.reasons import Limit, Reason
from tests.unit.operator.conftest import Story, known, missing, queue, spec, totals, unknown


def test_wakes_from_zero_to_the_wanted_number_in_one_step(story: Story) -> None:
    decision = story.see(ready=95)

    assert (5, Reason.WOKE_UP, Limit.NONE) == (decision.replicas, decision.reason, decision.limited_by)
    assert "95 messages in receipts / 20 per replica = 5" == decision.message


def test_one_message_is_enough_to_wake(story: Story) -> None:
    assert 1 == story.see(ready=1).replicas


def test_stays_at_zero_while_there_are_no_messages(story: Story) -> None:
    decision = story.see(ready=0)

    assert (0, Reason.STEADY) == (decision.replicas, decision.reason)


def test_stays_at_zero_up_to_activate_above() -> None:
    story = Story(spec=spec(activateAbove=10))

    assert 0 == story.see(ready=10).replicas
    assert 1 == story.see(ready=11).replicas


def test_messages_that_others_hold_do_not_wake_what_could_not_take_them(story: Story) -> None:
    assert 0 == story.see(ready=0, unacknowledged=50).replicas


def test_scales_up_by_ready_and_unacknowledged_messages_together() -> None:
    story = Story(spec=spec(), replicas=2)

    decision = story.see(ready=40, unacknowledged=30)

    assert (4, Reason.BACKLOG_ABOVE_TARGET) == (decision.replicas, decision.reason)


def test_count_ready_leaves_unacknowledged_messages_out() -> None:
    story = Story(spec=spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 20, "count": "Ready"}}]), replicas=2)

    assert 2 == story.see(ready=40, unacknowledged=500).replicas


@pytest.mark.parametrize("messages", [20, 30, 60, 79, 80])
def test_holds_between_the_thresholds_for_as_long_as_it_lasts(messages: int) -> None:
    # 4 replicas: up above 80 messages, down below 4 * 5 = 20, counting whole replicas.
    story = Story(spec=spec(), replicas=4)

    decision = story.pass_time(300, ready=messages)

    assert (4, Reason.STEADY) == (decision.replicas, decision.reason)


def test_never_above_max_and_says_so() -> None:
    story = Story(spec=spec(maxReplicas=20))

    decision = story.see(ready=412)

    assert (20, Limit.MAX) == (decision.replicas, decision.limited_by)
    assert "412 messages in receipts / 20 per replica = 21, limited to maxReplicas 20" == decision.message


def test_never_below_min_and_says_so() -> None:
    story = Story(spec=spec(minReplicas=2), replicas=2)

    decision = story.pass_time(300, ready=0)

    assert (2, Limit.MIN, Reason.STEADY) == (decision.replicas, decision.limited_by, decision.reason)


def test_a_raised_minimum_takes_effect_without_messages() -> None:
    story = Story(spec=spec(minReplicas=3), replicas=0)

    decision = story.see(ready=0)

    assert (3, Reason.SPEC_CHANGED) == (decision.replicas, decision.reason)


def test_a_lowered_maximum_takes_effect_at_once() -> None:
    story = Story(spec=spec(maxReplicas=3), replicas=8)

    decision = story.see(ready=500)

    assert (3, Limit.MAX) == (decision.replicas, decision.limited_by)


def test_steps_down_only_after_a_whole_window_asked_for_less() -> None:
    story = Story(spec=spec(), replicas=0)
    story.see(ready=160)
    assert 8 == story.replicas

    held = story.pass_time(59, ready=12)
    assert (8, Limit.STABILIZATION) == (held.replicas, held.limited_by)

    decision = story.see(ready=12, after=1.0)
    assert (3, Reason.BACKLOG_BELOW_TARGET) == (decision.replicas, decision.reason)


def test_a_peak_within_the_window_holds_replicas_up_to_its_own_answer() -> None:
    story = Story(spec=spec(), replicas=0)
    story.see(ready=160)
    story.pass_time(40, ready=12)
    story.see(ready=100, after=1.0)  # asks for no fewer than 8: it lies between the thresholds
    story.pass_time(30, ready=12)

    assert 8 == story.replicas
    story.pass_time(40, ready=12)
    assert 3 == story.replicas


def test_after_a_restart_nothing_steps_down_before_a_whole_window_has_been_seen() -> None:
    story = Story(spec=spec(), replicas=8)

    assert 8 == story.pass_time(59, ready=5).replicas
    assert 1 == story.pass_time(2, ready=5).replicas


def test_after_a_restart_nothing_goes_to_zero_before_a_whole_window_has_been_seen() -> None:
    story = Story(spec=spec(idleAfterSeconds=5), replicas=3)

    held = story.pass_time(59, ready=0)
    assert (3, "held at 3 until readings have been known for 60 s") == (held.replicas, held.message.split(", ")[-1])
    assert 0 == story.see(ready=0, after=1.0).replicas


def test_goes_to_zero_in_one_step_once_idle(story: Story) -> None:
    story.see(ready=100)
    assert 5 == story.replicas

    assert 5 == story.pass_time(59, ready=0).replicas
    decision = story.see(ready=0, after=1.0)

    assert (0, Reason.IDLE) == (decision.replicas, decision.reason)
    assert "no messages for 60 s or longer (idleAfterSeconds)" == decision.message


def test_is_not_idle_while_messages_are_unacknowledged(story: Story) -> None:
    story.see(ready=100)

    assert 1 == story.pass_time(200, ready=0, unacknowledged=1).replicas


def test_one_message_starts_the_idle_time_again() -> None:
    story = Story(spec=spec(idleAfterSeconds=30))
    story.see(ready=1)
    story.pass_time(29, ready=0)
    story.see(ready=1, after=1.0)

    assert 1 == story.pass_time(29, ready=0).replicas
    assert 0 == story.pass_time(2, ready=0).replicas


def test_a_totals_reading_older_than_the_brokers_tick_does_not_prove_idleness() -> None:
    story = Story(spec=spec(idleAfterSeconds=2))
    story.see(ready=1)
    old = totals(ready=0, unacknowledged=0, at=story.now + 4)

    for _ in range(10):
        at = story.now + 1
        story.turn(queue(Depth(ready=0, consumers=1, at=at), old), after=1.0)

    assert 1 == story.replicas


def test_nothing_moves_while_nothing_can_be_read() -> None:
    story = Story(spec=spec(), replicas=4)

    for _ in range(1000):
        decision = story.turn(unknown(at=story.now), after=1.0)

    assert (4, Reason.READING_MISSING, Limit.GUARD) == (decision.replicas, decision.reason, decision.limited_by)
    assert "queue receipts cannot be read: connection refused: replicas stay at 4" == decision.message


def test_a_missing_queue_moves_nothing() -> None:
    story = Story(spec=spec(), replicas=4)

    for _ in range(1000):
        decision = story.turn(missing(at=story.now), after=1.0)

    assert 4 == decision.replicas
    assert "queue receipts does not exist in vhost shop: replicas stay at 4" == decision.message


def test_a_missing_queue_does_not_wake_what_sleeps(story: Story) -> None:
    assert 0 == story.turn(missing(at=story.now)).replicas


def test_an_outage_starts_window_and_idle_time_again() -> None:
    story = Story(spec=spec(), replicas=4)
    story.pass_time(55, ready=0)
    story.turn(unknown(at=story.now), after=1.0)

    assert 4 == story.pass_time(59, ready=0).replicas
    assert 0 == story.pass_time(2, ready=0).replicas


TWO_QUEUES = {
    "queues": [{"name": "receipts", "lag": {"scaleUpAbove": 20}}, {"name": "invoices", "lag": {"scaleUpAbove": 10}}]
}


def test_the_largest_answer_of_several_queues_wins() -> None:
    story = Story(spec=spec(**TWO_QUEUES))

    decision = story.turn(
        known(ready=40, unacknowledged=0, at=story.now),
        known(ready=40, unacknowledged=0, at=story.now, name="invoices"),
    )

    assert 4 == decision.replicas
    assert "40 messages in invoices / 10 per replica = 4, the largest of 2 answers (receipts lag 2)" == decision.message


def test_one_queue_that_can_be_read_may_scale_up_while_another_cannot() -> None:
    story = Story(spec=spec(**TWO_QUEUES), replicas=1)

    decision = story.turn(known(ready=100, unacknowledged=0, at=story.now), unknown(at=story.now, name="invoices"))

    assert 5 == decision.replicas


def test_one_queue_that_cannot_be_read_keeps_the_others_from_scaling_down() -> None:
    story = Story(spec=spec(**TWO_QUEUES), replicas=5)

    for _ in range(200):
        story.turn(
            known(ready=0, unacknowledged=0, at=story.now + 1), unknown(at=story.now, name="invoices"), after=1.0
        )

    assert 5 == story.replicas


def test_a_peak_of_one_queue_enters_the_window_while_another_is_not_fully_known() -> None:
    story = Story(spec=spec(**TWO_QUEUES), replicas=1)
    for _ in range(70):
        story.turn(
            known(ready=20, unacknowledged=0, at=story.now + 1),
            known(ready=10, unacknowledged=0, at=story.now + 1, name="invoices"),
            after=1.0,
        )
    half_known = queue(
        Depth(ready=0, consumers=1, at=story.now),
        Unknown(cause="ManagementUnreachable", message="refused", at=story.now),
        name="invoices",
    )
    story.turn(known(ready=160, unacknowledged=0, at=story.now), half_known)
    assert 8 == story.replicas

    story.turn(
        known(ready=0, unacknowledged=0, at=story.now + 1),
        known(ready=0, unacknowledged=0, at=story.now + 1, name="invoices"),
        after=1.0,
    )

    assert 8 == story.replicas


def test_a_fresh_ready_count_scales_up_without_waiting_for_the_totals() -> None:
    story = Story(spec=spec(), replicas=1)
    old = totals(ready=0, unacknowledged=1, at=story.now - 4)

    decision = story.turn(queue(Depth(ready=100, consumers=1, at=story.now), old))

    assert 5 == decision.replicas


def test_old_totals_scale_nothing_down() -> None:
    story = Story(spec=spec(), replicas=5)
    old = totals(ready=0, unacknowledged=0, at=story.now)

    for _ in range(200):
        at = story.now + 1
        story.turn(queue(Depth(ready=0, consumers=1, at=at), old), after=1.0)

    # For 15 s, and no longer, the reading is young enough to count; a whole window it never is.
    assert 5 == story.replicas


def test_unacknowledged_messages_count_for_scaling_up_also_between_two_readings_of_them() -> None:
    story = Story(spec=spec(), replicas=1)
    old = totals(ready=50, unacknowledged=100, at=story.now - 3)

    decision = story.turn(queue(Depth(ready=50, consumers=1, at=story.now), old))

    assert 8 == decision.replicas


@pytest.mark.parametrize("latency", [0.0, 0.25, 0.9])
def test_steady_traffic_and_a_slow_management_api_do_not_keep_replicas_for_ever(latency: float) -> None:
    story = Story(spec=spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 100}}]), replicas=10)

    for second in range(120):
        now = story.now + 1
        # Five readings a second of a queue that always holds a few; every fifth second an answer of the slow lane.
        asked = now - second % 5 - latency
        answer = Totals(ready=3, unacknowledged=4, at=asked, answered_at=asked + latency)
        arrived = 3 * int(1 + 5 * (now - asked))
        story.turn(queue(Depth(ready=5, consumers=1, at=now), answer, arrived=arrived), after=1.0)

    assert 1 == story.replicas


@pytest.mark.parametrize("changes", [{"count": "Ready"}, {}])
@pytest.mark.parametrize("evidence", ["ReadyOnly", "ReadyAndUnacked"])
def test_a_zero_that_the_management_api_leaves_out_is_not_believed(changes: dict[str, str], evidence: str) -> None:
    # A quorum queue without a leader says (0, 0) to a passive declare.
    queues = [{"name": "receipts", "lag": {"scaleUpAbove": 20, **changes}}]
    story = Story(spec=spec(queues=queues, idleEvidence=evidence), replicas=20)
    leaderless = Unknown(cause=LEFT_OUT, message="left out", at=0.0)
    story.spec = spec(queues=queues, idleEvidence=evidence, maxReplicas=20)

    for _ in range(600):
        story.turn(queue(Depth(ready=0, consumers=0, at=story.now), leaderless), after=1.0)

    assert 20 == story.replicas


def test_after_a_management_outage_the_window_begins_anew() -> None:
    story = Story(spec=spec(maxReplicas=20), replicas=20)
    outage = Unknown(cause="ManagementUnreachable", message="refused", at=0.0)
    for _ in range(900):
        story.turn(queue(Depth(ready=60, consumers=1, at=story.now), outage), after=1.0)

    assert 20 == story.pass_time(59, ready=60).replicas
    assert 12 == story.pass_time(3, ready=60).replicas


def test_without_a_management_api_ready_messages_alone_scale_down_but_never_to_zero() -> None:
    story = Story(spec=spec(), replicas=5)
    api_is_off = Unavailable(message="connection refused")

    for _ in range(500):
        story.turn(queue(Depth(ready=0, consumers=1, at=story.now), api_is_off), after=1.0)

    assert 1 == story.replicas


def test_without_a_management_api_ready_only_is_the_users_word_for_zero() -> None:
    story = Story(spec=spec(idleEvidence="ReadyOnly"), replicas=5)
    api_is_off = Unavailable(message="connection refused")

    for _ in range(60):
        decision = story.turn(queue(Depth(ready=0, consumers=1, at=story.now), api_is_off), after=1.0)

    assert (0, Reason.IDLE) == (decision.replicas, decision.reason)


@pytest.mark.parametrize("reading", [Missing(message="", at=0.0), Unknown(cause="x", message="", at=0.0)])
def test_bounds_hold_also_while_nothing_can_be_read(reading: Missing | Unknown) -> None:
    story = Story(spec=spec(minReplicas=2), replicas=1)
    nothing = Unknown(cause="x", message="", at=0.0)

    assert 2 == story.turn(queue(reading, nothing)).replicas


def test_from_zero_a_rate_of_nothing_is_no_reason_to_leave_messages_waiting() -> None:
    story = Story(spec=spec(queues=[{"name": "receipts", "publishRate": {"perReplica": 5}}]))

    def seen(ready: int, *, after: float, counted_at: float) -> Decision:
        counters = Counters(published=0, acknowledged=0, delivered=0, at=counted_at)
        queue = replace(known(ready=ready, unacknowledged=0, at=story.now + after), counters=counters)
        return story.turn(queue, after=after)

    for _ in range(40):
        seen(0, after=5.0, counted_at=story.now + 5.0)
    decision = seen(30, after=1.0, counted_at=story.now)

    assert (1, "WokeUp") == (decision.replicas, decision.reason)
    assert decision.message.endswith("= 0, 30 messages wait: one to begin with")
    assert ("wakeUp", 1) == (decision.steps[-1].name, decision.steps[-1].replicas)


def test_a_maximum_that_was_lowered_is_the_reason_though_the_queue_asks_for_more() -> None:
    story = Story(spec=spec(maxReplicas=5), replicas=8)

    decision = story.see(1000)

    assert (5, Reason.SPEC_CHANGED, Limit.MAX) == (decision.replicas, decision.reason, decision.limited_by)
