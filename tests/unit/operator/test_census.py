"""What exists is held against what the watch has told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from qc_operator.census import DOUBT_INTERVAL, FIRST_INTERVAL, INTERVAL, Census
from qc_operator.registry import Key

A, B = Key("shop", "a"), Key("shop", "b")


@dataclass
class Cluster:
    """What exists, and what the watch has told of it."""

    existing: dict[Key, str] = field(default_factory=dict)
    known: dict[Key, str] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()
    generations: dict[Key, int] = field(default_factory=dict)
    shown: dict[Key, int] = field(default_factory=dict)
    """The generations that the watch has told."""
    arrives: dict[Key, str] = field(default_factory=dict)
    """What the watch tells while the list is under way."""

    async def uids(self) -> Mapping[Key, str]:
        self.known |= self.arrives
        return dict(self.existing)

    def generation(self, key: Key) -> int:
        return self.shown.get(key, 0)

    def gone(self, key: Key, *, uid: str) -> None:
        assert uid == self.known.pop(key)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def census(cluster: Cluster) -> Census:
    return Census(lister=cluster, known=cluster)


async def test_all_are_known_once_the_watch_has_shown_what_exists(cluster: Cluster, census: Census) -> None:
    cluster.existing = {A: "1", B: "2"}
    cluster.known = {A: "1"}
    await census.count()
    assert (False, FIRST_INTERVAL) == (census.complete.is_set(), census.pause)

    cluster.known[B] = "2"
    await census.count()
    assert (True, INTERVAL) == (census.complete.is_set(), census.pause)


async def test_where_there_are_none_all_are_known(census: Census) -> None:
    await census.count()

    assert census.complete.is_set()


async def test_what_was_deleted_without_a_word_is_taken_back(cluster: Cluster, census: Census) -> None:
    cluster.known = {A: "1", B: "2"}
    cluster.existing = {B: "2"}
    await census.count()

    assert {B: "2"} == cluster.known


async def test_what_may_not_be_listed_is_not_taken_for_gone(cluster: Cluster, census: Census) -> None:
    cluster.known, cluster.unlisted = {A: "1"}, frozenset({"shop"})
    await census.count()

    assert ({A: "1"}, True) == (cluster.known, census.complete.is_set())


async def test_one_that_was_created_again_under_its_name_is_another(cluster: Cluster, census: Census) -> None:
    cluster.known = {A: "1"}
    cluster.existing = {A: "3"}
    await census.count()

    assert ({}, False) == (cluster.known, census.complete.is_set())


async def test_what_the_watch_shows_while_the_list_is_under_way_is_not_missing_from_it(
    cluster: Cluster, census: Census
) -> None:
    cluster.arrives = {B: "2"}
    await census.count()

    assert {B: "2"} == cluster.known


async def test_a_watch_that_never_shows_what_exists_is_told_in_the_third_count(
    cluster: Cluster, census: Census
) -> None:
    await census.count()
    cluster.existing = {A: "1"}
    problems = []
    for _ in range(3):
        await census.count()
        problems.append(census.problem)
    assert [None, None, "shop/a exists, and the watch has not shown it"] == problems
    assert DOUBT_INTERVAL == census.pause

    cluster.known = {A: "1"}
    await census.count()
    assert (None, INTERVAL) == (census.problem, census.pause)


async def test_a_watch_that_never_shows_a_change_is_told_in_the_third_count(cluster: Cluster, census: Census) -> None:
    cluster.existing, cluster.known = {A: "1"}, {A: "1"}
    cluster.generations, cluster.shown = {A: 1}, {A: 1}
    await census.count()
    assert (True, INTERVAL) == (census.complete.is_set(), census.pause)

    # Somebody changes it all the while, and the watch is always a moment late: that is no trouble.
    for generation in range(2, 8):
        cluster.generations = {A: generation}
        await census.count()
        cluster.shown = {A: generation}
    assert (None, DOUBT_INTERVAL) == (census.problem, census.pause)

    cluster.generations = {A: 9}
    problems = []
    for _ in range(3):
        await census.count()
        problems.append(census.problem)
    assert [None, None, "shop/a has been changed, and the watch has not shown it"] == problems

    cluster.shown = {A: 9}
    await census.count()
    assert (None, INTERVAL) == (census.problem, census.pause)


async def test_different_objects_that_are_not_known_yet_are_no_dead_watch(cluster: Cluster, census: Census) -> None:
    await census.count()
    for number in range(5):
        cluster.existing = {Key("shop", f"new-{number}"): str(number)}
        await census.count()

    assert census.problem is None


async def test_what_is_created_all_the_while_does_not_keep_all_from_being_known(
    cluster: Cluster, census: Census
) -> None:
    cluster.existing = {A: "1"}
    await census.count()
    cluster.known, cluster.existing = {A: "1"}, {A: "1", B: "2"}
    await census.count()

    assert census.complete.is_set()


async def test_before_all_were_known_once_the_watch_is_still_at_its_first_list(
    cluster: Cluster, census: Census
) -> None:
    cluster.existing = {A: "1"}
    for _ in range(9):
        await census.count()

    assert (None, False) == (census.problem, census.complete.is_set())
