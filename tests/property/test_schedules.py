"""Schedules against a model that walks minute by minute with its own reading of cron, through changes of the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.scaling import schedules as module
from qc_operator.scaling.fallback import answer
from qc_operator.scaling.schedules import bounds, window
from qc_operator.spec_policy import Fallback, Schedule

MINUTE = timedelta(minutes=1)
# The Sundays of Berlin, New York and Lord Howe (half an hour); Cairo's clock jumps at midnight; a day with no change.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 10, 29, 21, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 6, 1, tzinfo=UTC)),
    ("UTC", datetime(2024, 2, 29, tzinfo=UTC)),
]


@dataclass(frozen=True)
class Times:
    """Times of the clock, and how cron writes them."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    weekdays: tuple[int, ...] | None
    stars: bool

    @property
    def cron(self) -> str:
        def field(values: tuple[int, ...], every: int) -> str:
            return "*" if self.stars and len(values) == every else ",".join(map(str, values))

        weekdays = "*" if self.weekdays is None else ",".join(map(str, self.weekdays))
        return f"{field(self.minutes, 60)} {field(self.hours, 24)} * * {weekdays}"

    def name(self, wall: datetime) -> bool:
        fits = wall.minute in self.minutes and wall.hour in self.hours
        return fits and (self.weekdays is None or (wall.weekday() + 1) % 7 in self.weekdays)


some_minutes = st.one_of(
    st.lists(st.sampled_from([0, 1, 10, 29, 30, 31, 59]), min_size=1, max_size=3, unique=True).map(tuple),
    st.just(tuple(range(60))),
)
# Mostly the hours in which clocks change.
some_hours = st.one_of(
    st.lists(st.sampled_from([0, 1, 2, 3, 23, 12]), min_size=1, max_size=3, unique=True).map(tuple),
    st.just(tuple(range(24))),
)
some_weekdays = st.one_of(st.none(), st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True).map(tuple))
times = st.builds(Times, minutes=some_minutes, hours=some_hours, weekdays=some_weekdays, stars=st.booleans())


def walk(start: Times, end: Times, *, zone: ZoneInfo, first: datetime, last: datetime) -> dict[datetime, bool]:
    """Whether the window is open, minute by minute, once the first start or end has been seen."""
    opened: dict[datetime, bool] = {}
    is_open: bool | None = None
    shown = first.astimezone(zone).replace(tzinfo=None, fold=0) - MINUTE
    at = first
    while at <= last:
        wall = at.astimezone(zone).replace(tzinfo=None, fold=0)
        # Minutes that the clock skips are told when it jumps.
        while (shown := min(shown + MINUTE, wall)) < wall:
            is_open = True if start.name(shown) else False if end.name(shown) else is_open
        is_open = True if start.name(wall) else False if end.name(wall) else is_open
        if is_open is not None:
            opened[at] = is_open
        at += MINUTE
    return opened


@settings(max_examples=60, deadline=None)
@given(
    start=times, end=times, change=st.sampled_from(CHANGES), seconds=st.integers(0, 59), before=st.integers(200, 1500)
)
def test_a_window_is_open_when_the_clock_on_the_wall_says_so(
    start: Times, end: Times, change: tuple[str, datetime], seconds: int, before: int
) -> None:
    name, moment = change
    schedule = Schedule(name="s", start=start.cron, end=end.cron, time_zone=name, min_replicas=1)
    first, last = moment - before * MINUTE, moment + 300 * MINUTE
    # A week earlier every start and end has been seen at least once.
    walked = walk(start, end, zone=ZoneInfo(name), first=first - timedelta(days=7), last=last)
    opened = {at: state for at, state in walked.items() if at >= first}
    held = window(schedule, at=first)

    for at, expected in opened.items():
        asked = at + timedelta(seconds=seconds)
        # Asked anew often around the change, which is where it is hard, and otherwise when the last answer ends.
        if asked >= held.until or (abs(at - moment) < 100 * MINUTE and at.minute % 5 == seconds % 5):
            held = window(schedule, at=asked)
            assert held.since <= asked < held.until

        assert (at, expected) == (at, held.open)


schedule_sets = st.lists(
    st.builds(
        lambda start, end, zone, least, most: Schedule(
            name="s", start=start.cron, end=end.cron, time_zone=zone, min_replicas=least, max_replicas=most
        ),
        start=times,
        end=times,
        zone=st.sampled_from([name for name, _ in CHANGES]),
        least=st.one_of(st.none(), st.integers(0, 100)),
        most=st.one_of(st.none(), st.integers(1, 100)),
    ),
    max_size=4,
).map(tuple)
moments = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None)
@given(schedules=schedule_sets, asked=st.lists(moments, min_size=1, max_size=4), least=st.integers(0, 100))
def test_what_is_remembered_is_what_would_be_found_anew(
    schedules: tuple[Schedule, ...], asked: list[datetime], least: int
) -> None:
    for at in asked:
        remembered = bounds(schedules, min_replicas=least, max_replicas=100, at=at)

        found = module._bounds(schedules, min_replicas=least, max_replicas=100, at=at)
        assert (found.min, found.max, found.active) == (remembered.min, remembered.max, remembered.active)


@settings(deadline=None)
@given(schedules=schedule_sets, at=moments, least=st.integers(0, 100), most=st.integers(1, 100))
def test_the_largest_minimum_and_the_smallest_maximum_win_and_a_maximum_wins_over_a_minimum(
    schedules: tuple[Schedule, ...], at: datetime, least: int, most: int
) -> None:
    found = bounds(schedules, min_replicas=least, max_replicas=most, at=at)

    active = [schedule for schedule in schedules if window(schedule, at=at).open]
    lows = [schedule.min_replicas for schedule in active if schedule.min_replicas is not None]
    highs = [schedule.max_replicas for schedule in active if schedule.max_replicas is not None]
    low, high = max(lows, default=least), min(highs, default=most)
    assert (min(low, high), high) == (found.min, found.max)
    assert (low > high) == (found.conflict is not None)


@given(
    policy=st.sampled_from(["AtLeast", "AtMost", "Exactly", "KeepCurrent"]),
    replicas=st.integers(0, 100_000),
    current=st.integers(0, 100_000),
    after=st.integers(1, 604_800),
    since=st.floats(0, 10**9),
    passed=st.floats(0, 10**7),
)
def test_a_fallback_lowers_only_where_its_policy_says_so_and_never_before_its_time(
    *, policy: str, replicas: int, current: int, after: int, since: float, passed: float
) -> None:
    fallback = Fallback(after_seconds=after, replicas=None if policy == "KeepCurrent" else replicas, policy=policy)  # type: ignore[arg-type]

    found = answer(fallback, unread_since=since, current=current, now=since + passed)

    if found is None:
        assert since + passed - since < after
    else:
        assert since + passed - since >= after
        expected = {
            "AtLeast": max(current, replicas),
            "AtMost": min(current, replicas),
            "Exactly": replicas,
            "KeepCurrent": current,
        }
        assert expected[policy] == found.replicas
        assert found.replicas >= current or policy in {"AtMost", "Exactly"}
