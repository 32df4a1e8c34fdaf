"""Each step of a decision as it is told: its name, its number, its words and its source, to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from qc_operator.scaling.decision import Decision, decide
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.observation import Counters, Observation, QueueObservation, Unknown
from qc_operator.scaling.pause import PAUSED, REPLICAS, UNTIL, parse
from qc_operator.scaling.pods import Pods
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.stabilization import Answers, PastAnswer
from tests.unit.operator.conftest import Story, entry, known, missing, spec, unknown, wall

AGO = 500.0
"""Seconds before the tests' first decision, for memories that are as old as any window."""


def story(*, current: int = 0, seen_since: float = AGO, **fields: Any) -> Story:
    """A target whose readings have been known for long."""
    told = Story(spec=spec(**fields), replicas=current)
    long_ago = told.now - seen_since
    told.memory = changed(told.memory, since=long_ago, busy_at=long_ago, passed=(None,) * len(told.spec.queues))
    return told


def steps(decision: Decision) -> list[tuple[str, int, str, str]]:
    return [(step.name, step.replicas, step.words, step.source) for step in decision.steps]


def test_why_nothing_wakes_up() -> None:
    few = story(activateAbove=10).see(ready=10)
    none = story().see(ready=0)

    assert [("wakeUp", 0, "10 messages are no more than activateAbove 10", "spec.activateAbove")] == steps(few)
    assert [("wakeUp", 0, "no messages", "queues")] == steps(none)
    assert [(Reason.STEADY, Limit.NONE)] * 2 == [(few.reason, few.limited_by), (none.reason, none.limited_by)]


def test_going_to_zero_tells_which_rule_it_is() -> None:
    told = story(current=3, seen_since=300.0)
    told.memory = changed(told.memory, answers=Answers(down=(PastAnswer(at=told.now, replicas=3),)))
    decision = told.see(ready=0, after=5.0)

    words = "no messages for 60 s or longer (idleAfterSeconds)"
    assert (0, Reason.IDLE, Limit.NONE) == (decision.replicas, decision.reason, decision.limited_by)
    assert [("idle", 0, words, "spec.idleAfterSeconds")] == steps(decision)
    # What was wanted before the sleep says nothing about the time after it.
    assert Answers() == decision.memory.answers


@pytest.mark.parametrize(
    ("direction", "current", "ready", "held"),
    [
        ("scaleUp", 0, 100, ("policy", 0, "held at 0, selectPolicy of scaleUp is Disabled", "spec.behavior.scaleUp")),
        (
            "scaleDown",
            3,
            0,
            ("policy", 3, "held at 3, selectPolicy of scaleDown is Disabled", "spec.behavior.scaleDown"),
        ),
    ],
)
def test_a_direction_that_is_switched_off_holds_a_step_from_and_to_zero(
    direction: str, current: int, ready: int, held: tuple[str, int, str, str]
) -> None:
    told = story(current=current, behavior={direction: {"selectPolicy": "Disabled"}})
    decision = told.see(ready=ready)

    assert (current, Reason.STEADY) == (decision.replicas, decision.reason)
    assert held == steps(decision)[-1]
    assert 2 == len(decision.steps)
    assert {"scaleUp": Limit.UP_POLICY, "scaleDown": Limit.DOWN_POLICY}[direction] is decision.limited_by


@pytest.mark.parametrize(
    ("annotation", "replicas", "reason", "words"),
    [
        ({PAUSED: "true"}, 3, Reason.STEADY, "paused by annotation: replicas stay at 3"),
        ({REPLICAS: "3"}, 3, Reason.STEADY, "paused by annotation: exactly 3 replicas"),
        ({REPLICAS: "1"}, 1, Reason.OVERRIDE, "paused by annotation: exactly 1 replica, although minReplicas is 2"),
        (
            {REPLICAS: "11"},
            11,
            Reason.OVERRIDE,
            "paused by annotation: exactly 11 replicas, although maxReplicas is 10",
        ),
    ],
)
def test_a_pause_is_one_step_over_everything_else(
    annotation: dict[str, str], replicas: int, reason: Reason, words: str
) -> None:
    told = story(current=3, minReplicas=2)
    told.pause = parse(annotation)
    decision = told.see(ready=500)

    assert (3, replicas, reason, Limit.PAUSED) == (
        decision.current,
        decision.replicas,
        decision.reason,
        decision.limited_by,
    )
    assert [("pause", replicas, words, "metadata.annotations")] == steps(decision)
    assert decision.paused == told.pause.at(wall(told.now))


