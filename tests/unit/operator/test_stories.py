"""Hours of a queue's life on a fake clock, decided as the operator does: what replicas do, and what is said of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.pause import parse
from tests.unit.operator.conftest import Story, known, missing, spec, unknown, wall

OUTAGE = {"afterSeconds": 180, "replicas": 5}


def running(replicas: int, **changes: Any) -> Story:
    """A target that has been read for ten minutes, with as much to do as its replicas can carry."""
    story = Story(spec=spec(**changes), replicas=replicas)
    story.pass_time(600, ready=replicas * 10)
    assert story.replicas == replicas
    return story


def test_a_spike_takes_one_step_up_and_its_end_one_step_down() -> None:
    story = running(2)

    history = [story.see(ready, after=1.0).replicas for ready in [1000] * 30 + [0] * 70]

    assert [10] * 30 == history[:30]
    # The window holds what the last second of the spike asked for, and so long the queue has to be idle.
    assert {10} == set(history[:89])
    assert 0 == history[-1]
    assert len(set(history)) <= 3


def test_a_slow_drain_goes_down_in_steps_none_of_which_is_taken_back() -> None:
    story = running(10)

    history = [story.see(ready // 2, after=1.0).replicas for ready in range(200, 0, -1)]

    assert history == sorted(history, reverse=True)
    assert (10, 6) == (history[0], history[-1])


def test_a_load_that_flaps_faster_than_the_window_moves_nothing_down() -> None:
    story = running(10)

    history = [story.see(200 if second // 20 % 2 else 0, after=1.0).replicas for second in range(600)]

    assert {10} == set(history)


@pytest.mark.parametrize("lost", [unknown, missing], ids=["broker away", "queue gone"])
def test_an_outage_moves_nothing_and_its_end_waits_for_a_window(lost: Any) -> None:
    story = running(4)

    during = [story.turn(lost(at=story.now + 1), after=1.0).replicas for _ in range(600)]
    after = [story.see(0, after=1.0).replicas for _ in range(70)]

    assert {4} == set(during)
    assert [4] * 59 == after[:59]
    assert 0 == after[-1]


@pytest.mark.parametrize("replicas", [0, 1, 4, 9])
@pytest.mark.parametrize("lost", [unknown, missing], ids=["broker away", "queue gone"])
@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        (OUTAGE, lambda before: max(before, 5)),
        (OUTAGE | {"policy": "AtMost"}, lambda before: min(before, 5)),
        (OUTAGE | {"policy": "Exactly"}, lambda _: 5),
        ({"afterSeconds": 180, "policy": "KeepCurrent"}, lambda before: before),
    ],
    ids=["AtLeast", "AtMost", "Exactly", "KeepCurrent"],
)
def test_in_an_outage_the_fallback_decides_from_any_count(
    fallback: dict[str, Any], expected: Any, lost: Any, replicas: int
) -> None:
    story = running(replicas, fallback=fallback)

    for _ in range(180):
        assert story.turn(lost(at=story.now + 1), after=1.0).replicas == replicas
    decision = story.turn(lost(at=story.now + 1), after=1.0)

    assert expected(replicas) == decision.replicas
    assert ("Fallback", True) == (decision.reason, decision.fallen_back)
    assert "queues not read for 180 s or longer" in decision.message
    back = story.see(0, after=1.0)
    assert not back.fallen_back
    assert back.replicas == decision.replicas


def test_a_fallback_that_is_a_floor_does_not_keep_the_other_queues_from_asking_for_more() -> None:
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in ("receipts", "invoices")]
    story = Story(spec=spec(queues=queues, fallback={"afterSeconds": 10, "replicas": 2}), replicas=1)

    for _ in range(12):
        busy = known(ready=160, unacknowledged=0, at=story.now + 1, name="invoices")
        decision = story.turn(unknown(at=story.now + 1), busy, after=1.0)

    assert 8 == decision.replicas


def test_a_restart_with_an_empty_memory_moves_nothing_down_before_a_window() -> None:
    story = running(8)
    story.memory = remember_nothing(now=story.now)

    history = [story.see(0, after=1.0).replicas for _ in range(70)]

    assert {8} == set(history[:59])
    assert 0 == history[-1]


def test_a_schedule_that_opens_raises_and_one_that_closes_waits_for_the_window() -> None:
    morning = {"name": "morning", "start": "0 6 * * *", "end": "0 7 * * *", "minReplicas": 6}
    story = running(2, schedules=[morning])
    story.now = _at(story, hour=5, minute=59)
    story.memory = remember_nothing(now=story.now - 3600)

    def day(minutes: int) -> list[tuple[int, str]]:
        return [
            (decision.replicas, decision.reason.value)
            for decision in (story.see(story.replicas * 10, after=1.0) for _ in range(minutes * 60))
        ]

    before = day(1)
    assert [(2, "Steady")] * 59 == before[:59]
    assert (6, "Scheduled") == before[59]
    open_hour = day(60)
    assert {6} == {replicas for replicas, _ in open_hour}
    assert {1, 2, 3, 4, 5, 6} >= {replicas for replicas, _ in day(2)}


def _at(story: Story, *, hour: int, minute: int) -> float:
    """The story's clock at the next such time of the wall's."""
    now = wall(story.now)
    target = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if target < now:
        target += timedelta(days=1)
    return story.now + (target - now).total_seconds()


def test_a_paused_target_stays_and_then_waits_for_a_window() -> None:
    story = running(4)
    story.pause = parse({"queueconsumer.dev/paused": "true"})

    paused = [story.see(1000, after=1.0) for _ in range(60)]
    story.pause = parse({})
    after = [story.see(0, after=1.0).replicas for _ in range(70)]

    assert {(4, "paused")} == {(decision.replicas, decision.limited_by.value) for decision in paused}
    assert {4} == set(after[:59])
    assert 0 == after[-1]


def test_a_pause_with_a_number_holds_it_outside_the_bounds_and_ends_by_the_clock() -> None:
    story = running(4)
    until: datetime = wall(story.now + 30)
    story.pause = parse(
        {"queueconsumer.dev/paused-replicas": "15", "queueconsumer.dev/paused-until": until.isoformat()}
    )

    first = story.see(40, after=1.0)
    history = [story.see(40, after=1.0).replicas for _ in range(40)]

    assert (15, "Override") == (first.replicas, first.reason)
    assert "although maxReplicas is 10" in first.message
    assert [15] * 28 == history[:28]
    # The bound holds again at once: it is the user's word, and no window stands before it.
    assert {10} == set(history[28:])


def test_within_the_band_nothing_is_ever_reversed() -> None:
    story = running(4)

    history = [story.see(ready, after=1.0).replicas for ready in [80, 16, 79, 17, 60, 20] * 100]

    assert {4} == set(history)


def test_a_switched_off_direction_holds_also_from_and_to_zero() -> None:
    asleep = Story(spec=spec(behavior={"scaleUp": {"selectPolicy": "Disabled"}}))
    awake = running(4, behavior={"scaleDown": {"selectPolicy": "Disabled"}})

    up = asleep.see(95, after=1.0)
    down = awake.pass_time(200, ready=0)

    assert (0, "upPolicy") == (up.replicas, up.limited_by)
    assert (4, "downPolicy") == (down.replicas, down.limited_by)


@pytest.mark.parametrize("least", [0, 1, 2])
def test_replicas_that_were_added_to_learn_what_one_manages_go_once_there_is_nothing_to_do(least: int) -> None:
    story = Story(
        spec=spec(queues=[{"name": "receipts", "drain": {"withinSeconds": 60}}], minReplicas=least), replicas=2
    )
    for _ in range(40):
        story.see(50, after=5.0)
    assert story.replicas == 10

    history = [story.see(0, after=5.0).replicas for _ in range(30)]

    assert least == history[-1]


def test_an_hour_without_a_turn_is_an_hour_of_which_nothing_is_known() -> None:
    story = running(8)
    story.see(80, after=1.0)

    history = [story.see(0, after=3600.0).replicas, *(story.see(0, after=1.0).replicas for _ in range(70))]

    assert {8} == set(history[:59])
    assert 0 == history[-1]
