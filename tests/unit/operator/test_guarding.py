"""A guard holds back the entry that it speaks of, and no other."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from qc_operator.scaling import guarding
from qc_operator.scaling.decision import Decision
from qc_operator.scaling.forbidden import Forbidden
from qc_operator.scaling.guard_memory import GuardMemory
from qc_operator.scaling.memory import Memory, remember_nothing
from qc_operator.scaling.observation import Observation
from tests.unit.operator.conftest import Story, known, observed, spec, unknown

QUEUES = [{"name": name, "lag": {"scaleUpAbove": 10, "scaleDownBelow": 5}} for name in ("receipts", "invoices")]


def decided(
    monkeypatch: pytest.MonkeyPatch, forbidden: dict[int, int], *, receipts: int, invoices: int, replicas: int
) -> Decision:
    """The answer where a guard lets the entries of these indices go up to so many replicas only."""

    def forbids(*, index: int, **_: object) -> Forbidden | None:
        if index not in forbidden:
            return None
        return Forbidden(reason="DownstreamLimited", message="the database is the limit", replicas=forbidden[index])

    monkeypatch.setattr(guarding, "forbids", forbids)
    story = Story(spec=spec(queues=QUEUES, maxReplicas=100), replicas=replicas)
    now = story.now
    return story.turn(
        known(ready=receipts, unacknowledged=0, at=now),
        known(ready=invoices, unacknowledged=0, at=now, name="invoices"),
    )


def test_a_step_up_of_the_entry_it_speaks_of_is_held_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 4}, receipts=200, invoices=10, replicas=4)

    assert (4, "Steady", "guard") == (decision.replicas, decision.reason, decision.limited_by)
    assert decision.message.endswith(", held at 4: the database is the limit")
    assert decision.guard is not None
    assert "DownstreamLimited" == decision.guard.reason == decision.steps[-1].source


def test_another_entry_gets_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 4}, receipts=200, invoices=70, replicas=4)

    assert (7, "guard") == (decision.replicas, decision.limited_by)


def test_a_guard_that_allows_some_replicas_lets_them_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 8}, receipts=200, invoices=10, replicas=4)

    assert (8, "guard") == (decision.replicas, decision.limited_by)


def test_what_a_guard_allows_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 30}, receipts=200, invoices=10, replicas=4)

    assert (20, "none", None) == (decision.replicas, decision.limited_by, decision.guard)


def test_both_entries_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 4, 1: 6}, receipts=200, invoices=100, replicas=4)

    assert (6, "guard") == (decision.replicas, decision.limited_by)


def test_a_step_down_is_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 1, 1: 1}, receipts=10, invoices=0, replicas=4)

    assert decision.guard is None
    assert "stabilization" == decision.limited_by


def test_from_zero_one_replica_starts_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = decided(monkeypatch, {0: 1, 1: 1}, receipts=200, invoices=0, replicas=0)

    assert (1, "WokeUp", "guard") == (decision.replicas, decision.reason, decision.limited_by)


# What is told while nobody asks for more.


def watched(**seen: object) -> tuple[Memory, Observation]:
    """A memory in which the guards have seen something, and two entries of which nothing is known."""
    memory = replace(remember_nothing(now=0.0), guards=GuardMemory(**seen))  # type: ignore[arg-type]
    return memory, observed(unknown(at=0.0), unknown(at=0.0, name="invoices"), current=4)


def told(monkeypatch: pytest.MonkeyPatch, forbidden: dict[int, int], **seen: object) -> tuple[str | None, list[int]]:
    """The words of the guard that is in force, and of which entries it was asked."""
    asked: list[int] = []
    memory, observation = watched(**seen)

    def forbids(*, index: int, memory: GuardMemory, observation: Observation, now: float) -> Forbidden | None:
        assert (memory, observation, now) == (watched(**seen)[0].guards, watched(**seen)[1], 7.0)
        asked.append(index)
        if index not in forbidden:
            return None
        return Forbidden(reason="DownstreamLimited", message=f"entry {index}", replicas=forbidden[index])

    monkeypatch.setattr(guarding, "forbids", forbids)
    found = guarding.in_force(memory=memory, observation=observation, now=7.0)
    return None if found is None else found.message, asked


def test_a_guard_is_told_whether_or_not_anybody_asks_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for seen in ({"unschedulable_since": 0.0}, {"stuck": 0b10}, {"limited": 0b10}):
        assert ("entry 1", [0, 1]) == told(monkeypatch, {1: 4}, **seen)


def test_the_first_of_several_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("entry 0", [0]) == told(monkeypatch, {0: 4, 1: 4}, stuck=0b11)


def test_one_that_holds_nothing_now_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (None, [0, 1]) == told(monkeypatch, {}, stuck=0b11)


def test_where_no_guard_has_seen_anything_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (None, []) == told(monkeypatch, {0: 4, 1: 4})