def test_a_pause_forgets_what_was_wanted_and_changed_before_it() -> None:
    behavior = {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}}
    told = story(current=1, behavior=behavior)
    told.see(ready=500)
    assert 1 == len(told.memory.changes)
    assert told.memory.answers != Answers()
    told.pause = parse({PAUSED: "true"})
    memory = told.see(ready=500, after=1.0).memory

    assert (told.now, Answers(), ()) == (memory.since, memory.answers, memory.changes)


@pytest.mark.parametrize(
    ("policy", "replicas", "words"),
    [
        ({"policy": "AtLeast", "replicas": 5}, 5, "at least 5 replicas"),
        ({"policy": "AtMost", "replicas": 1}, 1, "at most 1 replica"),
        ({"policy": "Exactly", "replicas": 4}, 4, "exactly 4 replicas"),
        ({"policy": "KeepCurrent"}, 3, "replicas stay at 3"),
    ],
)
def test_a_fallback_is_the_step_that_decides(policy: dict[str, Any], replicas: int, words: str) -> None:
    told = story(current=3, fallback=policy | {"afterSeconds": 60})
    told.memory = changed(told.memory, unread_since=told.now - 60.0)
    decision = told.turn(unknown(at=told.now))

    assert [("fallback", replicas, f"queues not read for 60 s or longer: {words} (fallback)", "spec.fallback")] == (
        steps(decision)
    )
    assert (replicas, Reason.FALLBACK, True) == (decision.replicas, decision.reason, decision.fallen_back)


def test_a_fallback_that_is_a_floor_gives_way_to_a_queue_that_can_be_read_and_asks_for_more() -> None:
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in ("receipts", "refunds")]

    def after(policy: str, ready: int) -> int:
        told = story(current=3, queues=queues, fallback={"policy": policy, "replicas": 4, "afterSeconds": 60})
        told.memory = changed(told.memory, unread_since=told.now - 60.0)
        read = known(ready=ready, unacknowledged=0, at=told.now)
        return told.turn(read, unknown(at=told.now, name="refunds")).replicas

    assert [4, 5] == [after("AtLeast", ready) for ready in (80, 81)]
    assert [4, 4] == [after("Exactly", ready) for ready in (80, 81)]
    assert [3, 3] == [after("AtMost", ready) for ready in (80, 81)]


@pytest.mark.parametrize(
    ("queues", "pattern", "words", "source"),
    [
        pytest.param(
            (missing(at=1000.0),),
            None,
            "queue receipts does not exist in vhost shop: replicas stay at 3",
            "receipts",
            id="missing",
        ),
        pytest.param(
            (unknown(at=1000.0),),
            None,
            "queue receipts cannot be read: connection refused: replicas stay at 3",
            "receipts",
            id="unknown",
        ),
        pytest.param(
            (
                known(ready=1, unacknowledged=0, at=1000.0, name="a"),
                *(unknown(at=1000.0, name=name) for name in ("b", "c", "d")),
            ),
            "^.$",
            "queue b cannot be read: connection refused; nor can 2 more: replicas stay at 3",
            "b",
            id="several",
        ),
    ],
)
def test_what_cannot_be_read_holds_and_says_which(
    queues: tuple[QueueObservation, ...], pattern: str | None, words: str, source: str
) -> None:
    decision = story(current=3).decide(entry(*queues, pattern=pattern))

    assert (Step(name="reading", replicas=3, words=words, source=source, observed=False),) == decision.steps
    assert (3, Reason.READING_MISSING, Limit.GUARD) == (decision.replicas, decision.reason, decision.limited_by)


