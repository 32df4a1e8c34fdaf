"""ConsumersStuck: when it holds, when it must not, and how it is lifted."""

from __future__ import annotations

import pytest

from qc_operator.scaling.patience import patience
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.rates import Rates, ThroughputSource
from tests.guarded_target import Line, Target, spec_of


def hung(**named: object) -> Target:
    """Consumers have worked for a minute and then finish nothing any more."""
    target = Target(**named)  # type: ignore[arg-type]
    target.line.acks = 2.0
    assert target.run(60) is None
    target.line.acks = 0.0
    return target


@pytest.mark.parametrize(
    ("throughput", "source", "seconds", "start", "expected"),
    [
        pytest.param(1.0, "learned", None, 0.0, 60.0, id="a second each: the floor"),
        pytest.param(0.2, "learned", None, 0.0, 60.0, id="6 s each would be as much as the floor, 5 s are less"),
        pytest.param(0.1, "learned", None, 0.0, 100.0, id="ten service times"),
        pytest.param(0.1, "spec", None, 0.0, 100.0, id="by the spec's word"),
        pytest.param(0.1, "learned", None, 42.0, 142.0, id="and the start-up time"),
        pytest.param(0.1, "learned", None, -5.0, 100.0, id="a start-up time that is none"),
        pytest.param(0.1, "learned", None, 1e9, 3700.0, id="an hour of start-up at most"),
        pytest.param(1 / 600, "learned", None, 0.0, 3600.0, id="ten minutes each: an hour, not 100 minutes"),
        pytest.param(1 / 1800, "learned", None, 0.0, 5400.0, id="half an hour each: three service times"),
        pytest.param(1e-9, "learned", None, 0.0, 259_200.0, id="more than a day each counts as a day"),
        pytest.param(None, None, 20.0, 0.0, 200.0, id="secondsPerMessage"),
        pytest.param(0.1, "learned", 20.0, 0.0, 100.0, id="what was learned is better than secondsPerMessage"),
        pytest.param(None, None, None, 0.0, 600.0, id="unknown: a minute each"),
        pytest.param(0.0, "learned", None, 0.0, 600.0, id="a throughput of 0 says nothing"),
        pytest.param(0.05, "lowerBound", None, 0.0, 200.0, id="20 s each at most"),
        pytest.param(0.001, "lowerBound", None, 0.0, 600.0, id="a bound that says little"),
        pytest.param(0.05, "lowerBound", 40.0, 0.0, 400.0, id="secondsPerMessage is better than a bound"),
    ],
)
def test_patience(
    throughput: float | None, source: ThroughputSource | None, seconds: float | None, start: float, expected: float
) -> None:
    rates = Rates(throughput=throughput, throughput_from=source)

    assert expected == pytest.approx(patience(rates=rates, seconds_per_message=seconds, start_seconds=start))


def test_consumers_that_finish_nothing_are_stuck_after_a_minute_and_the_start_up_time() -> None:
    target = hung()

    assert 90.0 == target.until("ConsumersStuck", within=300)

    forbidden = target.look()
    assert forbidden is not None
    assert 3 == forbidden.replicas
    assert (
        "no message of q0 was acknowledged for 90 s or longer while consumers held some, and more replicas would "
        "only hold more of them; see in their logs what they wait for; if a message does take that long, say so in "
        "secondsPerMessage"
    ) == forbidden.message


def test_they_stay_so_for_as_long_as_nothing_moves_and_the_sentence_stays_the_same() -> None:
    target = hung()
    target.run(90)
    first = target.look()

    target.line.arrives = 5.0

    assert first is not None
    assert first == target.run(3600)


def test_the_service_time_of_the_spec_counts_until_one_is_learned() -> None:
    wait = {"wait": {"objectiveSeconds": 60}, "secondsPerMessage": "12"}
    target = hung(spec=spec_of(wait), rates=Rates(), start_seconds=0.0)

    assert 120.0 == target.until("ConsumersStuck", within=600)


