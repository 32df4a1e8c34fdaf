"""Pods are looked at while they are on their way, less and less often, and never while a target rests."""

from itertools import pairwise

import pytest

from qc_operator.cluster.rollout import Rollout
from qc_operator.scaling.pods import Pods


class Story:
    """A target with a turn every second, and what a look at its pods would show."""

    def __init__(self, *, asked: int, running: int | None = None) -> None:
        self.rollout = Rollout()
        self.now = 1000.0
        self.asked = asked
        self.running = asked if running is None else running
        self.ready = self.running
        self.starting = 0
        self.unschedulable = 0
        self.last_ready_at: float | None = None
        self.refused: bool | None = None
        """None while a look succeeds."""
        self.looks: list[float] = []
        self.turn()

    def turn(self) -> None:
        self.rollout.note(asked=self.asked, running=self.running, running_at=self.now, now=self.now)
        if not self.rollout.due(now=self.now):
            return
        self.rollout.began(now=self.now)
        self.looks.append(self.now - 1000.0)
        if self.refused is None:
            created = (self.now,) * self.starting
            pods = Pods(
                ready=self.ready,
                starting=created,
                unschedulable=self.unschedulable,
                last_ready_at=self.last_ready_at,
                at=self.now,
            )
            self.rollout.saw(pods)
        else:
            self.rollout.failed(refused=self.refused)

    def passes(self, seconds: float, *, step: float = 1.0) -> list[float]:
        """Let turns be taken for so long; when, since the beginning, pods were looked at in that time."""
        before = len(self.looks)
        for _ in range(round(seconds / step)):
            self.now += step
            self.turn()
        return self.looks[before:]

    def ask(self, replicas: int) -> None:
        """Write another number, of which the answer still tells the pods of before."""
        self.asked = replicas
        self.turn()

    def pods(self, *, ready: int, starting: int = 0, unschedulable: int = 0) -> None:
        self.running = ready + starting + unschedulable
        self.ready, self.starting, self.unschedulable = ready, starting, unschedulable


def test_a_start_of_the_operator_looks_once_at_pods_that_run() -> None:
    story = Story(asked=3)

    assert [0.0] == story.looks
    assert [] == story.passes(3600)


def test_a_start_of_the_operator_looks_at_nothing_where_there_is_nothing() -> None:
    story = Story(asked=0)

    assert [] == story.looks
    assert [] == story.passes(3600)


@pytest.mark.parametrize(("asked", "running"), [(3, 0), (0, 3)])
def test_a_start_of_the_operator_amid_a_change_looks_until_it_is_over(asked: int, running: int) -> None:
    story = Story(asked=asked, running=running)
    assert [0.0] == story.looks
    assert [2.0, 4.0] == story.passes(5)

    story.pods(ready=asked)
    assert [6.0] == story.passes(600)


def test_a_scale_up_is_followed_until_all_are_ready_and_the_last_look_sees_them() -> None:
    story = Story(asked=2)
    story.passes(99)
    story.ask(5)
    story.pods(ready=2, starting=3)
    # A second later the pods exist, and then every two seconds.
    assert [100.0, 102.0, 104.0] == story.passes(6)

    story.pods(ready=5)
    assert [106.0] == story.passes(600)


def test_pods_that_have_just_become_ready_have_to_prove_it() -> None:
    story = Story(asked=2)
    story.passes(99)
    story.ask(5)
    story.pods(ready=2, starting=3)
    story.passes(6)
    story.pods(ready=5)
    story.last_ready_at = 1105.0
    # Ready at 105, seen at 106, and looked at once more when that is half a minute ago.
    assert [106.0, 135.0] == story.passes(600)


def test_a_pod_that_is_ready_for_a_moment_after_each_crash_is_not_ready_for_good() -> None:
    story = Story(asked=1)
    story.passes(99)
    story.ask(2)
    story.pods(ready=2)
    story.last_ready_at = 1100.0
    assert [100.0] == story.passes(29)
    story.pods(ready=1, starting=1)
    assert [130.0, 132.0] == story.passes(4)

    story.pods(ready=2)
    story.last_ready_at = 1133.0
    assert [134.0] == story.passes(20)
    # It crashed and was ready again; which is proof for nothing but the time since.
    story.last_ready_at = 1160.0
    assert [163.0, 190.0] == story.passes(600)