@pytest.mark.parametrize(
    ("pattern", "which"),
    [("^r", "the queues that match ^r are not known"), (None, "queue receipts cannot be read")],
)
def test_a_list_of_queues_that_is_not_known_is_told(pattern: str | None, which: str) -> None:
    unmatched = Unknown(cause="BrokerUnreachable", message="connection refused", at=1000.0)
    seen = replace(entry(known(ready=1, unacknowledged=0, at=1000.0), pattern=pattern), unmatched=unmatched)
    decision = story(current=3).decide(seen)

    words = f"{which}: connection refused: replicas stay at 3"
    assert (Step(name="reading", replicas=3, words=words, source="queues", observed=False),) == decision.steps


def test_one_replica_stays_until_the_queues_are_idle() -> None:
    told = story(current=2)
    told.memory = changed(told.memory, busy_at=told.now - 1.0)
    decision = told.see(ready=0)

    assert ("idle", 1, "one stays until the queues are idle", "spec.idleAfterSeconds") == steps(decision)[1]


def test_the_window_is_told_with_its_field() -> None:
    down = story(current=5, seen_since=10.0).see(ready=10)
    up = story(current=1, behavior={"scaleUp": {"stabilizationWindowSeconds": 30}})
    up.see(ready=20)
    held = up.see(ready=100, after=10.0)

    words = "held at 5 until readings have been known for 60 s"
    assert ("stabilization", 5, words, "spec.behavior.scaleDown.stabilizationWindowSeconds") == steps(down)[-1]
    words = "held at 1 by the smallest answer of the last 30 s"
    assert ("stabilization", 1, words, "spec.behavior.scaleUp.stabilizationWindowSeconds") == steps(held)[-1]


def test_the_policy_is_told_with_its_field() -> None:
    pods = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}], "stabilizationWindowSeconds": 0}
    up = story(current=1, behavior={"scaleUp": pods}).see(ready=100)
    down = story(current=5, behavior={"scaleDown": pods}).see(ready=10)

    words = "limited to 2 by scaleUp policy Pods 1 per 60 s"
    assert ("policy", 2, words, "spec.behavior.scaleUp.policies") == steps(up)[-1]
    words = "limited to 4 by scaleDown policy Pods 1 per 60 s"
    assert ("policy", 4, words, "spec.behavior.scaleDown.policies") == steps(down)[-1]
    assert [Reason.BACKLOG_ABOVE_TARGET, Reason.BACKLOG_BELOW_TARGET] == [up.reason, down.reason]


@pytest.mark.parametrize(
    ("fields", "current", "ready", "told", "reason", "limit"),
    [
        (
            {"maxReplicas": 4},
            1,
            100,
            ("bounds", 4, "limited to maxReplicas 4", "spec.maxReplicas"),
            Reason.BACKLOG_ABOVE_TARGET,
            Limit.MAX,
        ),
        (
            {"minReplicas": 2},
            0,
            0,
            ("bounds", 2, "raised to minReplicas 2", "spec.minReplicas"),
            Reason.SPEC_CHANGED,
            Limit.MIN,
        ),
        (
            {"schedules": [{"name": "s", "start": "0 0 * * *", "end": "0 23 * * *", "minReplicas": 4}]},
            0,
            0,
            ("bounds", 4, "raised to minReplicas 4 of schedule s", "spec.schedules"),
            Reason.SCHEDULED,
            Limit.MIN,
        ),
        (
            {
                "schedules": [
                    {"name": "s", "start": "0 0 * * *", "end": "0 23 * * *", "minReplicas": 4},
                    {"name": "t", "start": "0 0 * * *", "end": "0 23 * * *", "maxReplicas": 3},
                ]
            },
            0,
            0,
            (
                "bounds",
                3,
                (
                    "raised to maxReplicas 3 of schedule t, minReplicas 4 of schedule s cannot be had: "
                    "maxReplicas 3 of schedule t wins"
                ),
                "spec.schedules",
            ),
            Reason.SCHEDULED,
            Limit.MIN,
        ),
    ],
)
def test_a_bound_is_told_with_its_field(  # noqa: PLR0917
    fields: dict[str, Any], current: int, ready: int, told: tuple[str, int, str, str], reason: Reason, limit: Limit
) -> None:
    decision = story(current=current, **fields).see(ready=ready)

    assert told == steps(decision)[-1]
    assert (told[1], reason, limit) == (decision.replicas, decision.reason, decision.limited_by)


