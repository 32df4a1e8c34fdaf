"""Schedules: other bounds at certain times, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from qc_operator.scaling.schedules import Bounds, bounds, window
from qc_operator.spec_policy import Fallback, Schedule, check_fallback, check_schedules

BLACK_FRIDAY = {
    "name": "black-friday",
    "start": "0 6 27 11 *",
    "end": "0 2 30 11 *",
    "timeZone": "Europe/Berlin",
    "minReplicas": 20,
}
NIGHT = {"name": "night", "start": "0 22 * * *", "end": "0 6 * * *", "maxReplicas": 5}


def schedule(**fields: Any) -> Schedule:
    """A schedule as YAML would give it."""
    given = {"name": "s", "start": "0 8 * * *", "end": "0 18 * * *"} | fields
    if not {"minReplicas", "maxReplicas"} & given.keys():
        given["minReplicas"] = 1
    return msgspec.convert(given, Schedule)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def at(moment: str, *fields: dict[str, Any], least: int = 0, most: int = 50) -> Bounds:
    schedules = tuple(schedule(**one) for one in fields)
    return bounds(schedules, min_replicas=least, max_replicas=most, at=utc(moment))


def opened(moment: str, **fields: Any) -> bool:
    return window(schedule(**fields), at=utc(moment)).open


def problems(*fields: dict[str, Any], least: int = 0, most: int = 50) -> list[tuple[str, str, object]]:
    return list(check_schedules([schedule(**one) for one in fields], min_replicas=least, max_replicas=most))


def test_black_friday_begins_and_ends_by_the_clock_of_the_shop() -> None:
    # Berlin is one hour ahead of UTC in November.
    story = [at(f"2026-11-{moment}", BLACK_FRIDAY) for moment in ("27T04:59:59", "27T05:00", "29T12:00", "30T00:59:59")]
    over = at("2026-11-30T01:00", BLACK_FRIDAY)

    assert [0, 20, 20, 20, 0] == [found.min for found in (*story, over)]
    assert [(), ("black-friday",)] == [found.active for found in story[:2]]
    assert "minReplicas 20 of schedule black-friday" == story[1].min_words
    assert "minReplicas 0" == over.min_words
    assert {50} == {found.max for found in story}
    assert [utc("2026-11-27T05:00"), utc("2026-11-30T01:00")] == [found.until for found in story[:2]]
    assert utc("2027-11-27T05:00") == over.until


def test_the_end_is_not_missed_by_an_answer_that_is_remembered() -> None:
    for _ in range(2):
        for moment, least in (("2026-11-27T05:00", 20), ("2026-11-30T01:00", 0), ("2026-11-27T04:59:59.999", 0)):
            assert (moment, least) == (moment, at(moment, BLACK_FRIDAY).min)


def test_an_answer_is_not_taken_for_an_earlier_time_than_it_holds_for() -> None:
    both = ({"name": "old", "start": "0 0 1 1 *", "end": "0 0 31 12 *", "maxReplicas": 9}, BLACK_FRIDAY)

    for moment, least in (("2026-11-28T05:00", 9), ("2026-11-26T05:00", 0)):
        assert least == at(moment, *both).min


def test_a_minimum_that_is_the_maximum_is_no_conflict() -> None:
    assert at("2026-11-28T05:00", {**BLACK_FRIDAY, "maxReplicas": 20}).conflict is None


def test_without_schedules_the_bounds_of_the_spec_hold_for_ever() -> None:
    at("2026-11-27T05:00", least=2, most=9)

    found = at("2026-11-27T05:00", least=2, most=9)

    assert (2, 9, (), None) == (found.min, found.max, found.active, found.until)
    assert ("minReplicas 2", "maxReplicas 9") == (found.min_words, found.max_words)


def test_a_bound_that_no_open_window_sets_is_that_of_the_spec() -> None:
    found = at("2026-11-28T23:00", NIGHT, least=2, most=9)

    assert (2, 5) == (found.min, found.max)
    assert "maxReplicas 5 of schedule night" == found.max_words


def test_a_schedule_may_lower_the_minimum_and_raise_the_maximum_of_the_spec() -> None:
    found = at("2026-11-28T12:00", {"minReplicas": 0, "maxReplicas": 80}, least=2, most=9)

    assert (0, 80) == (found.min, found.max)


def test_of_open_windows_the_largest_minimum_and_the_smallest_maximum_win() -> None:
    found = at(
        "2026-11-28T12:00",
        {"name": "day", "minReplicas": 3, "maxReplicas": 30},
        {"name": "weekend", "start": "0 0 * * 6", "end": "0 0 * * 1", "minReplicas": 7, "maxReplicas": 40},
        {"name": "lunch", "start": "0 12 * * *", "end": "0 13 * * *", "maxReplicas": 20},
        {"name": "evening", "start": "0 19 * * *", "end": "0 20 * * *", "minReplicas": 49},
    )

    assert (7, 20, ("day", "weekend", "lunch")) == (found.min, found.max, found.active)
    assert "minReplicas 7 of schedule weekend" == found.min_words
    assert "maxReplicas 20 of schedule lunch" == found.max_words
    assert utc("2026-11-28T13:00") == found.until
    assert found.conflict is None


def test_a_maximum_wins_over_a_minimum_and_this_is_told() -> None:
    found = at("2026-11-28T01:00", BLACK_FRIDAY, NIGHT)

    assert (5, 5) == (found.min, found.max)
    words = "minReplicas 20 of schedule black-friday cannot be had: maxReplicas 5 of schedule night wins"
    assert words == found.conflict


def test_of_equal_bounds_the_first_schedule_is_named() -> None:
    found = at("2026-11-28T12:00", {"name": "one", "minReplicas": 3}, {"name": "two", "minReplicas": 3})

    assert "minReplicas 3 of schedule one" == found.min_words


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T07:59:59", False),
        ("2026-11-23T08:00:00", True),
        ("2026-11-23T17:59:59.999999", True),
        ("2026-11-23T18:00:00", False),
        ("2026-11-28T12:00:00", False),  # a Saturday
    ],
)
def test_a_window_holds_its_start_and_not_its_end(moment: str, expected: bool) -> None:  # noqa: FBT001
    assert expected is opened(moment, start="0 8 * * mon-fri", end="0 18 * * mon-fri")


def test_a_start_on_the_minute_of_an_end_wins() -> None:
    found = window(schedule(start="0 6 * * *", end="0 6,18 * * *"), at=utc("2026-11-23T06:00"))

    assert (True, utc("2026-11-23T18:00")) == (found.open, found.until)


def test_an_end_that_ends_nothing_is_not_the_next_change() -> None:
    found = window(schedule(start="0 6 * * *", end="0 6 * * */2"), at=utc("2026-11-23T07:00"))

    assert found.open
    assert found.until > utc("2026-11-27T00:00")


def test_a_window_that_never_closes_is_found_out_soon_enough() -> None:
    found = window(schedule(start="* * * * *", end="0 0 29 2 *"), at=utc("2026-11-23T07:00"))

    assert found.open
    assert found.until > utc("2060-01-01T00:00")


def test_29_february_may_be_40_years_away() -> None:
    # A Sunday on 29 February: in 2088, and as 2100 is no leap year, not before 2128.
    found = window(schedule(start="0 0 29 2 */7", end="0 0 1 3 *"), at=utc("2089-01-01T00:00"))

    assert (False, utc("2128-02-29T00:00")) == (found.open, found.until)


# Berlin, 29 March 2026: at 01:00 UTC the clock jumps from 2:00 to 3:00.
@pytest.mark.parametrize(
    ("start", "end", "open_from", "open_until"),
    [
        pytest.param("30 2 * * *", "0 6 * * *", "01:00", "04:00", id="a skipped start comes at the jump"),
        pytest.param("0 1 * * *", "30 2 * * *", "00:00", "01:00", id="so does a skipped end"),
        pytest.param("0 3 * * *", "0 4 * * *", "01:00", "02:00", id="the hour after it is as always"),
        pytest.param("59 1 * * *", "0 3 * * *", "00:59", "01:00", id="the last minute before it, too"),
    ],
)
def test_a_time_that_the_clock_skips_comes_when_it_jumps(start: str, end: str, open_from: str, open_until: str) -> None:
    assert_open_between(f"2026-03-29T{open_from}", f"2026-03-29T{open_until}", start=start, end=end)


def test_a_window_within_the_hour_that_is_skipped_does_not_open() -> None:
    found = window(
        schedule(start="10 2 * * *", end="50 2 * * *", timeZone="Europe/Berlin"), at=utc("2026-03-29T00:59:59")
    )

    assert (False, utc("2026-03-30T00:10")) == (found.open, found.until)
    assert not opened("2026-03-29T01:00", start="10 2 * * *", end="50 2 * * *", timeZone="Europe/Berlin")


def test_of_what_the_jump_brings_together_the_later_time_of_the_clock_wins() -> None:
    assert opened("2026-03-29T01:00", start="50 2 * * *", end="10 2 * * *", timeZone="Europe/Berlin")


# Berlin, 25 October 2026: from 00:00 UTC the clock shows 2:00 to 2:59, and from 01:00 UTC again.
@pytest.mark.parametrize(
    ("start", "end", "open_from", "open_until"),
    [
        pytest.param("30 2 * * *", "0 6 * * *", "00:30", "05:00", id="a start counts the first time"),
        pytest.param("0 1 * * *", "30 2 * * *", "23:00", "00:30", id="an end counts the first time"),
        pytest.param("30 2 * * *", "0 3 * * *", "00:30", "02:00", id="up to after the second hour"),
    ],
)
def test_a_time_that_comes_twice_counts_at_once(start: str, end: str, open_from: str, open_until: str) -> None:
    day = "24" if open_from > open_until else "25"
    assert_open_between(f"2026-10-{day}T{open_from}", f"2026-10-25T{open_until}", start=start, end=end)


def test_a_window_within_the_hour_that_comes_twice_opens_twice() -> None:
    times = {"start": "10 2 * * *", "end": "50 2 * * *"}

    assert_open_between("2026-10-25T00:10", "2026-10-25T00:50", **times)
    assert_open_between("2026-10-25T01:10", "2026-10-25T01:50", **times)


def test_in_the_second_of_the_two_hours_what_came_in_the_first_is_known() -> None:
    # 2:10 for the second time: the 2:30 of the first hour has been.
    assert opened("2026-10-25T01:10", start="30 2 * * *", end="15 3 * * *", timeZone="Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # New York, 8 March 2026: at 07:00 UTC from 2:00 to 3:00; on 1 November from 06:00 UTC 1:00 to 1:59 again.
        ("2026-03-08T06:59:59", False),
        ("2026-03-08T07:00", True),
        ("2026-03-08T07:29", True),
        ("2026-03-08T07:30", False),
        ("2026-11-01T06:59:59", False),
        ("2026-11-01T07:30", True),
        ("2026-11-01T08:30", False),
    ],
)
def test_new_york_in_spring_and_autumn(moment: str, expected: bool) -> None:  # noqa: FBT001
    assert expected is opened(moment, start="30 2 * * *", end="30 3 * * *", timeZone="America/New_York")


def test_new_york_opens_in_the_first_of_two_hours() -> None:
    assert opened("2026-11-01T05:30", start="30 1 * * *", end="0 4 * * *", timeZone="America/New_York")


def assert_open_between(first: str, last: str, /, **fields: str) -> None:
    """The window opens and closes then, found from before, from within and from after."""
    made, second = schedule(timeZone="Europe/Berlin", **fields), timedelta(seconds=1)
    before, within = window(made, at=utc(first) - second), window(made, at=utc(first))
    latest, after = window(made, at=utc(last) - second), window(made, at=utc(last))

    assert [False, True, True, False] == [found.open for found in (before, within, latest, after)]
    assert [utc(first), utc(last), utc(last)] == [found.until for found in (before, within, latest)]


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlinn",
        "Europe",
        "Local",
        "localtime",
        "../etc/passwd",
        "/etc/localtime",
        "right/UTC",
        "posix/UTC",
        "UTC+1 ",
        "tzdata.zi",
        "zone1970",
    ],
)
def test_a_time_zone_that_does_not_exist_is_told(zone: str) -> None:
    ((path, rule, value),) = problems({"timeZone": zone})

    assert ("[0].timeZone", zone) == (path, value)
    assert "IANA" in rule


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_a_time_zone_that_exists_is_fine(zone: str) -> None:
    assert [] == problems({"timeZone": zone})


@pytest.mark.parametrize("cron", ["0 0 30 2 *", "0 0 31 2,4,6 *", "0 0 31 nov */2"])
def test_a_time_that_never_comes_is_told(cron: str) -> None:
    ((path, rule, value),) = problems({"start": cron})

    assert ("[0].start", cron) == (path, value)
    assert "must come at some time, and never does: no month that it names has such a day" == rule


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("61 * * * *", "the minute (field 1) must be *, 0 to 59"),
        ("0 24 * * *", "the hour (field 2) must be *, 0 to 23"),
        ("0 0 0 * *", "the day of the month (field 3)"),
        ("0 0 1 foo *", "the month (field 4)"),
        ("0 0 * * 8", "the day of the week (field 5)"),
        ("0 0 L * *", "the day of the month (field 3)"),
        ("0 0 * * mon#1", "the day of the week (field 5)"),
        ("*/0 * * * *", "the minute (field 1)"),
        ("0,,5 * * * *", "the minute (field 1)"),
        ("\u0661 * * * *", "the minute (field 1)"),
        ("0 22-2 * * *", "the hour (field 2) must have ranges that rise; write 22-23,0-2 for 22-2"),
        ("0 0 * * sat-sun", "the day of the week (field 5) must have ranges that rise"),
        ("0 0 * *", "five fields"),
        ("0 0 0 * * *", "five fields"),
        ("@daily", "five fields"),
        ("0 0 * *\t*", "five fields"),
    ],
)
def test_what_is_no_cron_expression_is_told_with_its_field(cron: str, words: str) -> None:
    ((path, rule, value),) = problems({"end": cron})

    assert ("[0].end", cron) == (path, value)
    assert words in rule


@pytest.mark.parametrize(
    "cron", ["0 6 27 11 *", "*/5 8-18 * jan-MAR,12 mon-fri", "0  0 * * 7", "5/15 * * * *", "0 0 29 2 */7", "0 0 30 2 1"]
)
def test_what_cron_takes_is_fine(cron: str) -> None:
    assert [] == problems({"start": cron})


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"start": "0 6 * * mon", "end": "0  6 * * MON"}, "[0].end", "must differ from start"),
        (
            {"minReplicas": 9, "maxReplicas": 8},
            "[0].minReplicas",
            "must not be larger than maxReplicas 8 of the schedule",
        ),
        ({"minReplicas": 51}, "[0].minReplicas", "must not be larger than spec.maxReplicas 50"),
        ({"maxReplicas": 1}, "[0].maxReplicas", "must not be smaller than spec.minReplicas 2"),
    ],
)
def test_what_the_schema_refuses_is_refused_here_too(fields: dict[str, Any], path: str, words: str) -> None:
    ((found, rule, _),) = problems(fields, least=2)

    assert path == found
    assert words in rule


def test_a_schedule_without_a_bound_is_told() -> None:
    bare = Schedule(name="s", start="0 8 * * *", end="0 9 * * *")

    assert [("[0]", "must have at least one bound, minReplicas or maxReplicas", "s")] == list(
        check_schedules([bare], min_replicas=0, max_replicas=1)
    )


def test_bounds_may_leave_those_of_the_spec_when_a_schedule_has_both() -> None:
    assert [] == problems({"minReplicas": 50}, {"name": "t", "maxReplicas": 2}, least=2)
    assert [] == problems(
        {"minReplicas": 60, "maxReplicas": 60}, {"name": "t", "minReplicas": 0, "maxReplicas": 1}, least=2
    )


def test_names_are_unique_and_schedules_few() -> None:
    assert [] == problems(*({"name": f"s{index}"} for index in range(16)))
    assert ["", "[1].name"] == sorted(
        {path for path, _, _ in problems(*({"name": f"s{max(index, 1)}"} for index in range(17)))}
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Black Friday"},
        {"name": "-a"},
        {"name": "a" * 64},
        {"start": ""},
        {"end": "0" * 65},
        {"timeZone": ""},
        {"minReplicas": -1},
        {"minReplicas": 100_001},
        {"maxReplicas": 0},
        {"maxReplicas": 100_001},
        {"until": "x"},
    ],
)
def test_a_schedule_has_the_bounds_of_the_schema(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        schedule(**fields)


@pytest.mark.parametrize(
    "fields",
    [{}, {"afterSeconds": 0}, {"afterSeconds": 604_801}, {"replicas": -1}, {"replicas": 100_001}, {"policy": "Never"}],
)
def test_a_fallback_has_the_bounds_of_the_schema(fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"afterSeconds": 180} | fields if fields else {}, Fallback)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "must be set: policy AtLeast needs replicas"),
        ({"policy": "Exactly"}, "must be set: policy Exactly needs replicas"),
        ({"policy": "KeepCurrent", "replicas": 0}, "must not be set: policy KeepCurrent keeps the replicas"),
        ({"replicas": 11}, "must not be larger than maxReplicas 10"),
    ],
)
def test_replicas_of_a_fallback_fit_its_policy(fields: dict[str, Any], words: str) -> None:
    ((path, rule, _),) = check_fallback(msgspec.convert({"afterSeconds": 180} | fields, Fallback), max_replicas=10)

    assert ".replicas" == path
    assert words in rule


@pytest.mark.parametrize("fields", [{"replicas": 10}, {"replicas": 0, "policy": "AtMost"}, {"policy": "KeepCurrent"}])
def test_a_good_fallback_is_fine(fields: dict[str, Any]) -> None:
    assert [] == list(check_fallback(msgspec.convert({"afterSeconds": 604_800} | fields, Fallback), max_replicas=10))