def test_slow_consumers_whose_service_time_is_known_are_not_stuck() -> None:
    target = hung(rates=Rates(throughput=1 / 300, throughput_from="learned"))

    # Ten replicas' work comes once in five minutes here, one after the other.
    for _ in range(6):
        assert target.run(300) is None
        target.line.acknowledged += 1
        target.line.delivered += 1


def test_they_recover_half_a_minute_after_the_first_acknowledgement() -> None:
    target = hung()
    target.run(90)

    target.line.acks = 2.0

    assert 35.0 == target.until(None, within=300)
    assert target.run(600) is None


def test_one_message_that_gets_through_now_and_then_lifts_it_only_for_as_long_as_the_patience() -> None:
    target = hung()
    target.run(90)

    target.line.acknowledged += 1
    assert target.run(25) is not None
    target.line.acknowledged += 1
    # 25 s after the first one: too soon.
    assert target.run(5) is not None
    target.line.acknowledged += 1
    assert target.run(5) is None

    assert 90.0 == target.until("ConsumersStuck", within=300)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"ready": 0.0, "unacknowledged": 0.0}, id="the queue is empty"),
        pytest.param({"unacknowledged": 0.0}, id="nobody holds a message"),
        pytest.param({"consumers": 0}, id="there are no consumers"),
        pytest.param({"alarmed": True}, id="an alarm of the broker"),
        pytest.param({"counted": False}, id="the statistics are missing"),
        pytest.param({"totals_known": False}, id="the totals are not known"),
    ],
)
def test_nothing_is_held_up_where_nothing_can_be_said(change: dict[str, object]) -> None:
    target = hung()
    for name, value in change.items():
        setattr(target.line, name, value)

    assert target.run(15) is None
    assert target.run(3600) is None


def test_consumers_that_are_gone_for_a_moment_are_no_recovery() -> None:
    target = hung()
    assert target.run(90) is not None

    for _ in range(10):
        target.line.consumers, target.line.unacknowledged = 0, 0.0
        assert target.run(5) is not None
        target.line.consumers, target.line.unacknowledged = 3, 30.0
        assert target.run(15) is not None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"alarmed": True}, id="an alarm of the broker"),
        pytest.param({"totals_known": False}, id="the totals are not known"),
        pytest.param({"counted": False}, id="the counters are not"),
    ],
)
def test_where_nothing_can_be_said_any_more_it_is_held_for_ten_minutes(change: dict[str, object]) -> None:
    target = hung()
    assert target.run(90) is not None

    for name, value in change.items():
        setattr(target.line, name, value)

    assert target.run(600) is not None
    assert target.run(5) is None


def test_it_is_lifted_at_once_where_the_queue_is_empty() -> None:
    target = hung()
    assert target.run(90) is not None

    target.line.ready = target.line.unacknowledged = 0.0

    assert target.run(5) is None
    assert 0 == target.memory.stuck


@pytest.mark.parametrize(("gap", "held"), [(600.0, True), (605.0, False)])
def test_when_the_statistics_are_back_within_ten_minutes_the_silence_has_gone_on(gap: float, *, held: bool) -> None:
    target = hung()
    assert target.run(90) is not None
    target.line.counted = False
    target.run(gap - 5)
    target.line.counted = True

    assert held is (target.run(5) is not None)
    assert (5.0 if held else 90.0) == target.until("ConsumersStuck", within=300)


def test_what_was_acknowledged_while_nothing_was_known_is_a_first_sign_of_recovery() -> None:
    target = hung()
    assert target.run(90) is not None
    target.line.counted, target.line.acks = False, 1.0
    assert target.run(300) is not None
    target.line.counted = True

    # Then half a minute of it, as ever.
    assert target.run(30) is not None
    assert target.run(5) is None


def test_one_reading_that_fails_is_no_gap() -> None:
    target = hung()
    assert target.run(45) is None
    target.line.counted = False
    assert target.run(5) is None
    target.line.counted = True

    assert 40.0 == target.until("ConsumersStuck", within=300)