@pytest.mark.parametrize(
    ("window", "fields", "current", "bound"),
    [
        ({"minReplicas": 2}, {"maxReplicas": 5}, 7, ("bounds", 5, "limited to maxReplicas 5", "spec.maxReplicas")),
        ({"maxReplicas": 8}, {"minReplicas": 5}, 3, ("bounds", 5, "raised to minReplicas 5", "spec.minReplicas")),
    ],
)
def test_a_schedule_that_sets_the_other_bound_is_not_the_reason(
    window: dict[str, int], fields: dict[str, int], current: int, bound: tuple[str, int, str, str]
) -> None:
    always = {"name": "s", "start": "* * * * *", "end": "0 0 1 1 *"} | window
    decision = story(current=current, schedules=[always], **fields).see(ready=current * 10)

    assert bound == steps(decision)[-1]
    assert (5, Reason.SPEC_CHANGED) == (decision.replicas, decision.reason)


def test_what_feeds_a_queue_wakes_up_upon_deliveries() -> None:
    told = story(queues=[{"name": "receipts", "deliverRate": {"perReplica": 5}}])

    def counted(delivered: int) -> QueueObservation:
        seen = known(ready=0, unacknowledged=0, at=told.now + 5.0)
        at = told.now + 5.0
        return replace(seen, counters=Counters(published=0, acknowledged=0, delivered=delivered, at=at))

    still = [told.turn(counted(0), after=5.0).replicas for _ in range(20)]
    moving = [told.turn(counted(10 * step), after=5.0).replicas for step in range(1, 20)]

    assert {0} == set(still)
    # Two deliveries a second are one replica's work.
    assert 1 == moving[-1]


@pytest.mark.parametrize(
    ("objective", "window"), [(10, 60), (59, 60), (60, 60), (61, 61), (120, 120), (300, 300), (301, 300), (9000, 300)]
)
def test_the_window_of_a_step_down_is_the_objective_where_the_spec_says_nothing(objective: int, window: int) -> None:
    queue = {"name": "receipts", "wait": {"objectiveSeconds": objective}, "secondsPerMessage": 1}
    told = story(current=5, queues=[queue])
    # A message every other second, and nothing that waits.
    for step in range(7 if objective < 300 else 22):
        at = told.now + 5.0
        flow = Counters(published=2 * step, acknowledged=2 * step, delivered=2 * step, at=at)
        decision = told.turn(replace(known(ready=0, unacknowledged=0, at=at), counters=flow), after=5.0)

    words = f"held at 5 by the largest answer of the last {window} s"
    assert ("stabilization", 5, words) == steps(decision)[-1][:3]


def test_a_fallback_that_is_a_floor_is_told_where_the_queues_ask_for_no_more() -> None:
    queues = [{"name": name, "lag": {"scaleUpAbove": 20}} for name in ("receipts", "refunds")]

    def after(fallback: dict[str, Any], ready: int) -> tuple[int, Reason]:
        told = story(current=3, queues=queues, fallback=fallback | {"afterSeconds": 60})
        told.memory = changed(told.memory, unread_since=told.now - 60.0)
        read = known(ready=ready, unacknowledged=0, at=told.now)
        decision = told.turn(read, unknown(at=told.now, name="refunds"))
        return decision.replicas, decision.reason

    floor = {"policy": "AtLeast", "replicas": 4}
    assert [(4, Reason.FALLBACK), (5, Reason.BACKLOG_ABOVE_TARGET)] == [after(floor, ready) for ready in (80, 81)]
    floor = {"policy": "KeepCurrent"}
    assert [(3, Reason.FALLBACK), (4, Reason.BACKLOG_ABOVE_TARGET)] == [after(floor, ready) for ready in (60, 61)]


