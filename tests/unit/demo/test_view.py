from dataclasses import replace

from rich.console import Console

from examples.demo.chart import Step
from examples.demo.observation import Change, Consumers, Observation
from examples.demo.story import QUIET, Phase
from examples.demo.view import Frame, live, new_changes, plain

OBSERVATION = Observation(
    consumers=(
        Consumers(
            name="receipts", ready=412, unacked=8, wanted=8, running=3, maximum=8,
            decision="420 messages / 20 per replica = 21, limited to maxReplicas 8",
        ),
        Consumers(name="invoices", maximum=8),
    ),
    placed=600, confirmed=598, receipts=170, invoices=580,
)  # fmt: skip
FRAME = Frame(
    observation=OBSERVATION,
    phase=Phase(name="Black Friday", per_second=50, seconds=40),
    left_seconds=12.4,
    wanted={"receipts": [Step(at=0.0, value=0), Step(at=50.0, value=8)]},
    now=60.0,
)


def test_the_picture_shows_lag_replicas_and_the_decision_in_words() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(live(FRAME))
    lines = capture.get().splitlines()

    (row,) = [line for line in lines if line.startswith("│  receipts ")]
    assert row.split()[2:7] == ["412", "8", "8/8", "3", "█████"]
    assert any("420 messages / 20 per replica = 21, limited to maxReplicas 8" in line for line in lines)
    assert "Black Friday: 50 orders/s, 12 s left" in lines[0]


def test_the_picture_says_where_the_live_page_is() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(live(replace(FRAME, page="http://127.0.0.1:8081/")))

    assert " and why, in the browser: http://127.0.0.1:8081/ " in capture.get().splitlines()[-1]


def test_the_line_for_a_log_says_the_same() -> None:
    assert plain(FRAME) == (
        "Black Friday: 50 orders/s, 12 s left | "
        "receipts: 412 ready, 8 unacked, replicas 8 wanted, 3 running | "
        "invoices: ? ready, ? unacked, replicas 0 wanted, 0 running | "
        "170 and 580 of 598 served"
    )


def seen(*changes: Change, decision: str = "") -> Observation:
    """A look at the object receipts, with the changes in its history."""
    return Observation(consumers=(Consumers(name="receipts", wanted=8, decision=decision, changes=changes),))


def change(before: int, after: int, message: str) -> Change:
    return Change(at="2026-11-22T07:09:49Z", before=before, after=after, message=message)


def test_a_log_tells_each_change_once_with_its_own_sentence() -> None:
    first = change(0, 1, "6 messages in receipts / 20 per replica = 1")
    second = change(1, 2, "21 messages in receipts / 20 per replica = 2")
    third = change(2, 5, "84 messages in receipts / 20 per replica = 5")
    frame = replace(FRAME, observation=seen(first, second, third, decision="120 messages need no other number than 8"))

    # Two since the last look, neither of them the last decision.
    assert new_changes(frame, before=seen(first)) == [
        "receipts 1 -> 2: 21 messages in receipts / 20 per replica = 2",
        "receipts 2 -> 5: 84 messages in receipts / 20 per replica = 5",
    ]
    assert new_changes(frame, before=frame.observation) == []
    assert new_changes(replace(FRAME, observation=seen(decision="no messages")), before=Observation()) == []


def test_two_objects_that_change_alike_are_both_told() -> None:
    alike = change(0, 1, "1 message / 20 per replica = 1")
    both = tuple(Consumers(name=name, changes=(alike,)) for name in ("receipts", "invoices"))

    told = new_changes(replace(FRAME, observation=Observation(consumers=both)), before=seen(alike))

    assert told == ["invoices 0 -> 1: 1 message / 20 per replica = 1"]


def test_quiet_has_no_end_to_count_down_to() -> None:
    calm = Frame(observation=OBSERVATION, phase=QUIET, left_seconds=QUIET.seconds, wanted={}, now=0.0)

    assert plain(calm).startswith("Quiet: 0 orders/s | ")