def test_the_pods_that_start_from_zero_have_all_the_time_from_the_first_that_is_ready() -> None:
    target = Target(replicas=0, pods=Pods(ready=0, at=0.0))
    target.line.consumers, target.line.unacknowledged = 0, 0.0
    assert target.run(600) is None
    target.scale(10, ready=0, starting=10)
    # Consumers connect before their pod says that it is ready.
    target.line.consumers, target.line.unacknowledged = 10, 100.0
    target.line.delivered += 100
    assert target.run(600) is None

    target.scale(10, ready=1, starting=9)

    assert 90.0 == target.until("ConsumersStuck", within=300)


def test_at_zero_replicas_nothing_is_forbidden() -> None:
    target = hung()
    assert target.run(90) is not None

    target.scale(0)

    assert target.look() is None


def test_consumers_that_were_told_not_to_acknowledge_are_never_stuck() -> None:
    target = Target()
    target.line.unacknowledged, target.line.delivers = 0.0, 50.0

    assert target.run(3600) is None


def test_a_queue_that_gets_shorter_is_worked_on_whatever_the_counters_say() -> None:
    """The statistics may have stopped, and messages that are rejected for good are not acknowledged."""
    target = hung()
    for _ in range(100):
        target.line.ready -= 1
        assert target.run(30) is None


def test_one_entry_that_is_stuck_does_not_hold_up_another() -> None:
    target = Target(lines=[Line(), Line(acks=4.0, arrives=4.0)], spec=spec_of({}, {}))

    assert target.run(120, index=0) is not None
    assert 0b01 == target.memory.stuck
    assert target.look(index=1) is None


def test_what_feeds_a_queue_is_not_held_up_by_those_who_consume_from_it() -> None:
    target = Target(spec=spec_of({"deliverRate": {"perReplica": 5}}))

    assert target.run(3600) is None


# Loops: messages that are delivered again and again.


def looping(share: float, *, rate: float = 10.0) -> Target:
    target = Target()
    target.line.acks, target.line.delivers = rate * (1 - share), rate
    return target


@pytest.mark.parametrize(("share", "held"), [(0.0, False), (0.5, False), (0.52, True), (0.9, True), (1.0, True)])
def test_more_than_half_of_the_deliveries_of_two_minutes(share: float, held: bool) -> None:  # noqa: FBT001 - a table
    target = looping(share)
    assert target.run(5) is None

    if not held:
        assert target.run(600) is None
    elif share < 1.0:
        assert 120.0 == target.until("ConsumersStuck", within=600)
        forbidden = target.look()
        assert forbidden is not None
        assert (
            "more than half of what q0 delivers was delivered before: consumers fail on messages, which come back; "
            "see in their logs why, and have such messages dead-lettered (a delivery limit does)"
        ) == forbidden.message


@pytest.mark.parametrize(("share", "lifted"), [(0.38, True), (0.42, False)])
def test_a_loop_is_over_when_the_share_falls_below_two_fifths(share: float, lifted: bool) -> None:  # noqa: FBT001
    target = looping(0.8)
    target.run(125)
    assert target.look() is not None

    target.line.acks = 10.0 * (1 - share)

    assert (60.0 if lifted else 605.0) == target.until(None, within=600)


def test_messages_that_new_consumers_fetch_beforehand_are_no_loop() -> None:
    target = Target()
    target.line.acks = 1.0
    for _ in range(20):
        # 100 more are delivered and held, while 30 s of work finish 30.
        target.line.unacknowledged += 100
        target.line.delivered += 100
        assert target.run(30) is None


def test_what_a_replaced_pod_gave_back_is_no_loop() -> None:
    target = Target()
    target.line.acks, target.line.unacknowledged = 1.0, 1000.0
    target.run(60)
    for _ in range(4):
        target.line.delivered += 250
        assert target.run(15) is None

    assert target.run(600) is None


def test_too_few_deliveries_say_nothing() -> None:
    target = Target()
    target.line.unacknowledged = 1.0
    for turn in range(60):
        target.line.delivered += 1 if turn % 3 == 0 else 0
        # One in a while is finished, so that it is no silence either.
        target.line.acknowledged += 1 if turn % 12 == 0 else 0
        assert target.run(5) is None
    assert 0 == target.memory.stuck


