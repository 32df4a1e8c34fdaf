"""Which pods a step down should take, and what is written so that it does.

`gone` deletes as a ReplicaSet does: by stage, then by cost; of equal ones the youngest first.
"""

import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from qc_operator.scaling.deletion_costs import READY, Candidate, Changes, changes


def pod(name: str, **given: Any) -> Candidate:
    return Candidate(**{"name": name, "stage": READY, "owner": "rs", "node": f"node-{name}", **given})


def six() -> tuple[Candidate, ...]:
    """Six pods, f the youngest."""
    return tuple(pod(name, created=f"2026-11-21T10:00:0{number}Z") for number, name in enumerate("abcdef"))


def gone(pods: Iterable[Candidate], found: Changes, *, keep: int) -> set[str]:
    def cost(pod: Candidate) -> int:
        return (found[pod.name] or 0) if pod.name in found else pod.cost

    order = sorted(pods, key=lambda pod: pod.created, reverse=True)
    order.sort(key=lambda pod: (pod.stage, cost(pod)))
    return {pod.name for pod in order[: len(order) - keep]}


def test_pods_that_hold_messages_stay() -> None:
    found = changes(pods=six(), held={"d": 1, "e": 1, "f": 1}, keep=3)

    assert {"a": -2, "b": -2, "c": -2} == found
    assert {"a", "b", "c"} == gone(six(), found, keep=3)


def test_few_that_hold_messages_stand_out_where_many_go() -> None:
    found = changes(pods=six(), held={"f": 4}, keep=2)

    assert {"f": 4} == found
    assert {"b", "c", "d", "e"} == gone(six(), found, keep=2)


def test_one_pod_that_goes_is_the_only_one_written_to() -> None:
    assert {"e": -2} == changes(pods=six(), held=dict.fromkeys("abcdf", 3), keep=5)


def test_of_those_that_hold_messages_the_ones_with_the_fewest_go_last_of_all_that_go() -> None:
    held = {"a": 9, "b": 9, "c": 9, "d": 2, "e": 9}

    found = changes(pods=six(), held=held, keep=4)

    assert {"f": -2, "d": -1} == found


@pytest.mark.parametrize("keep", [6, 7])
def test_without_a_step_down_nothing_is_written(keep: int) -> None:
    assert {} == changes(pods=six(), held={"a": 1}, keep=keep)


@pytest.mark.parametrize("held", [{}, dict.fromkeys("abcdef", 2)])
def test_pods_that_hold_the_same_go_in_the_replica_sets_own_order(held: Mapping[str, int]) -> None:
    assert {} == changes(pods=six(), held=held, keep=3)


def test_idle_pods_go_in_the_replica_sets_own_order() -> None:
    together = (
        pod("alone", ready_since="2026-11-21T10:00:09Z"),
        pod("old", node="n1", ready_since="2026-11-21T10:00:01Z"),
        pod("new", node="n1", ready_since="2026-11-21T10:00:02Z"),
        *(pod(name) for name in "vwxyz"),
    )

    assert {"new": -2} == changes(pods=together, held=dict.fromkeys("vwxyz", 1), keep=7)
    assert {"new": -2, "old": -2} == changes(pods=together, held=dict.fromkeys("vwxyz", 1), keep=6)


def test_of_pods_that_became_ready_together_the_one_restarted_more_often_goes_then_the_youngest() -> None:
    pods = (
        pod("a", created="2026-11-21T10:00:09Z"),
        pod("b", restarts=1, created="2026-11-21T10:00:01Z"),
        pod("c", created="2026-11-21T10:00:05Z"),
        *(pod(name) for name in "xyz"),
    )

    assert {"b": -2} == changes(pods=pods, held=dict.fromkeys("xyz", 1), keep=5)
    assert {"b": -2, "a": -2} == changes(pods=pods, held=dict.fromkeys("xyz", 1), keep=4)


