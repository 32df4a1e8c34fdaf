"""Whatever happens to pods: they are looked at no more often than allowed, once all is at rest, and then no more."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.cluster.rollout import Rollout
from qc_operator.scaling.pods import Pods

counts = st.integers(0, 5000)
pods = st.builds(
    lambda ready, starting, unschedulable, last_ready_at: Pods(
        ready=ready, starting=(0.0,) * starting, unschedulable=unschedulable, last_ready_at=last_ready_at, at=0.0
    ),
    ready=counts,
    starting=st.integers(0, 300),
    unschedulable=st.integers(0, 300),
    last_ready_at=st.none() | st.floats(-1e9, 1e9),
)
turns = st.tuples(st.floats(0, 700), counts, counts, st.booleans(), st.one_of(pods, st.booleans()))
"""Seconds since the turn before, replicas asked for, pods that exist, whether these were read now, and what a look
shows: pods, or that it fails and whether it is refused."""


class Looks:
    def __init__(self) -> None:
        self.rollout = Rollout()
        self.now = 0.0
        self.running_at = 0.0
        self.at: list[float] = []

    def turn(self, *, after: float, asked: int, running: int, fresh: bool, shown: Pods | bool) -> None:
        self.now += after
        if fresh:
            self.running_at = self.now
        self.rollout.note(asked=asked, running=running, running_at=self.running_at, now=self.now)
        if not self.rollout.due(now=self.now):
            return
        self.rollout.began(now=self.now)
        self.at.append(self.now)
        if isinstance(shown, Pods):
            self.rollout.saw(shown)
        else:
            self.rollout.failed(refused=shown)


@given(story=st.lists(turns, max_size=60), asked=counts, step=st.floats(0.05, 5))
def test_looks_keep_their_distance_and_end_when_all_is_at_rest(
    story: list[tuple[float, int, int, bool, Pods | bool]], asked: int, step: float
) -> None:
    looks = Looks()
    for after, replicas, running, fresh, shown in story:
        looks.turn(after=after, asked=replicas, running=running, fresh=fresh, shown=shown)

    quiet_since = looks.now
    arrived = Pods(ready=asked, last_ready_at=quiet_since, at=0.0)
    # A refused look is tried again after at most 300 s, and then two or three show what there is.
    for _ in range(round(400 / step)):
        looks.turn(after=step, asked=asked, running=asked, fresh=True, shown=arrived)
    until_rest = len(looks.at)
    for _ in range(100):
        looks.turn(after=30, asked=asked, running=asked, fresh=True, shown=arrived)

    assert until_rest == len(looks.at)
    assert all(later - earlier >= 1.99 for earlier, later in pairwise(looks.at))
    assert len([at for at in looks.at if at > quiet_since]) <= 4
    moved = bool(story) and story[-1][1] != asked
    assert not moved or looks.at[-1] > quiet_since
