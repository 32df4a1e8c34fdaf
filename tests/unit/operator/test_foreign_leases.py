"""Leases of another number of shards: waited for while somebody renews them, and known to be dead when nobody does."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qc_operator.cluster.lease import Lease
from qc_operator.foreign_leases import ForeignLeases
from qc_operator.lease_record import Record, Sight, Timing
from qc_operator.sharding import Shard

AT = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HELD = Record(holder="a", seconds=8, renewed=AT)
RENEWED = replace(HELD, renewed=AT.replace(second=1))
GIVEN_BACK = Record.given_back(wall=AT, transitions=0)


def lease(record: Record, name: str = "op-1-of-2") -> Lease:
    return Lease(name=name, sight=Sight(uid=f"uid of {name}", record=record), metadata={})


def seen(*sights: tuple[float, list[Lease]]) -> ForeignLeases:
    """By the one shard of the installation `op`."""
    leases = ForeignLeases(shard=Shard(), operator="op", timing=Timing())
    for at, found in sights:
        leases.see(found, now=at)
    return leases


def told(leases: ForeignLeases, *, now: float) -> tuple[str, bool] | None:
    obstacle = leases.obstacle(now=now)
    return None if obstacle is None else (obstacle.message, obstacle.lasting)


def dead(leases: ForeignLeases, *, now: float) -> list[str]:
    return [f"{found.lease.name} of {found.shard}" for found in leases.dead(now=now)]


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="none"),
        pytest.param([lease(GIVEN_BACK)], id="given-back"),
        pytest.param([lease(HELD, "op-audit")], id="no-shard-of-ours"),
        pytest.param([lease(HELD, "other-1-of-2")], id="of-another-installation"),
    ],
)
def test_nothing_is_in_the_way_and_nothing_is_dead(found: list[Lease]) -> None:
    leases = seen((0, found))

    assert (None, []) == (told(leases, now=0), dead(leases, now=60))


def test_one_that_is_seen_for_the_first_time_may_be_held_or_left_behind() -> None:
    sentence = "shard 1/1 waits until a gives Lease op-1-of-2 of shard 1/2 back, or has not renewed it for 8 s"

    assert (sentence, False) == told(seen((0, [lease(HELD)])), now=7.9)


def test_one_that_is_renewed_is_held_by_somebody_who_must_be_stopped() -> None:
    sentence = (
        "shard 1/1 waits, because a holds Lease op-1-of-2 of shard 1/2: all operators must be given the same number of "
        "shards (QC_SHARD); correct it, or stop the others, unless an upgrade is changing it"
    )

    assert (sentence, True) == told(seen((0, [lease(HELD)]), (1, [lease(RENEWED)])), now=1)


def test_who_is_alive_is_named_before_who_may_be_dead() -> None:
    others = [lease(replace(HELD, holder="b"), "op-2-of-2")]
    leases = seen((0, [lease(HELD), *others]), (1, [lease(HELD), lease(RENEWED, "op-2-of-2")]))

    obstacle = leases.obstacle(now=1)
    assert obstacle is not None
    assert "a holds Lease op-2-of-2" in obstacle.message


def test_one_without_a_holder_that_was_not_given_back_is_somebodys() -> None:
    obstacle = seen((0, [lease(Record(seconds=8))])).obstacle(now=0)

    assert obstacle is not None
    assert "waits until somebody gives Lease op-1-of-2" in obstacle.message


@pytest.mark.parametrize(("now", "expected"), [(7.9, []), (8.0, ["op-1-of-2 of 1/2"])])
def test_it_is_dead_when_it_has_looked_the_same_for_as_long_as_it_says(now: float, expected: list[str]) -> None:
    leases = seen((0, [lease(HELD)]), (5, [lease(HELD)]))

    assert expected == dead(leases, now=now)
    assert (told(leases, now=now) is None) == bool(expected)


def test_a_renewal_begins_its_time_anew() -> None:
    leases = seen((0, [lease(HELD)]), (5, [lease(RENEWED)]))

    assert ([], ["op-1-of-2 of 1/2"]) == (dead(leases, now=12.9), dead(leases, now=13))


def test_one_that_was_deleted_counts_for_its_time_and_there_is_nothing_to_give_back() -> None:
    leases = seen((0, [lease(HELD)]), (1, []))

    assert told(leases, now=7.9) is not None
    assert (None, []) == (told(leases, now=8), dead(leases, now=8))


def test_one_that_cannot_be_given_back_is_left_alone_until_it_changes() -> None:
    leases = seen((0, [lease(HELD)]))
    leases.give_up(lease(HELD))
    assert [] == dead(leases, now=8)

    leases.see([lease(RENEWED)], now=9)
    assert ["op-1-of-2 of 1/2"] == dead(leases, now=17)


def test_the_part_itself_and_its_neighbours_are_not_foreign() -> None:
    leases = ForeignLeases(shard=Shard(index=1, count=2), operator="op", timing=Timing())
    leases.see([lease(HELD), lease(HELD, "op-2-of-2"), lease(HELD, "op")], now=0)

    assert ["op of 1/1"] == dead(leases, now=8)
