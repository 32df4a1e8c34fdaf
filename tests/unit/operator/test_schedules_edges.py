"""Windows that open or close in the very second in which the clock jumps, and those that never open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from qc_operator.scaling.schedules import window
from qc_operator.spec_policy import Schedule

# Berlin's clock goes from 2:00 to 3:00.
JUMP = datetime(2026, 3, 29, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def schedule(start: str, end: str) -> Schedule:
    given = {"name": "s", "start": start, "end": end, "timeZone": "Europe/Berlin", "minReplicas": 1}
    return msgspec.convert(given, Schedule)


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_what_falls_into_the_hour_that_is_skipped_comes_in_the_second_of_the_jump(minute: int) -> None:
    found = schedule(f"{minute} 2 * * *", "0 6 * * *")

    before, after = window(found, at=JUMP - SECOND), window(found, at=JUMP)
    assert (False, JUMP) == (before.open, before.until)
    assert (True, JUMP) == (after.open, after.since)


def test_a_window_has_been_as_it_is_since_the_last_start_or_end() -> None:
    found = window(schedule("0 8 * * *", "0 18 * * *"), at=datetime(2026, 6, 1, 20, 0, 0, 999_999, tzinfo=UTC))

    # 18:00 and 8:00 in Berlin's summer.
    assert (False, datetime(2026, 6, 1, 16, tzinfo=UTC), datetime(2026, 6, 2, 6, tzinfo=UTC)) == (
        found.open,
        found.since,
        found.until,
    )


@pytest.mark.parametrize(
    ("zone", "moment", "until"),
    [
        ("America/New_York", "2026-06-01T12:00", "2026-06-01T13:00"),
        ("America/New_York", "2026-06-01T13:00", "2026-06-01T21:00"),
        ("Asia/Tokyo", "2026-05-31T23:00", "2026-06-01T00:00"),
        ("Pacific/Kiritimati", "2026-05-31T18:00", "2026-05-31T19:00"),
    ],
)
def test_the_next_start_or_end_is_found_on_either_side_of_utc(zone: str, moment: str, until: str) -> None:
    found = msgspec.structs.replace(schedule("0 9 * * *", "0 17 * * *"), time_zone=zone)

    at, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, until))
    assert expected == window(found, at=at).until
