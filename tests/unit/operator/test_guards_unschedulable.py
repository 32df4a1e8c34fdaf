"""Unschedulable: pods that find no node are not joined by more of them."""

from __future__ import annotations

import pytest

from qc_operator.scaling.pods import Pods
from qc_operator.scaling.unschedulable import unschedulable_since, unschedulable_words
from tests.guarded_target import Target


def pending(count: int, *, at: float = 100.0, ready: int = 5, starting: int = 0, why: str = "no node") -> Pods:
    return Pods(ready=ready, starting=(at,) * starting, unschedulable=count, why_unschedulable=why, at=at)


@pytest.mark.parametrize(
    ("before", "read_at", "count", "expected"),
    [
        pytest.param(None, None, 3, 90.0, id="there when the pods are read first"),
        pytest.param(85.0, None, 3, 90.0, id="and so they were before a restart"),
        pytest.param(85.0, None, 0, None, id="no more since a restart"),
        pytest.param(None, 95.0, 3, 100.0, id="new since the last reading"),
        pytest.param(60.0, 95.0, 1, 60.0, id="still some"),
        pytest.param(60.0, 40.0, 1, 60.0, id="a minute between two readings"),
        pytest.param(30.0, 39.9, 1, 100.0, id="a longer gap begins anew"),
        pytest.param(60.0, 95.0, 0, None, id="all have nodes"),
        pytest.param(60.0, 95.0, -1, None, id="a number that is none"),
    ],
)
def test_since_when(before: float | None, read_at: float | None, count: int, expected: float | None) -> None:
    assert expected == unschedulable_since(before=before, read_at=read_at, pods=pending(count))


@pytest.mark.parametrize(
    ("since", "pods", "now", "held"),
    [
        pytest.param(90.0, pending(1), 100.0, True, id="ten seconds"),
        pytest.param(90.1, pending(1), 100.0, False, id="not yet ten seconds"),
        pytest.param(90.0, pending(1), 160.0, True, id="pods that were read a minute ago"),
        pytest.param(90.0, pending(1), 160.1, False, id="an older reading"),
        pytest.param(90.0, pending(0), 120.0, False, id="all have nodes"),
        pytest.param(90.0, None, 115.0, True, id="pods are not read yet"),
        pytest.param(90.0, None, 115.1, False, id="pods are not known"),
        pytest.param(None, pending(1), 120.0, False, id="it has not been seen"),
    ],
)
def test_when_it_holds(since: float | None, pods: Pods | None, now: float, held: bool) -> None:  # noqa: FBT001
    assert held == (unschedulable_words(since=since, pods=pods, now=now) is not None)


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        (
            pending(3, ready=12, starting=1, why="0/3 nodes are available: 3 Insufficient cpu."),
            (
                "3 of 16 pods find no node (0/3 nodes are available: 3 Insufficient cpu): no more are asked for until "
                "they do; add nodes, lower the pods' requests, or set maxReplicas to 13"
            ),
        ),
        (
            pending(2, ready=0, why=" "),
            "2 of 2 pods find no node: no more are asked for until they do; add nodes or lower the pods' requests",
        ),
        (
            pending(1, ready=1, why="x" * 200),
            (
                f"1 of 2 pods finds no node ({'x' * 200}): no more are asked for until it does; add nodes, lower the "
                "pods' requests, or set maxReplicas to 1"
            ),
        ),
        (
            pending(1, ready=1, why="x" * 201),
            (
                f"1 of 2 pods finds no node ({'x' * 197}...): no more are asked for until it does; add nodes, lower "
                "the pods' requests, or set maxReplicas to 1"
            ),
        ),
    ],
)
def test_what_it_says(pods: Pods, words: str) -> None:
    assert words == unschedulable_words(since=0.0, pods=pods, now=100.0)


def test_a_node_shortage_and_its_end() -> None:
    target = Target()
    target.line.acks = target.line.arrives = 5.0
    assert target.run(60) is None

    target.scale(16, ready=3, starting=13)
    assert target.run(5) is None
    target.scale(16, ready=12, starting=1, unschedulable=3)
    assert target.run(10) is None
    forbidden = target.run(5)
    assert forbidden is not None
    assert ("Unschedulable", 16) == (forbidden.reason, forbidden.replicas)
    assert target.run(3600) == forbidden

    # The cluster autoscaler brings a node.
    target.scale(16, ready=13, starting=3)
    assert target.look() is None
    target.scale(16)
    assert target.run(600) is None


def test_pods_that_go_away_end_it_too() -> None:
    target = Target()
    target.scale(16, ready=12, unschedulable=4)
    target.run(15)
    assert target.look() is not None

    target.scale(12)

    assert target.look() is None


def test_it_holds_for_every_entry_and_without_counters() -> None:
    target = Target()
    target.line.counted = False
    assert target.run(5) is None
    target.scale(4, ready=3, unschedulable=1)

    assert target.run(10) is None
    assert target.run(5) is not None


def test_pods_that_find_no_node_when_they_are_read_first_hold_the_first_step_up() -> None:
    target = Target(pods=None)
    assert target.look() is None

    target.scale(4, ready=3, unschedulable=1)

    forbidden = target.look()
    assert forbidden is not None
    assert "Unschedulable" == forbidden.reason
    # One that has just come gives the usual ten seconds.
    target.scale(4)
    assert target.run(5) is None
    target.scale(4, ready=3, unschedulable=1)
    assert target.run(10) is None
    assert target.run(5) is not None


def test_at_zero_it_does_not_keep_the_target_asleep() -> None:
    target = Target()
    target.scale(4, ready=3, unschedulable=1)
    assert target.run(15) is not None

    target.replicas = 0

    assert target.look() is None


def test_a_reading_of_the_pods_alone_keeps_what_else_is_known() -> None:
    target = Target()
    target.run(95)
    assert 1 == target.memory.stuck
    before = target.memory
    target.line.counted = False
    target.scale(4, ready=3, unschedulable=1)
    target.now += 2
    target.look()

    assert (before.packed, 1, 0) == (target.memory.packed, target.memory.stuck, target.memory.limited)
    assert target.now == target.memory.unschedulable_since == target.memory.pods_at


def test_pods_that_nobody_asks_about_any_more_forbid_nothing() -> None:
    target = Target()
    target.scale(4, ready=3, unschedulable=1)
    assert target.run(15) is not None

    target.pods = None

    assert target.run(5) is None
