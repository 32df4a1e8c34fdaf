"""What a reader makes of one reading after the other, and whom it tells."""

import pytest

from qc_operator.brokers.watches import DOUBTED_FOR, LEADER_TIMEOUT, Listener, Watch
from qc_operator.scaling.observation import Depth, DepthReading, Missing, Unknown


def unread(at: float = 0.0) -> Unknown:
    return Unknown(cause="NotReadYet", message="no reading yet", at=at)


def depth(ready: int, *, at: float, consumers: int = 0) -> Depth:
    return Depth(ready=ready, consumers=consumers, at=at)


@pytest.fixture
def watch() -> Watch:
    return Watch(queue="orders", depth=unread())


def test_the_declare_is_encoded_once_as_the_protocol_wants_it(watch: Watch) -> None:
    # AMQP 0-9-1: size, class 50 (queue), method 10 (declare), a reserved short, the name, bit 0 for passive, no
    # arguments, the frame's end.
    name = b"\x06orders"
    payload = b"\x00\x32\x00\x0a" + b"\x00\x00" + name + b"\x01" + b"\x00\x00\x00\x00"
    assert len(payload).to_bytes(4, "big") + payload + b"\xce" == watch.frame_end


def test_growth_counts_as_arrived_and_shrinking_does_not(watch: Watch) -> None:
    for at, ready in enumerate((3, 10, 4, 4, 6)):
        watch.take(depth(ready, at=float(at)))

    assert 3 + 7 + 2 == watch.arrived
    assert 4.0 == watch.changed_at


def test_only_what_says_something_new_is_a_change(watch: Watch) -> None:
    told = [
        watch.take(reading)
        for reading in (
            depth(0, at=1.0),
            depth(0, at=2.0),
            depth(0, at=3.0, consumers=1),
            depth(5, at=4.0, consumers=1),
            depth(5, at=5.0, consumers=1),
            Missing(message="no queue", at=6.0),
            depth(5, at=7.0, consumers=1),
        )
    ]

    assert [True, False, True, True, False, True, True] == told


def test_it_has_appeared_when_it_is_read_after_a_gap(watch: Watch) -> None:
    watch.take(depth(1, at=1.0))
    watch.take(depth(2, at=2.0))
    assert 1.0 == watch.appeared_at

    watch.take(Missing(message="no queue", at=3.0))
    assert 1 == watch.failures
    watch.take(depth(2, at=4.0))
    assert (4.0, 0) == (watch.appeared_at, watch.failures)


def test_the_loss_of_the_connection_is_no_failure_of_the_queue(watch: Watch) -> None:
    watch.take(depth(1, at=1.0))
    watch.lose(Unknown(cause="BrokerUnreachable", message="reset", at=2.0))

    assert 0 == watch.failures
    assert isinstance(watch.depth, Unknown)


def test_a_change_is_told_at_once_and_the_rest_now_and_then(watch: Watch) -> None:
    told: list[float] = []
    clock = [0.0]
    watch.listeners.append(Listener(notify=lambda: told.append(clock[0]), refused=lambda: None))

    for step in range(30):
        clock[0] = step / 10
        watch.tell(at=clock[0], changed=step == 15, interval=1.0, rest_interval=9.0)

    assert [0.0, 1.0, 1.5, 2.5] == told


@pytest.mark.parametrize(
    ("phase", "times"), [(0.0, [0.0, 0.75, 2.0, 4.0]), (0.25, [0.0, 0.75, 1.5, 3.5]), (0.75, [0.0, 0.5, 0.75, 2.5])]
)
def test_who_waits_for_nothing_but_a_message_is_told_less_often_that_there_is_none_and_in_turn_with_others(
    watch: Watch, phase: float, times: list[float]
) -> None:
    told: list[float] = []
    clock = [0.0]
    listener = Listener(notify=lambda: told.append(clock[0]), refused=lambda: None, at_rest=True, phase=phase)
    watch.listeners.append(listener)

    for step in range(18):
        clock[0] = step / 4
        watch.tell(at=clock[0], changed=step == 3, interval=1.0, rest_interval=2.0)

    assert times == told


def test_one_target_at_zero_makes_the_queue_awaited(watch: Watch) -> None:
    for at_zero in (False, True):
        watch.listeners.append(Listener(notify=lambda: None, refused=lambda: None, at_zero=at_zero))
    assert watch.at_zero

    watch.listeners.pop()
    assert not watch.at_zero


def test_what_arrives_is_counted_from_the_asking_and_kept_for_one_turn_more(watch: Watch) -> None:
    watch.take(depth(0, at=0.0))
    watch.totals_asked()
    watch.take(depth(4, at=1.0))
    watch.totals_asked()
    watch.take(depth(6, at=2.0))
    watch.totals_answered()

    assert (2, 4) == (watch.arrived, watch.arrived_before)


def test_what_reads_empty_no_sooner_than_a_stuck_leader_is_doubtful_for_a_while(watch: Watch) -> None:
    watch.took = LEADER_TIMEOUT
    watch.take(depth(0, at=1.0))
    assert watch.doubtful

    watch.took = 0.001
    watch.take(depth(0, at=1.0 + DOUBTED_FOR - 0.1))
    assert watch.doubtful

    watch.take(depth(0, at=1.0 + DOUBTED_FOR))
    assert not watch.doubtful


@pytest.mark.parametrize("reading", [depth(1, at=1.0), depth(0, at=1.0, consumers=1), unread(at=1.0)])
def test_a_late_answer_that_says_something_is_not_doubtful(watch: Watch, reading: DepthReading) -> None:
    watch.took = 2.0
    watch.take(reading)

    assert not watch.doubtful


def test_a_queue_that_has_messages_by_now_is_not_doubtful(watch: Watch) -> None:
    watch.took = LEADER_TIMEOUT
    watch.take(depth(0, at=1.0))
    watch.take(depth(1, at=1.2))

    assert not watch.doubtful