def test_two_queues_that_cannot_be_read_are_both_told() -> None:
    decision = story(current=3).decide(entry(*(unknown(at=1000.0, name=name) for name in "ab"), pattern="^.$"))

    assert "queue a cannot be read: connection refused; nor can 1 more: replicas stay at 3" == decision.message


@pytest.mark.parametrize(
    ("in_hand", "replicas", "told"),
    [
        (20, 8, ("busyFloor", 8, "8 stay, which have messages in hand", "queues")),
        (5, 5, ("busyFloor", 5, "5 stay, which have messages in hand", "queues")),
        (4, 4, ("busyFloor", 4, "4 stay, which have messages in hand", "queues")),
        (1, 1, None),
        (0, 1, None),
    ],
)
def test_replicas_that_have_messages_in_hand_stay(
    in_hand: int, replicas: int, told: tuple[str, int, str, str] | None
) -> None:
    queue = {"name": "receipts", "wait": {"objectiveSeconds": 60}, "secondsPerMessage": 1}
    target = story(current=8, queues=[queue], behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})
    for step in range(7):
        target.replicas = 8
        at = target.now + 5.0
        flow = Counters(published=3 * step, acknowledged=3 * step, delivered=3 * step, at=at)
        seen = replace(known(ready=0, unacknowledged=in_hand, at=at), counters=flow)
        decision = target.turn(seen, after=5.0)

    assert replicas == decision.replicas
    assert told == (steps(decision)[-1] if len(decision.steps) > 1 else None)
    assert decision.limited_by is (Limit.BUSY_FLOOR if told else Limit.NONE)


@pytest.mark.parametrize(("gap", "anew"), [(15.0, False), (15.5, True)])
def test_a_gap_of_more_than_three_polls_begins_the_window_anew(gap: float, *, anew: bool) -> None:
    told = story(current=3)
    told.see(ready=50)
    since = told.memory.since
    told.see(ready=50, after=gap)

    assert (told.now if anew else since) == told.memory.since


@pytest.mark.parametrize(
    ("gap", "down", "up"),
    [
        # As long as answers come within 15 s, those of before count for 60 s: eight, and then two.
        (15.0, [8, 3], [2, 3]),
        (15.5, [3], [3]),
    ],
)
@pytest.mark.parametrize("known_of", ["down", "up"])
def test_a_gap_of_more_than_15_seconds_between_two_answers_ends_both_windows(
    gap: float, down: list[int], up: list[int], known_of: str
) -> None:
    """Readings were known all the time, and of the one window there is an answer of before."""
    told = story(current=3, behavior={"scaleUp": {"stabilizationWindowSeconds": 60}})
    before = PastAnswer(at=told.now - gap, replicas=8 if known_of == "down" else 2)
    told.memory = changed(told.memory, answers=changed(Answers(), **{known_of: (before,)}))
    answers = told.see(ready=50).memory.answers

    assert (down if known_of == "down" else [3]) == [answer.replicas for answer in answers.down]
    assert (up if known_of == "up" else [3]) == [answer.replicas for answer in answers.up]


@pytest.mark.parametrize(
    ("ready", "words"), [(1, "1 message waits: one to begin with"), (2, "2 messages wait: one to begin with")]
)
def test_one_to_begin_with_is_for_a_message_or_several(ready: int, words: str) -> None:
    """Which a rate that is known to be nothing does not ask for."""
    told = story(queues=[{"name": "receipts", "publishRate": {"perReplica": 5}}])
    for step in range(9):
        at = told.now + 5.0
        counters = Counters(published=7, acknowledged=7, delivered=7, at=at)
        decision = told.turn(
            replace(known(ready=ready if step == 8 else 0, unacknowledged=0, at=at), counters=counters), after=5.0
        )

    assert ("wakeUp", 1, words, "queues") == steps(decision)[-1]


