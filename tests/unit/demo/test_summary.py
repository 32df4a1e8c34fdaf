from dataclasses import replace

import pytest
from rich.console import Console

from examples.demo.chart import Step
from examples.demo.story import story
from examples.demo.summary import Effects, Scaling, Summary
from examples.demo.summary_view import rendered

ORDERS = frozenset({"r-1", "r-2", "r-3"})
RECEIPTS = Effects(what="receipts", order_ids=ORDERS, repeated=0, longest_wait_seconds=2.5)
INVOICES = Effects(what="invoices", order_ids=ORDERS, repeated=0, longest_wait_seconds=1.0)
SCALING = Scaling(
    what="receipts",
    most_wanted=8,
    most_running=8,
    wanted_at_the_end=0,
    running_at_the_end=0,
    first_asked_after_seconds=0.21,
)
GOOD = Summary(placed=3, confirmed=ORDERS, failed=frozenset(), effects=(RECEIPTS, INVOICES), scaling=(SCALING,))


def shown(summary: Summary) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(
            rendered(
                summary,
                wanted={"receipts": [Step(at=1.0, value=8)]},
                phases=story(per_second=5, calm_seconds=20, black_friday_seconds=40),
                started_at=0.0,
                ended_at=120.0,
            )
        )
    return capture.get()


def test_all_served_once_and_back_to_zero_is_no_problem() -> None:
    assert GOOD.problems() == []
    assert "Nothing lost, nothing done twice" in shown(GOOD)


def test_a_confirmed_order_without_its_receipt_is_lost() -> None:
    summary = replace(GOOD, effects=(replace(RECEIPTS, order_ids=ORDERS - {"r-2"}), INVOICES))

    assert summary.lost(summary.effects[0]) == {"r-2"}
    assert summary.lost(summary.effects[1]) == frozenset()
    assert summary.problems() == ["1 receipts are missing, the first for order r-2"]
    assert "NOT GOOD: 1 receipts are missing" in shown(summary)


def test_what_was_done_twice_is_a_problem() -> None:
    summary = replace(GOOD, effects=(RECEIPTS, replace(INVOICES, repeated=2)))

    assert summary.problems() == ["2 invoices were handed in more than once"]


def test_an_order_whose_publishing_failed_was_promised_to_nobody_but_is_told() -> None:
    summary = replace(GOOD, placed=4, failed=frozenset({"r-4"}))

    assert summary.lost(RECEIPTS) == frozenset()
    assert summary.problems() == ["1 orders could not be published"]


def test_a_failed_order_that_arrived_nevertheless_is_not_unexpected() -> None:
    summary = replace(GOOD, failed=frozenset({"r-4"}))

    assert summary.unexpected(replace(RECEIPTS, order_ids=ORDERS | {"r-4"})) == frozenset()


def test_a_receipt_for_an_order_of_another_run_is_a_problem() -> None:
    summary = replace(GOOD, effects=(replace(RECEIPTS, order_ids=ORDERS | {"old-1"}), INVOICES))

    assert summary.problems() == ["1 receipts are for orders never placed, e.g. old-1"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"most_running": 1}, "receipts never ran on more than 1 replicas"),
        (
            {"wanted_at_the_end": 2, "running_at_the_end": 1},
            "receipts did not go back to zero: 2 replicas wanted, 1 running",
        ),
    ],
)
def test_scaling_that_did_not_happen_is_a_problem(change: dict[str, int], problem: str) -> None:
    summary = replace(GOOD, scaling=(replace(SCALING, **change),))  # type: ignore[arg-type] # all of them integers

    assert summary.problems() == [problem]


def test_a_demo_without_orders_shows_nothing() -> None:
    nothing = replace(GOOD, placed=0, confirmed=frozenset(), effects=(replace(RECEIPTS, order_ids=frozenset()),))

    assert nothing.problems() == ["no order was confirmed, so nothing was shown"]


def test_the_figures_are_in_the_summary() -> None:
    text = shown(GOOD)

    assert "3 orders placed, 3 confirmed by the broker" in text
    rows = {line.split("  ")[1].strip(): line.split()[-2:] for line in text.splitlines() if line.startswith("  ")}
    assert rows["made"] == ["3", "3"]
    assert rows["lost"] == ["0", "0"]
    assert rows["longest wait of a message"] == ["1.00", "s"]
    assert rows["replicas"][-1] == "0"
    assert rows["first message -> first replica asked for"] == ["0.21", "s"]
    assert "   8 │" in text
    assert "Calm        Black Friday            Quiet" in text