def test_pods_that_are_not_ready_go_first_whatever_they_cost_so_they_are_counted_and_left_alone() -> None:
    pods = (pod("unready", stage=3), pod("pending", stage=1), *six())

    assert {"f": -2} == changes(pods=pods, held=dict.fromkeys("abcde", 1) | {"unready": 5}, keep=5)
    assert {} == changes(pods=pods, held={"unready": 5, "a": 1}, keep=6)


def test_among_pods_that_are_not_ready_those_go_that_hold_nothing() -> None:
    pods = (pod("busy", stage=3), pod("idle", stage=3), *six())

    assert {"idle": -2} == changes(pods=pods, held={"busy": 1, "a": 1}, keep=7)


def test_what_is_in_place_is_not_written_again() -> None:
    pods = tuple(pod(name, cost=-2 if name in "abc" else 0) for name in "abcdef")

    assert {} == changes(pods=pods, held={"d": 1, "e": 1, "f": 1}, keep=3)


def test_a_pod_that_has_become_idle_loses_its_cost() -> None:
    pods = tuple(pod(name, cost=7 if name == "a" else 0) for name in "abcdef")

    assert {"b": 2, "a": None} == changes(pods=pods, held={"b": 2}, keep=3)


def test_also_one_that_stays_while_others_are_made_to_go() -> None:
    pods = tuple(pod(name, created=name, cost=7 if name in "ab" else 0) for name in "abcdef")

    assert {"f": -2, "a": None} == changes(pods=pods, held=dict.fromkeys("bcde", 7), keep=5)


def test_a_pod_that_should_have_gone_and_holds_messages_now_loses_its_cost() -> None:
    pods = tuple(pod(name, cost=-2 if name == "a" else 0) for name in "abcdef")

    found = changes(pods=pods, held=dict.fromkeys("abcde", 1), keep=5)

    assert {"f": -2, "a": None} == found
    assert {"f"} == gone(pods, found, keep=5)


def test_a_cost_of_somebody_else_is_never_written_over() -> None:
    pods = tuple(pod(name, cost=100 if name == "f" else 0, ours=name != "f") for name in "abcdef")

    found = changes(pods=pods, held=dict.fromkeys("abcd", 1), keep=4)

    assert {"e": -2, "a": -1} == found
    assert "f" not in gone(pods, found, keep=4)


def test_a_pod_that_somebody_wants_to_go_first_is_one_of_those_that_go() -> None:
    pods = tuple(pod(name, cost=-1 if name == "a" else 0, ours=name != "a") for name in "abcdef")

    found = changes(pods=pods, held=dict.fromkeys("abcde", 1), keep=4)

    assert {"f": -2} == found
    assert {"a", "f"} == gone(pods, found, keep=4)


def test_during_a_rollout_all_that_hold_messages_stand_out() -> None:
    pods = tuple(pod(name, owner="old" if name < "d" else "new") for name in "abcdef")

    assert {"d": 5, "a": 1} == changes(pods=pods, held={"a": 1, "d": 5}, keep=5)


def test_a_cost_has_an_end() -> None:
    assert {"a": 1_000_000} == changes(pods=six(), held={"a": 2_000_000}, keep=3)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_there_was_before_no_pod_goes_that_holds_more_than_one_that_stays(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - each seed is the same case each time
    pods = tuple(
        pod(
            f"p{number:02}",
            stage=chance.choice([0, 1, 3, READY, READY, READY]),
            cost=chance.choice([-2, -1, 0, 0, 0, 5]),
            created=str(chance.randrange(9)),
            node=chance.choice("xyz"),
        )
        for number in range(chance.randrange(2, 14))
    )
    held = {pod.name: chance.choice([0, 0, 1, 2, 9]) for pod in pods if pod.stage >= 3}
    keep = chance.randrange(1, len(pods) + 1)

    found = changes(pods=pods, held=held, keep=keep)

    going = gone(pods, found, keep=keep)
    for one in pods:
        for other in pods:
            if one.name in going and other.name not in going and one.stage == other.stage:
                assert held.get(one.name, 0) <= held.get(other.name, 0)
    assert len(found) <= len(pods)
