"""The course of a queue's figures: points where something changes, in bounded memory."""

from __future__ import annotations

import sys
from math import isnan

from qc_operator.page.figures import Figures
from qc_operator.page.history import COARSE_POINTS, FINE, FINE_POINTS, MOST_BYTES, History

NOW = 1_800_000_000


def lag(ready: float, unacked: float = 0.0) -> Figures:
    return Figures(ready=ready, unacked=unacked, current=1.0, desired=1.0)


def told(history: History, at: int, figures: Figures) -> None:
    """What the board does at each decision."""
    if history.due(at):
        history.take(at, figures)


def test_a_queue_that_stands_still_keeps_one_point_however_long() -> None:
    history = History()
    for second in range(0, 3600, 5):
        told(history, NOW + second, lag(7))

    assert [(NOW, 7.0), (NOW + 3600, 7.0)] == [(at, point.ready) for at, point in history.points(now=NOW + 3600)]


def test_points_lie_fifteen_seconds_apart_at_least() -> None:
    history = History()
    for second in range(60):
        told(history, NOW + second, lag(second))

    assert [0, 15, 30, 45] == [at - NOW for at, _ in history.points(now=NOW + 45)]


def test_a_change_of_replicas_has_a_point_of_its_own() -> None:
    history = History()
    told(history, NOW, lag(1))
    history.take(NOW + 2, lag(1)._replace(desired=8.0))

    assert [(0, 1.0), (2, 8.0)] == [(at - NOW, point.desired) for at, point in history.points(now=NOW + 2)]


def test_the_near_past_is_fine_and_the_far_one_coarse() -> None:
    history = History()
    for second in range(0, 12 * 3600, FINE):
        told(history, NOW + second, lag(second))
    end = NOW + 12 * 3600 - FINE
    ages = [end - at for at, _ in history.points(now=end)]

    assert ages == sorted(ages, reverse=True)
    assert [FINE * n for n in range(FINE_POINTS)] == ages[: -FINE_POINTS - 1 : -1]
    assert COARSE_POINTS * 60 >= ages[0] >= (COARSE_POINTS - 1) * 60


def test_memory_is_bounded() -> None:
    history = History()
    for second in range(0, 24 * 3600, FINE):
        told(history, NOW + second, lag(second))
    points = [history._fine._points, history._coarse._points]

    assert MOST_BYTES == 15_360 == sum(map(len, points))
    # A bytearray keeps up to an eighth in reserve.
    assert sum(map(sys.getsizeof, points)) < 1.25 * MOST_BYTES


def test_where_nothing_was_told_for_a_minute_there_is_a_gap() -> None:
    history = History()
    told(history, NOW, lag(5))
    told(history, NOW + 30, lag(5))
    told(history, NOW + 200, lag(5))

    assert [(0, 5.0), (30, None), (200, 5.0)] == [
        (at - NOW, None if isnan(point.ready) else point.ready) for at, point in history.points(now=NOW + 200)
    ]


def test_a_gap_is_one_however_far_back_it_lies() -> None:
    """Where the fine points are gone, the hours without a decision are no hours of the same lag."""
    history = History()
    for second in range(0, 106, FINE):
        told(history, NOW + second, lag(second + 1))
    again = 3 * 3600
    for second in range(again, again + FINE_POINTS * FINE + 60, FINE):
        told(history, NOW + second, lag(second))
    points = history.points(now=NOW + again + FINE_POINTS * FINE)

    assert [(0, 1.0), (60, 61.0), (105, None), (again, float(again))] == [
        (at - NOW, None if isnan(point.ready) else point.ready) for at, point in points[:4]
    ]


def test_what_was_told_long_ago_does_not_stand_until_now() -> None:
    history = History()
    told(history, NOW, lag(5))

    assert isnan(history.points(now=NOW + 61)[-1][1].ready)
    assert 5.0 == history.points(now=NOW + 60)[-1][1].ready


def test_a_clock_that_is_set_back_is_gone_on_with_at_once() -> None:
    """It was an hour ahead for a while: that hour is yet to come, and is not waited for."""
    history = History()
    for second in (0, 60, 3600, 3615):
        told(history, NOW + second, lag(second))
    for second in (75, 80, 90):
        told(history, NOW + second, lag(second))

    assert [(0, 0.0), (60, 60.0), (60, None), (75, 75.0), (90, 90.0)] == [
        (at - NOW, None if isnan(point.ready) else point.ready) for at, point in history.points(now=NOW + 90)
    ]


def test_a_clock_that_is_set_back_a_little_loses_what_came_after() -> None:
    history = History()
    for second, ready in ((0, 1), (20, 2), (19, 2), (20, 3), (34, 4)):
        told(history, NOW + second, lag(ready))

    assert [(0, 1.0), (19, 2.0), (34, 4.0)] == [(at - NOW, point.ready) for at, point in history.points(now=NOW + 34)]


def test_all_that_is_known_may_have_been_of_a_clock_that_was_wrong() -> None:
    history = History()
    told(history, NOW + 3600, lag(7))
    told(history, NOW, lag(7))

    assert [(NOW, 7.0)] == [(at, point.ready) for at, point in history.points(now=NOW)]


def test_the_point_of_now_has_the_figures_of_now() -> None:
    """The last one that was kept may be fifteen seconds old, and stands next to a number that is not."""
    history = History()
    told(history, NOW, lag(5))

    assert [5.0, 8.0] == [point.ready for _, point in history.points(now=NOW + 9, latest=lag(8))]
    assert [8.0] == [point.ready for _, point in history.points(now=NOW, latest=lag(8))]
    assert isnan(history.points(now=NOW + 61, latest=lag(8))[-1][1].ready)


def test_a_curve_has_the_largest_lag_of_each_part() -> None:
    history = History()
    for second, ready in ((0, 0), (60, 90), (75, 10), (120, 0)):
        history.take(NOW + second, lag(ready))

    assert ("0910", 90.0) == history.curve(now=NOW + 200, span=200, parts=4)


def test_a_curve_counts_what_is_in_work_and_shows_what_is_not_known() -> None:
    history = History()
    history.take(NOW, Figures())
    history.take(NOW + 35, lag(0, unacked=4))

    assert (".99", 4.0) == history.curve(now=NOW + 90, span=90, parts=3)