def test_bad_minutes_between_good_ones_are_no_loop() -> None:
    target = looping(0.8)
    target.run(5)
    for _ in range(10):
        target.line.acks = 2.0
        assert target.run(60) is None
        target.line.acks = 10.0
        assert target.run(60) is None


@pytest.mark.parametrize(("deliveries", "held"), [(20, True), (19, False)])
def test_twenty_deliveries_in_a_minute_are_enough(deliveries: int, held: bool) -> None:  # noqa: FBT001 - a table
    target = Target(rates=Rates(throughput=0.01, throughput_from="learned"))
    target.run(5)
    for _ in range(2):
        target.line.delivered += deliveries
        forbidden = target.run(60)

    assert held == (forbidden is not None)


def test_a_loop_that_ends_for_want_of_messages_is_over() -> None:
    target = looping(0.8)
    target.run(125)
    assert target.look() is not None

    target.line.acks = target.line.delivers = 0.0
    target.line.ready = target.line.unacknowledged = 0.0

    assert 300.0 == target.until(None, within=600)


def test_a_poison_message_is_found_and_its_end_too() -> None:
    """A consumer that crashes on one message takes the nine with it that it had fetched."""
    target = Target(rates=Rates(throughput=2.0, throughput_from="learned"))
    line = target.line
    line.acks, line.arrives = 6.0, 6.0
    assert target.run(300) is None

    line.acks, line.delivers = 0.5, 20.0
    assert 125.0 >= target.until("ConsumersStuck", within=300)
    assert target.run(600) is not None

    line.acks, line.delivers = 6.0, None
    assert 65.0 >= target.until(None, within=300)
    assert target.run(600) is None


def test_counters_that_fall_because_the_entry_has_other_queues_begin_anew() -> None:
    target = hung()
    target.run(85)

    target.line.acknowledged = target.line.delivered = 0.0

    assert target.run(5) is None
    assert 90.0 == target.until("ConsumersStuck", within=300)


def test_pods_that_crash_and_come_back_are_given_time_anew() -> None:
    target = hung()
    assert target.run(85) is None
    target.scale(3, ready=0, starting=3)
    assert target.run(5) is None
    target.scale(3)

    assert 90.0 == target.until("ConsumersStuck", within=300)


def test_pods_that_crash_over_and_over_on_what_they_fetched_are_found_by_what_is_delivered_again() -> None:
    """Each life lasts 20 s: fetch 30 messages, finish none, crash, wait. Ready goes up and down with it."""
    target = Target()
    reasons, between = [], []
    for life in range(30):
        target.scale(3)
        target.line.consumers, target.line.unacknowledged = 3, 30.0
        target.line.delivered += 30
        reasons.append(target.run(15))
        target.scale(3, ready=life % 2, starting=3 - life % 2)
        target.line.consumers, target.line.unacknowledged = 0, 0.0
        # More pods would crash as these do, also at a moment at which nobody is there.
        between.append(target.run(5))

    assert {"ConsumersStuck"} == {forbidden.reason for forbidden in between[8:] if forbidden}
    assert None not in between[8:]
    told = [forbidden.reason if forbidden else None for forbidden in reasons]
    assert [None] * 6 == told[:6]
    assert {"ConsumersStuck"} == set(told[8:])


def test_a_broker_that_restarts_in_the_middle_of_a_silence() -> None:
    """Its counters begin anew, and those that are made of them go on from where they were."""
    target = hung()
    assert target.run(45) is None
    target.line.counted = target.line.totals_known = False
    assert target.run(60) is None
    target.line.counted = target.line.totals_known = True
    # The consumers are back, and hold what they held, delivered once more.
    target.line.delivered += 30

    assert 95.0 == target.until("ConsumersStuck", within=300)


def test_throughput_that_flaps_is_no_silence() -> None:
    target = hung(rates=Rates(throughput=0.5, throughput_from="learned"))
    for _ in range(40):
        target.line.acks = 0.0
        assert target.run(80) is None
        target.line.acks = 1.0
        assert target.run(10) is None
