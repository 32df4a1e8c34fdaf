"""Two processes and a real API server: how soon the other one writes, and that never two do at the same time."""

import os
import signal
import time

import pytest

from tests.e2e.leadership.audited_plane import LEASES, AuditedPlane
from tests.e2e.leadership.conftest import prepare
from tests.e2e.leadership.processes import Writers, until
from tests.e2e.leadership.writer import INSTALLATION
from tests.told_figures import Say

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="runs programs of devcluster"),
]

TAKE_OVER = 10.0
"""Seconds from a leader's sudden end until the next one writes."""
HAND_OVER = 2.0
"""The same for one that is told to end."""


@pytest.fixture
def pair(writers: Writers) -> tuple[str, str]:
    """One that leads and one that stands by."""
    leader = writers.start("a")
    writers.until_writing(leader)
    other = writers.start("b")
    writers.until_standing_by(other)
    return leader, other


def test_a_leader_that_is_killed_is_followed_within_10_seconds(
    writers: Writers, pair: tuple[str, str], say: Say
) -> None:
    leader, other = pair
    writers.processes[leader].kill()
    say("SIGKILL to the next one's first write", writers.until_writing(other))

    history = writers.history()
    assert ([], [leader, other]) == (history.unrightful(), history.turns())
    assert history.gap(leader, other) < TAKE_OVER


def test_a_leader_that_is_told_to_end_is_followed_within_2_seconds(
    writers: Writers, pair: tuple[str, str], say: Say
) -> None:
    leader, other = pair
    writers.processes[leader].terminate()
    took = writers.until_writing(other)
    say("SIGTERM to the next one's first write", took)

    history = writers.history()
    assert took < HAND_OVER
    assert ([], [], [leader, other]) == (history.unrightful(), history.doubtful(), history.turns())
    assert 0 == writers.processes[leader].wait(2)


def test_a_leader_that_was_stopped_writes_nothing_after_it_goes_on(writers: Writers, pair: tuple[str, str]) -> None:
    leader, other = pair
    writers.processes[leader].send_signal(signal.SIGSTOP)
    writers.until_writing(other)
    time.sleep(2)
    woken = time.time()
    writers.processes[leader].send_signal(signal.SIGCONT)
    until(lambda: "leads no more" in writers.log(leader).read_text(), what="it has noticed")
    time.sleep(3)

    history = writers.history()
    # A request that had passed its last look when the process was stopped may still leave it.
    late = [found for found in history.tries if found.by == leader and found.received > woken]
    assert ([], [leader, other]) == (history.unrightful(to="deployments/scale"), history.turns()[:2])
    assert len(late) <= 1


@pytest.mark.usefixtures("pair")
def test_an_api_server_that_stands_still_lets_nobody_in_beside(writers: Writers, plane: AuditedPlane, say: Say) -> None:
    with plane.frozen():
        time.sleep(12)
    say("API server goes on, to the first write", writers.until_writing(after_now(writers)))

    assert [] == writers.history().unrightful()


def after_now(writers: Writers) -> str:
    """Whoever writes next."""
    count = len(writers.history().writes)
    until(lambda: len(writers.history().writes) > count + 2, what="somebody writes")
    return writers.history().writes[-1].by


def test_a_lease_deleted_by_hand_stays_with_its_holder(
    writers: Writers, plane: AuditedPlane, pair: tuple[str, str]
) -> None:
    for _ in range(3):
        plane.call("DELETE", f"{LEASES}/{INSTALLATION}")
        time.sleep(3)

    assert ([], [pair[0]]) == (writers.history().unrightful(), writers.history().turns())


@pytest.mark.usefixtures("pair")
def test_a_holder_put_in_by_hand_ends_it_and_the_lease_is_taken_when_it_has_ended(
    writers: Writers, plane: AuditedPlane
) -> None:
    plane.edit_lease(holderIdentity="somebody")
    edited = time.time()
    time.sleep(3)
    assert writers.history().writes[-1].answered - edited < 1.5
    count = len(writers.history().writes)
    until(lambda: len(writers.history().writes) > count, what="somebody writes")

    assert len(writers.history().turns()) <= 2
    assert writers.history().writes[count].received - edited > 7.5


def test_with_3_shards_the_end_of_one_leader_concerns_its_shard_only(
    writers: Writers, plane: AuditedPlane, say: Say
) -> None:
    shards = ["1/3", "2/3", "3/3"]
    for shard in shards:
        prepare(plane, shard)
    leaders = {shard: writers.start(f"leader-{shard[0]}", shard=shard) for shard in shards}
    for leader in leaders.values():
        writers.until_writing(leader)
    others = {shard: writers.start(f"standby-{shard[0]}", shard=shard) for shard in shards}
    for other in others.values():
        writers.until_standing_by(other)

    writers.processes[leaders["2/3"]].kill()
    say("one of 3 shards killed, to its standby's first write", writers.until_writing(others["2/3"]))

    for shard in shards:
        history = writers.history(shard)
        assert [] == history.unrightful()
        if shard == "2/3":
            assert [leaders[shard], others[shard]] == history.turns()
            assert history.gap(leaders[shard], others[shard]) < TAKE_OVER
        else:
            assert [leaders[shard]] == history.turns()
            pauses = [
                late.received - early.answered for early, late in zip(history.writes, history.writes[1:], strict=False)
            ]
            assert max(pauses) < 2
