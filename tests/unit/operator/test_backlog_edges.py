"""How many messages there are to do, at least and at most, by two readings of different age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qc_operator.scaling.backlog import Backlog, backlog, entry_backlog, ready_of
from qc_operator.scaling.observation import (
    LEFT_OUT,
    Depth,
    EntryObservation,
    QueueObservation,
    Totals,
    TotalsReading,
    Unavailable,
    Unknown,
)
from tests.unit.operator.conftest import entry, missing, queue, unknown

NOW = 1000.0
NO_LANE = Unavailable(message="no management API")
SILENT = Unknown(cause="ManagementUnreachable", message="refused", at=NOW)
OMITTED = Unknown(cause=LEFT_OUT, message="left out", at=NOW)


def counted(ready: int, held: int, *, asked: float = 0.0, answered: float = 0.0) -> Totals:
    """Totals that were asked for and answered so many seconds ago."""
    return Totals(ready=ready, unacknowledged=held, at=NOW - asked, answered_at=NOW - answered)


def seen(
    ready: int, totals: TotalsReading, *, consumers: int = 1, arrived: int = 0, name: str = "q"
) -> QueueObservation:
    return queue(Depth(ready=ready, consumers=consumers, at=NOW), totals, name=name, arrived=arrived)


@pytest.mark.parametrize(
    ("reading", "count", "expected"),
    [
        pytest.param(seen(7, counted(7, 5)), "Total", Backlog(at_least=12, at_most=12), id="both lanes agree"),
        pytest.param(seen(9, counted(7, 5)), "Total", Backlog(at_least=12, at_most=14), id="two more are ready now"),
        pytest.param(seen(3, counted(7, 5)), "Total", Backlog(at_least=12, at_most=12), id="four were taken since"),
        pytest.param(seen(20, counted(7, 5)), "Total", Backlog(at_least=20, at_most=25), id="more than were counted"),
        pytest.param(seen(7, counted(7, 5), arrived=4), "Total", Backlog(at_least=12, at_most=16), id="four arrived"),
        pytest.param(seen(7, counted(7, 5)), "Ready", Backlog(at_least=7, at_most=7), id="only ready ones count"),
        pytest.param(seen(7, NO_LANE), "Total", Backlog(at_least=7, at_most=7), id="nobody counts the others"),
        pytest.param(seen(7, SILENT), "Total", Backlog(at_least=7, at_most=None), id="nobody answers"),
        pytest.param(seen(7, OMITTED), "Ready", Backlog(at_least=7, at_most=None), id="left out"),
        pytest.param(
            seen(7, counted(7, 5, asked=2.0, answered=1.0)),
            "Total",
            Backlog(at_least=12, at_most=12),
            id="answered a second ago",
        ),
        pytest.param(
            seen(7, counted(7, 5, asked=2.0, answered=1.1)),
            "Total",
            Backlog(at_least=12, at_most=None, between=True),
            id="answered before that",
        ),
        pytest.param(
            seen(7, counted(7, 5, asked=15.0, answered=15.0)),
            "Total",
            Backlog(at_least=12, at_most=None, between=True),
            id="asked three polls ago",
        ),
        pytest.param(
            seen(7, counted(7, 5, asked=15.1, answered=15.1)),
            "Total",
            Backlog(at_least=7, at_most=None),
            id="asked too long ago",
        ),
        pytest.param(missing(at=NOW), "Total", None, id="no queue"),
    ],
)
def test_bounds_of_one_queue(reading: QueueObservation, count: str, expected: Backlog | None) -> None:
    assert expected == backlog(queue=reading, count=count, running=1, now=NOW)
    assert expected == together(entry(reading), count=count)


def together(observed: EntryObservation, **changes: Any) -> Backlog | None:
    asked: dict[str, Any] = {"count": "Total", "how": "Sum", "running": 1, "now": NOW}
    return entry_backlog(entry=observed, **(asked | changes))


BOTH = (seen(7, counted(7, 5), name="a"), seen(9, counted(9, 2), name="b"))


@pytest.mark.parametrize(
    ("observed", "changes", "expected"),
    [
        pytest.param(entry(*BOTH, pattern="^"), {}, Backlog(at_least=23, at_most=23), id="added up"),
        pytest.param(entry(*BOTH, pattern="^"), {"how": "Max"}, Backlog(at_least=12, at_most=12), id="the longest"),
        pytest.param(entry(*BOTH, pattern="^"), {"how": "Average"}, Backlog(at_least=12, at_most=12), id="the average"),
        pytest.param(entry(*BOTH, pattern="^"), {"count": "Ready"}, Backlog(at_least=16, at_most=16), id="only ready"),
        pytest.param(
            entry(*BOTH, pattern="^"),
            {"count": "Ready", "how": "Average"},
            Backlog(at_least=8, at_most=8),
            id="only ready, on average",
        ),
        pytest.param(
            entry(*BOTH, pattern="^"),
            {"count": "Ready", "how": "Max"},
            Backlog(at_least=9, at_most=9),
            id="only ready, of the longest",
        ),
        pytest.param(
            entry(seen(7, counted(7, 5, answered=3.0)), seen(9, counted(9, 2, answered=3.0)), pattern="^"),
            {"how": "Max"},
            Backlog(at_least=12, at_most=None, between=True),
            id="the longest, both counted before",
        ),
        pytest.param(
            entry(BOTH[0], seen(9, counted(9, 2, answered=3.0)), pattern="^"),
            {"how": "Max"},
            Backlog(at_least=12, at_most=None, between=True),
            id="the longest, one counted before",
        ),
        pytest.param(
            replace(EntryObservation(name="^", vhost="/", queues=(), pattern=True), alarmed=True),
            {"count": "Ready"},
            Backlog(at_least=0, at_most=None, doubt="an alarm of the broker blocks what publishes to ^"),
            id="an alarm, and no queue",
        ),
        pytest.param(
            entry(unknown(at=NOW, name="x"), *BOTH, pattern="^"),
            {},
            Backlog(at_least=23, at_most=None),
            id="one cannot be read",
        ),
        pytest.param(
            entry(BOTH[0], unknown(at=NOW, name="x"), pattern="^"),
            {"how": "Average"},
            Backlog(at_least=6, at_most=None),
            id="one of two cannot be read",
        ),
        pytest.param(
            replace(entry(*BOTH, pattern="^"), awaited=2),
            {"how": "Average"},
            Backlog(at_least=6, at_most=None),
            id="two were not read yet",
        ),
        pytest.param(
            entry(BOTH[0], seen(9, counted(9, 2, asked=3.0, answered=3.0)), pattern="^"),
            {},
            Backlog(at_least=23, at_most=None, between=True),
            id="one was counted before",
        ),
        pytest.param(
            entry(seen(9, SILENT, name="x"), seen(9, counted(9, 2, asked=3.0, answered=3.0)), pattern="^"),
            {},
            Backlog(at_least=20, at_most=None),
            id="and one not at all",
        ),
        pytest.param(
            replace(entry(BOTH[0], seen(9, counted(9, 2, asked=3.0, answered=3.0)), pattern="^"), awaited=1),
            {},
            Backlog(at_least=23, at_most=None),
            id="and one was not read yet",
        ),
        pytest.param(
            entry(seen(0, NO_LANE, consumers=0, name="x"), *BOTH, pattern="^"),
            {"running": 3},
            Backlog(
                at_least=23,
                at_most=None,
                doubt="x reads empty and without consumers while 3 pods run, which nothing confirms",
            ),
            id="one is doubtful",
        ),
        pytest.param(
            entry(*BOTH, seen(0, NO_LANE, consumers=0, name="x"), pattern="^"),
            {"running": 0},
            Backlog(at_least=23, at_most=23),
            id="not without pods",
        ),
        pytest.param(
            replace(entry(*BOTH, pattern="^"), alarmed=True),
            {},
            Backlog(at_least=23, at_most=None, doubt="an alarm of the broker blocks what publishes to ^"),
            id="an alarm",
        ),
        pytest.param(
            replace(entry(BOTH[0]), alarmed=True),
            {},
            Backlog(at_least=12, at_most=None, doubt="an alarm of the broker blocks what publishes to a"),
            id="an alarm of one queue",
        ),
        pytest.param(
            replace(entry(*BOTH, pattern="^"), unmatched=SILENT),
            {},
            Backlog(at_least=23, at_most=None),
            id="there may be others",
        ),
        pytest.param(
            replace(entry(BOTH[0]), unmatched=SILENT), {}, Backlog(at_least=12, at_most=None), id="or others than this"
        ),
        pytest.param(entry(unknown(at=NOW), pattern="^"), {}, None, id="nothing is known"),
        pytest.param(entry(unknown(at=NOW), unknown(at=NOW), pattern="^"), {}, None, id="of none"),
        pytest.param(
            EntryObservation(name="^", vhost="/", queues=(), pattern=True),
            {},
            Backlog(at_least=0, at_most=0),
            id="there is none",
        ),
        pytest.param(
            EntryObservation(name="^", vhost="/", queues=(), pattern=True, unmatched=SILENT),
            {},
            None,
            id="nobody knows which there are",
        ),
    ],
)
def test_bounds_of_all_queues_of_an_entry(
    observed: EntryObservation, changes: dict[str, Any], expected: Backlog | None
) -> None:
    assert expected == together(observed, **changes)


def test_the_longest_of_queues_that_were_not_read_holds_nothing() -> None:
    unread = entry(unknown(at=NOW, name="x"), unknown(at=NOW, name="y"), pattern="^")

    assert [0, 9] == [ready_of(observed, "Max") for observed in (unread, entry(*BOTH, pattern="^"))]
