"""Another number of shards, as Helm upgrades: the Role first, then the new pods, and then the old ones end.

All writers have the rights of the chart, from a real API server with RBAC.
"""

import os
import time
from pathlib import Path

import pytest

from qc_operator.sharding import Shard
from tests.e2e.leadership.audited_plane import LEASES, AuditedPlane
from tests.e2e.leadership.conftest import prepare
from tests.e2e.leadership.processes import Writers, until
from tests.e2e.leadership.writer import INSTALLATION
from tests.told_figures import Say

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="runs programs of devcluster"),
]

HAND_OVER = 2.0
"""Seconds from the end of who leads to the first write of the next one."""
NEW = 10.0
"""The same where the next one's Lease is still to be created, which takes 8 s."""


def shards(count: int) -> list[str]:
    return [str(Shard(index=index, count=count)) for index in range(1, count + 1)]


def holder(plane: AuditedPlane, shard: str) -> str:
    holder: str = plane.lease(Shard.parse(shard).lease(INSTALLATION))["spec"].get("holderIdentity", "")
    return holder


def test_2_shards_become_3_then_2_again_and_1_in_the_end(
    plane: AuditedPlane, tmp_path: Path, helm: Path, say: Say
) -> None:
    for shard in [*shards(1), *shards(2), *shards(3)]:
        prepare(plane, shard)
    for shard in shards(3):
        plane.call("DELETE", f"{LEASES}/{Shard.parse(shard).lease(INSTALLATION)}")
    plane.grant(helm, "shards=2")
    with Writers(plane, tmp_path, prefix="number") as writers:
        two = [writers.start(f"two-{shard[0]}", shard=shard) for shard in shards(2)]
        for leader in two:
            writers.until_writing(leader)

        # The Role is another one before the old pods are told to end, and still they can give back.
        plane.grant(helm, "shards=3")
        three = [writers.start(f"three-{shard[0]}", shard=shard) for shard in shards(3)]
        took, given = replaced(writers, two, three)
        say("shards 2 -> 3: SIGTERM of the old leaders, until they have ended", given)
        say("shards 2 -> 3: SIGTERM to the last first write", took)
        assert ["", ""] == [holder(plane, shard) for shard in shards(2)]
        assert given < HAND_OVER
        assert took < NEW

        # A hand-over within the new number, beside what is left of the old one.
        other = writers.start("three-1-other", shard="1/3")
        writers.until_standing_by(other)
        writers.processes[three[0]].terminate()
        took = writers.until_writing(other)
        say("shards 3: SIGTERM to the standby's first write", took)
        assert took < HAND_OVER
        assert [] == writers.said(other, "WARNING")

        # Their Leases are there.
        plane.grant(helm, "shards=2")
        again = [writers.start(f"two-{shard[0]}-again", shard=shard) for shard in shards(2)]
        took, given = replaced(writers, [other, *three[1:]], again)
        say("shards 3 -> 2: SIGTERM of the old leaders, until they have ended", given)
        say("shards 3 -> 2: SIGTERM to the last first write", took)
        assert took < HAND_OVER

        # One of the old number is killed, and cannot give back.
        plane.grant(helm)
        writers.processes[again[0]].kill()
        assert writers.end(again[1]) < HAND_OVER
        assert [again[0], ""] == [holder(plane, shard) for shard in shards(2)]
        whole = writers.start("whole")
        say("shards 2 -> 1, one of 2 killed: start to the first write", writers.until_writing(whole))
        assert ["", ""] == [holder(plane, shard) for shard in shards(2)]

        # What that has cost, it has cost once.
        standby = writers.start("standby")
        writers.until_standing_by(standby)
        writers.processes[whole].terminate()
        took = writers.until_writing(standby)
        say("shards 1, after a pod of 2 was killed: SIGTERM to the standby's first write", took)
        assert took < HAND_OVER
        assert [] == writers.said(standby, "WARNING")

        for shard in [*shards(1), *shards(2), *shards(3)]:
            assert [] == writers.history(shard).unrightful()
        assert [2, 3, 2, 1] == writers.numbers()


def replaced(writers: Writers, old: list[str], new: list[str]) -> tuple[float, float]:
    """End the old ones; seconds until all of the new ones write, and until all of the old ones have ended."""
    until(lambda: all(writers.said(other, "WARNING") for other in new), what="they see that others lead")
    began = time.monotonic()
    for leader in old:
        writers.processes[leader].terminate()
    for leader in old:
        writers.until_ended(leader)
    given = time.monotonic() - began
    for leader in new:
        writers.until_writing(leader)
    return time.monotonic() - began, given