def test_a_step_that_only_the_idle_rule_may_take_is_no_limit() -> None:
    told = story(current=2, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})
    told.memory = changed(told.memory, busy_at=told.now - 1.0)
    decision = told.see(ready=0)

    assert (1, Limit.NONE, Reason.BACKLOG_BELOW_TARGET) == (decision.replicas, decision.limited_by, decision.reason)


def test_a_guard_is_told_with_its_reason() -> None:
    told = story(current=3)

    def turn() -> Decision:
        told.now += 5.0
        pods = Pods(ready=1, unschedulable=2, why_unschedulable="no room.", at=told.now)
        seen = Observation(
            entries=(entry(known(ready=500, unacknowledged=0, at=told.now)),), current=3, running=3, pods=pods
        )
        decision = decide(
            spec=told.spec, observation=seen, memory=told.memory, now=told.now, at=wall(told.now), pause=told.pause
        )
        told.memory = decision.memory
        return decision

    # Pods without a node in the first list after a start hold at once: nobody knows for how long by then.
    first, second, held = turn(), turn(), turn()

    assert [3, 3, 3] == [first.replicas, second.replicas, held.replicas]
    words = (
        "held at 3: 2 of 3 pods find no node (no room): no more are asked for until they do; "
        "add nodes, lower the pods' requests, or set maxReplicas to 1"
    )
    assert ("guard", 3, words, "Unschedulable") == steps(held)[-1]
    assert (Limit.GUARD, Reason.STEADY) == (held.limited_by, held.reason)
    assert held.guard is not None
    assert words == f"held at 3: {held.guard.message}"


@pytest.mark.parametrize(("until", "replicas"), [("2026-11-27T00:16:41Z", 3), ("2026-11-27T00:16:40Z", 10)])
def test_a_pause_ends_at_its_moment(until: str, replicas: int) -> None:
    told = story(current=3)
    told.pause = parse({UNTIL: until})

    # The tests' clock is at 1000 s, which is 0:16:40.
    assert replicas == told.see(ready=500).replicas


def test_messages_that_wait_wake_one_where_the_rate_asks_for_none() -> None:
    told = story(queues=[{"name": "receipts", "publishRate": {"perReplica": 5}}])
    for _ in range(7):
        told.replicas = 0
        at = told.now + 5.0
        flow = Counters(published=0, acknowledged=0, delivered=0, at=at)
        decision = told.turn(replace(known(ready=7, unacknowledged=0, at=at), counters=flow), after=5.0)

    words = "0 messages/s into receipts / 5 per replica = 0"
    assert [("publishRate", 0, words, "receipts"), ("wakeUp", 1, "7 messages wait: one to begin with", "queues")] == (
        steps(decision)
    )
    assert (1, Reason.WOKE_UP) == (decision.replicas, decision.reason)


@pytest.mark.parametrize(("annotation", "moved"), [({PAUSED: "true"}, False), ({REPLICAS: "5"}, True)])
def test_a_pause_that_moves_replicas_remembers_when(annotation: dict[str, str], *, moved: bool) -> None:
    told = story(current=3)
    told.memory = changed(told.memory, changed_at=900.0)
    told.pause = parse(annotation)

    assert (told.now if moved else 900.0) == told.see(ready=1).memory.changed_at


@pytest.mark.parametrize("least", [1, 2])
def test_replicas_that_were_added_to_learn_go_to_the_minimum_once_there_is_nothing_to_do(least: int) -> None:
    target = {"name": "receipts", "drain": {"withinSeconds": 60}}
    told = story(current=5, minReplicas=least, queues=[target])
    decision = told.see(ready=0)

    words = "no messages for 60 s or longer (idleAfterSeconds)"
    assert [("idle", least, words, "spec.idleAfterSeconds")] == steps(decision)
    assert (least, False, Limit.NONE) == (decision.replicas, decision.between, decision.limited_by)
    assert (PastAnswer(at=told.now, replicas=least),) == decision.memory.answers.down
    told.memory = changed(told.memory, since=told.now - 60.0)
    after = told.see(ready=0, after=1.0)
    assert (least, False) == (after.replicas, after.between)