def test_a_node_whose_clock_is_ahead_puts_the_last_look_off_by_no_more_than_the_time_of_proof() -> None:
    story = Story(asked=2)
    story.passes(99)
    story.ask(3)
    story.pods(ready=3)
    story.last_ready_at = 1160.0

    assert [100.0, 130.0, 160.0, 190.0] == story.passes(600)


def test_a_scale_up_meanwhile_is_followed_as_ever() -> None:
    story = Story(asked=2)
    story.passes(99)
    story.ask(3)
    story.pods(ready=3)
    story.last_ready_at = 1099.5
    assert [100.0] == story.passes(10)

    story.ask(4)
    story.pods(ready=3, starting=1)
    assert [110.0, 112.0] == story.passes(4)


@pytest.mark.parametrize(("ready_at", "looks"), [(970.0, [0.0]), (970.5, [0.0, 2.0]), (999.0, [0.0, 29.0])])
def test_the_proof_takes_half_a_minute_and_keeps_the_distance_of_looks(ready_at: float, looks: list[float]) -> None:
    rollout, seen = Rollout(), []
    for now in range(1000, 1100):
        rollout.note(asked=1, running=1, running_at=float(now), now=float(now))
        if rollout.due(now=now):
            rollout.began(now=now)
            rollout.saw(Pods(ready=1, last_ready_at=ready_at, at=float(now)))
            seen.append(now - 1000.0)

    assert looks == seen


def test_pods_that_do_not_start_are_looked_at_less_and_less_often() -> None:
    story = Story(asked=1)
    story.passes(99)
    story.ask(2)
    story.pods(ready=1, starting=1)
    looks = story.passes(3600)

    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert {2.0, 10.0, 30.0} == set(gaps)
    assert sorted(gaps) == gaps
    # Of one hour: a minute of 2 s, nine of 10 s, and the rest of 30 s.
    assert (30, 54, 99) == (gaps.count(2.0), gaps.count(10.0), gaps.count(30.0))


@pytest.mark.parametrize(("age", "pause"), [(59.9, 2.0), (60.0, 10.0), (599.9, 10.0), (600.0, 30.0), (86400.0, 30.0)])
def test_the_longer_it_takes_the_longer_the_pauses(age: float, pause: float) -> None:
    rollout = Rollout()
    rollout.note(asked=1, running=0, running_at=0.0, now=0.0)
    rollout.began(now=age)

    assert not rollout.due(now=age + pause - 0.01)
    assert rollout.due(now=age + pause)


@pytest.mark.parametrize(
    "stuck",
    [
        pytest.param({"ready": 1, "unschedulable": 1}, id="no node"),
        pytest.param({"ready": 2, "unschedulable": 1}, id="as many as asked for, and one too many without a node"),
        pytest.param({"ready": 2, "starting": 1}, id="as many as asked for, while another starts"),
        pytest.param({"ready": 1}, id="none is made, as with a quota"),
    ],
)
def test_as_long_as_something_is_missing_it_is_looked_for(stuck: dict[str, int]) -> None:
    story = Story(asked=1)
    story.passes(9)
    story.ask(2)
    story.pods(**stuck)
    story.passes(1200)

    assert 4 == len(story.passes(120))


def test_a_scale_down_is_looked_at_once_it_has_had_time_to_begin() -> None:
    story = Story(asked=5)
    story.passes(9)
    story.ask(3)
    story.pods(ready=3)

    assert [10.0] == story.passes(600)


def test_a_look_that_was_too_early_to_see_a_change_is_not_the_last() -> None:
    story = Story(asked=3)
    story.passes(10)
    story.ask(4)
    story.passes(0.5, step=0.5)
    story.ask(3)
    # Half a second later there are 3 as asked for, but these may be the 3 of before it all.
    assert [11.0, 13.0] == story.passes(30, step=0.5)


def test_changes_that_come_faster_than_pods_settle_do_not_put_the_look_off() -> None:
    story = Story(asked=3)
    story.passes(9)
    looks = []
    for turn in range(40):
        story.ask(4 + turn % 2)
        looks += story.passes(0.5, step=0.5)

    # Every 2 s for 20 s.
    assert 9 <= len(looks) <= 11


def test_a_change_right_after_a_look_waits_for_the_interval() -> None:
    story = Story(asked=3)
    story.ask(4)
    story.pods(ready=3, starting=1)

    assert [0.0] == story.looks
    assert [2.0, 4.0] == story.passes(5)


