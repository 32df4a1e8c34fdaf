from dataclasses import replace

from rich.console import Console

from examples.demo.chart import Step
from examples.demo.observation import Consumers, Observation
from examples.demo.story import QUIET, Phase
from examples.demo.view import Frame, live, new_decisions, plain

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


def test_a_log_tells_a_decision_once() -> None:
    told = "receipts -> 8: 420 messages / 20 per replica = 21, limited to maxReplicas 8"

    assert new_decisions(FRAME, before=Observation()) == [told]
    assert new_decisions(FRAME, before=OBSERVATION) == []


def test_quiet_has_no_end_to_count_down_to() -> None:
    calm = Frame(observation=OBSERVATION, phase=QUIET, left_seconds=QUIET.seconds, wanted={}, now=0.0)

    assert plain(calm).startswith("Quiet: 0 orders/s | ")
