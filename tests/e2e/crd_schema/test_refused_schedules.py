"""Schedules that could not run, or that contradict the spec: refused, the field named."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, black_friday, changed

pytestmark = pytest.mark.cluster

FIVE_FIELDS = "must be a cron expression of five fields"


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("name", REMOVED, "Required", id="name-missing"),
        pytest.param("name", "", "at least 1 chars", id="name-empty"),
        pytest.param("name", "Black Friday", "must be lower-case letters", id="name-with-space"),
        pytest.param("name", "b" * 64, "may not be more than 63", id="name-too-long"),
        pytest.param("start", REMOVED, "Required", id="start-missing"),
        pytest.param("end", REMOVED, "Required", id="end-missing"),
        pytest.param("start", "", "at least 1 chars", id="start-empty"),
        pytest.param("start", "@daily", FIVE_FIELDS, id="start-a-word"),
        pytest.param("start", "0 6 27 11", FIVE_FIELDS, id="start-four-fields"),
        pytest.param("end", "0 0 6 27 11 *", FIVE_FIELDS, id="end-six-fields"),
        pytest.param("start", "2026-11-27T06:00:00Z", FIVE_FIELDS, id="start-a-date"),
        pytest.param("start", "60 6 27 11 *", "the minute (field 1) must be", id="minute-60"),
        pytest.param("start", "0 24 27 11 *", "the hour (field 2) must be", id="hour-24"),
        pytest.param("start", "0 6 0 11 *", "the day of the month (field 3) must be", id="day-0"),
        pytest.param("start", "0 6 32 11 *", "the day of the month (field 3) must be", id="day-32"),
        pytest.param("start", "0 6 27 13 *", "the month (field 4) must be", id="month-13"),
        pytest.param("start", "0 6 27 november *", "the month (field 4) must be", id="month-in-words"),
        pytest.param("end", "0 6 * * 8", "the day of the week (field 5) must be", id="weekday-8"),
        pytest.param("end", "0 6 * * L", "the day of the week (field 5) must be", id="weekday-L"),
        pytest.param("start", "*/0 6 * * *", "the minute (field 1) must be", id="step-0"),
        pytest.param("start", "0,, 6 * * *", "the minute (field 1) must be", id="list-with-holes"),
        pytest.param("start", "0 6 27 11 *" + "," * 64, "may not be more than 64", id="start-too-long"),
        pytest.param("end", "0 6 27 11 *", "must differ from start", id="end-is-start"),
        pytest.param("timeZone", "", "at least 1 chars", id="timeZone-empty"),
        pytest.param("timeZone", "Local", "name of a time zone in the IANA database", id="timeZone-local"),
        pytest.param("timeZone", "Europe Berlin", "name of a time zone", id="timeZone-with-space"),
        pytest.param("timeZone", "../../etc/passwd", "name of a time zone", id="timeZone-a-path"),
        pytest.param("minReplicas", REMOVED, "at least one bound, minReplicas or maxReplicas", id="no-bound"),
        pytest.param("minReplicas", -1, "greater than or equal to 0", id="minReplicas-negative"),
        pytest.param("maxReplicas", 0, "greater than or equal to 1", id="maxReplicas-zero"),
        pytest.param("maxReplicas", 10**6, "less than or equal to 100000", id="maxReplicas-huge"),
    ],
)
def test_a_schedule_that_could_not_run_is_refused(admission: Admission, field: str, value: Any, rule: str) -> None:
    refusal = admission.refused(changed({"schedules": [black_friday(**{field: value})]}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.schedules[0].{field}")


@pytest.mark.parametrize(
    ("schedules", "blamed", "rule"),
    [
        pytest.param([black_friday()] * 2, "[1]", "Duplicate value", id="name-twice"),
        pytest.param([black_friday(name=f"week-{n}") for n in range(17)], "", "at most 16 items", id="too-many"),
        pytest.param(
            [black_friday(minReplicas=9, maxReplicas=8)],
            "[0].minReplicas",
            "must not be larger than maxReplicas of the schedule: 9 > 8",
            id="min-above-its-max",
        ),
        pytest.param(
            [black_friday(minReplicas=51)],
            "",
            'schedule "black-friday": minReplicas must not be larger than spec.maxReplicas (50)',
            id="min-above-the-max-of-the-spec",
        ),
        pytest.param(
            [black_friday(minReplicas=REMOVED, maxReplicas=1)],
            "",
            'schedule "black-friday": maxReplicas must not be smaller than spec.minReplicas (2)',
            id="max-below-the-min-of-the-spec",
        ),
    ],
)
def test_schedules_that_contradict_are_refused(admission: Admission, schedules: Any, blamed: str, rule: str) -> None:
    refusal = admission.refused(changed({"minReplicas": 2, "schedules": schedules}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.schedules{blamed}")