def test_a_pod_that_went_is_looked_for_without_anybody_having_asked() -> None:
    story = Story(asked=3)
    story.passes(99)
    story.pods(ready=2)
    assert [100.0, 102.0] == story.passes(3)

    story.pods(ready=3)
    assert [104.0] == story.passes(600)
    story.pods(ready=2)
    assert [703.0] == story.passes(1)


def test_a_count_of_pods_that_is_always_another_one_is_looked_into_once() -> None:
    """A custom kind that does not tell its status.replicas has always 0 of them."""
    story = Story(asked=3)
    story.running = 0
    assert [2.0] == story.passes(600)

    story.ask(4)
    story.ready = 4
    assert [601.0] == story.passes(600)


def test_a_count_of_pods_that_was_known_when_the_look_began_is_no_news_after_it() -> None:
    rollout = Rollout()
    rollout.note(asked=3, running=2, running_at=0.0, now=0.0)
    rollout.began(now=0.0)
    rollout.saw(Pods(ready=3, at=0.0))

    rollout.note(asked=3, running=2, running_at=0.0, now=4.9)
    assert not rollout.due(now=4.9)
    rollout.note(asked=3, running=2, running_at=5.0, now=5.0)
    assert rollout.due(now=5.0)


def test_a_count_of_pods_from_before_the_look_says_nothing() -> None:
    rollout = Rollout()
    rollout.note(asked=3, running=3, running_at=0.0, now=0.0)
    rollout.began(now=0.0)
    rollout.saw(Pods(ready=3, at=0.0))
    rollout.note(asked=5, running=3, running_at=10.0, now=10.0)
    rollout.began(now=12.0)
    rollout.saw(Pods(ready=5, at=12.0))

    for now in (12.5, 13.0, 14.9):
        rollout.note(asked=5, running=3, running_at=10.0, now=now)
        assert not rollout.due(now=now)

    rollout.note(asked=5, running=3, running_at=15.0, now=15.0)
    assert rollout.due(now=15.0)


def test_pods_of_somebody_else_with_the_same_labels_are_no_reason_to_look_for_ever() -> None:
    story = Story(asked=3)
    story.passes(9)
    story.ask(2)
    # The controller counts 2, but 4 have its labels.
    story.running, story.ready = 2, 4

    assert [10.0] == story.passes(600)


def test_more_pods_than_asked_for_are_going_while_the_controller_counts_them_too() -> None:
    story = Story(asked=4)
    story.passes(9)
    story.ask(2)

    assert [10.0, 12.0, 14.0] == story.passes(6)


@pytest.mark.parametrize(("pods", "seconds"), [(200, 2.0), (201, 2.01), (1000, 10.0), (3000, 30.0), (9000, 30.0)])
def test_many_pods_are_looked_at_less_often(pods: int, seconds: float) -> None:
    rollout = Rollout()
    rollout.note(asked=pods, running=pods, running_at=0.0, now=0.0)
    rollout.began(now=0.0)
    rollout.saw(Pods(ready=pods - 2, starting=(0.0,), unschedulable=1, at=0.0))
    rollout.began(now=2.0)

    assert not rollout.due(now=2.0 + seconds - 0.001)
    assert rollout.due(now=2.0 + seconds)


@pytest.mark.parametrize(
    ("refused", "pauses"),
    [(False, [5.0, 10.0, 20.0, 30.0, 30.0]), (True, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0])],
)
def test_what_fails_is_tried_less_and_less_often(*, refused: bool, pauses: list[float]) -> None:
    story = Story(asked=3)
    story.ask(4)
    story.refused = refused
    looks = story.passes(sum(pauses) + 2)

    assert pauses == [later - earlier for earlier, later in pairwise(looks)]


def test_a_change_does_not_hurry_what_fails_and_what_succeeds_again_is_followed_as_ever() -> None:
    story = Story(asked=3)
    story.ask(4)
    story.pods(ready=3, starting=1)
    story.refused = False
    assert [2.0, 7.0] == story.passes(9)
    story.ask(5)
    assert [17.0] == story.passes(10)

    story.refused = None
    story.pods(ready=4, starting=1)
    assert [37.0, 39.0, 41.0] == story.passes(22)


def test_a_failure_that_is_over_is_forgotten() -> None:
    story = Story(asked=3)
    for _ in range(2):
        story.ask(story.asked + 1)
        story.pods(ready=story.asked)
        story.refused = False
        first, second, third = story.passes(18)[:3]
        assert (5.0, 10.0) == (second - first, third - second)
        story.refused = None
        story.passes(60)
