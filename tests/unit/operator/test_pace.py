"""How often queues are read: by state, and evenly less often when there are many."""

import itertools

import pytest

from qc_operator.brokers.pace import BURST, PHASES, BrokerPace
from qc_operator.brokers.schedule import Schedule
from qc_operator.settings import ReadingSettings

SETTINGS = ReadingSettings(
    fast_interval=0.2, steady_interval=1.0, declares_per_second=1000.0, steady_declares_per_second=500.0
)


@pytest.fixture
def pace() -> BrokerPace:
    return BrokerPace(settings=SETTINGS)


def test_under_the_cap_the_intervals_are_those_of_the_settings(pace: BrokerPace) -> None:
    pace.count(fast=True, change=150)
    pace.count(fast=False, change=250)

    assert (0.2, 1.0) == (pace.interval(fast=True), pace.interval(fast=False))


def test_over_the_cap_every_interval_grows_by_the_same_factor(pace: BrokerPace) -> None:
    pace.count(fast=True, change=300)
    pace.count(fast=False, change=500)

    assert pytest.approx((0.4, 2.0)) == (pace.interval(fast=True), pace.interval(fast=False))
    assert pytest.approx(1000) == 300 / pace.interval(fast=True) + 500 / pace.interval(fast=False)


def test_steady_queues_beyond_their_own_cap_are_read_less_often_and_the_others_are_not(pace: BrokerPace) -> None:
    pace.count(fast=True, change=50)
    pace.count(fast=False, change=850)

    assert pytest.approx((0.2, 1.7)) == (pace.interval(fast=True), pace.interval(fast=False))


def test_over_both_caps_the_whole_one_is_kept_and_steady_queues_have_their_share_of_it(pace: BrokerPace) -> None:
    pace.count(fast=True, change=300)
    pace.count(fast=False, change=850)

    assert pytest.approx((0.4, 3.4)) == (pace.interval(fast=True), pace.interval(fast=False))
    assert pytest.approx(1000) == 300 / pace.interval(fast=True) + 850 / pace.interval(fast=False)


def test_queues_that_are_no_longer_read_give_their_share_back(pace: BrokerPace) -> None:
    pace.count(fast=True, change=400)
    pace.count(fast=True, change=-200)

    assert 0.2 == pace.interval(fast=True)


def test_first_readings_are_spread_and_soon(pace: BrokerPace) -> None:
    firsts = [pace.first() for _ in range(200)]

    assert 0 <= min(firsts)
    assert max(firsts) <= 0.05
    assert len(set(firsts)) > 100


@pytest.mark.parametrize(("failures", "pause"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (100_000, 60)])
def test_a_queue_that_cannot_be_read_is_tried_less_and_less_often(pace: BrokerPace, failures: int, pause: int) -> None:
    pauses = [pace.retry(failures=failures) for _ in range(50)]

    assert 0.8 * pause <= min(pauses)
    assert max(pauses) <= pause
    assert len(set(pauses)) > 10


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("bursts", [1, 2, 3])
@pytest.mark.parametrize("phase", [0.0, 0.75])
def test_queues_are_read_in_bursts_and_as_often_as_they_should_be_however_late_their_answers(
    *, fast: bool, bursts: int, phase: float
) -> None:
    many = ReadingSettings(declares_per_second=1e9, steady_declares_per_second=1e9)
    pace = BrokerPace(settings=many)
    pace.count(fast=fast, change=bursts * BURST)
    interval = pace.interval(fast=fast)
    shares = (number * 37 % 100 / 100 for number in itertools.count())
    queues = [f"queue-{number}" for number in range(300)]
    schedule: Schedule[str] = Schedule()
    reads = dict.fromkeys(queues, 0)
    beats = set()
    for queue in queues:
        schedule.set(queue, due=1000 + next(shares) * interval)

    while (now := schedule.next_due() or 0.0) < 1000 + 21 * interval:
        if now > 1000 + interval:
            beats.add(round(now, 6))
        for queue in schedule.take(until=now, most=len(queues)):
            reads[queue] += now > 1000 + interval
            late = 0.7 * next(shares) * interval / bursts
            schedule.set(queue, due=pace.next_due(after=now + late, fast=fast, phase=phase))

    assert len(beats) <= 21 * bursts
    assert 19 <= min(reads.values())
    assert max(reads.values()) <= 21


def test_a_broker_that_answers_too_late_is_left_alone_for_a_while(pace: BrokerPace) -> None:
    pace.count(fast=True, change=100)
    burst = 1000.0

    assert burst + 0.2 == pytest.approx(pace.next_due(after=burst + 0.14, fast=True))
    assert burst + 0.4 == pytest.approx(pace.next_due(after=burst + 0.16, fast=True))


def test_connections_take_turns_between_two_bursts(pace: BrokerPace) -> None:
    pace.count(fast=True, change=100)

    phases = [pace.phase() for _ in range(PHASES + 1)]
    bursts = [pace.next_due(after=1000 + 0.2 * phase + 0.01, fast=True, phase=phase) for phase in phases]

    assert [0.0, 0.25, 0.5, 0.75, 0.0] == phases
    assert [1000.2, 1000.25, 1000.3, 1000.35, 1000.2] == pytest.approx(bursts, rel=1e-9)
