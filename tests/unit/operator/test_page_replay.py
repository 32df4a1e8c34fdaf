"""What was sent last is kept for who lost the connection, so much and no more."""

from __future__ import annotations

import json

import pytest

from qc_operator.page import replay
from qc_operator.page.replay import KEPT, KEPT_BYTES, Replay, event


def kept(number: int, *, size: int = 1) -> tuple[Replay, list[str]]:
    """So many events, and the ids of what was the last before each and after all."""
    made = Replay()
    ids = [made.last]
    for each in range(number):
        made.keep(b"%d" % each + b"." * (size - 1))
        ids.append(made.last)
    return made, ids


def test_all_that_came_after_an_id_is_there_in_its_order() -> None:
    made, ids = kept(5)

    assert [b"2", b"3", b"4"] == made.after(ids[2])
    assert [b"0", b"1", b"2", b"3", b"4"] == made.after(ids[0])
    assert [] == made.after(ids[5])


def test_the_id_that_is_next_is_the_last_once_it_is_kept() -> None:
    made = Replay()
    coming = made.next
    made.keep(b"x")

    assert (coming, True) == (made.last, coming != made.next)


def test_who_missed_more_than_is_kept_gets_none_of_it() -> None:
    made, ids = kept(KEPT + 2)

    assert made.after(ids[1]) is None
    after = made.after(ids[2])
    assert after is not None
    assert (KEPT, b"2") == (len(after), after[0])


def test_large_events_take_the_place_of_more_small_ones() -> None:
    made, ids = kept(5, size=KEPT_BYTES // 4)

    assert 4 == len(made)
    assert made.after(ids[0]) is None
    assert made.after(ids[1]) is not None


def test_one_that_is_larger_than_all_that_is_kept_is_not_kept() -> None:
    made, ids = kept(1, size=KEPT_BYTES + 1)

    assert (0, None, []) == (len(made), made.after(ids[0]), made.after(ids[1]))


@pytest.mark.parametrize(
    "number", ["", "x", "-1", "1.0", "²", "٢" * 20, "9" * 15, "9" * 5000], ids=lambda value: value[:6]
)
def test_what_is_no_number_of_ours_is_none_of_ours(number: str) -> None:
    """It comes from anybody, and Python reads neither superscripts nor numbers of thousands of digits."""
    made, ids = kept(3)
    run = ids[0].partition("-")[0]

    assert made.after(f"{run}-{number}") is None


def test_another_run_has_other_ids() -> None:
    made, _ = kept(3)
    _, others = kept(3)

    assert made.after(others[1]) is None


def test_an_event_is_three_lines_and_an_empty_one() -> None:
    told = event(
        "update",
        event_id="ab-7",
        operator={"leading": True},
        gone=[("shop", "orders")],
        scalings=[],
        rows=[b'{"name":"a\\nb"}', b",", b'{"name":"c"}'],
    )
    lines = b"".join(told).decode().split("\n")

    assert ["id: ab-7", "event: update", "", ""] == [lines[0], lines[1], *lines[3:]]
    assert {
        "operator": {"leading": True}, "gone": [["shop", "orders"]], "scalings": [],
        "rows": [{"name": "a\nb"}, {"name": "c"}],
    } == json.loads(lines[2].removeprefix("data: "))  # fmt: skip


def test_a_line_end_in_a_name_ends_no_event() -> None:
    told = replay.event("all", event_id="a-0", operator={"pod": "x\n\nevent: y"}, gone=(), scalings=(), rows=[])

    assert 4 == b"".join(told).count(b"\n")
