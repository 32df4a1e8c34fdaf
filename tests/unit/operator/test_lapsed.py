"""A time in which nobody looked, as while the API server was away, is one in which nothing was known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from qc_operator.scaling.learning import learned
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.trust import TOTALS_MAX_AGE
from tests.unit.operator.conftest import Story, known, observed, spec

NOW = 1000.0
LONG_AGO = 100.0


@pytest.mark.parametrize(("away", "lapsed"), [(TOTALS_MAX_AGE, False), (TOTALS_MAX_AGE + 0.1, True), (None, False)])
def test_windows_and_idleness_begin_anew_after_a_lapse(away: float | None, *, lapsed: bool) -> None:
    memory = replace(remember_nothing(now=LONG_AGO), seen_at=None if away is None else NOW - away)
    observation = observed(known(ready=0, unacknowledged=0, at=NOW), current=3)

    after = learned(spec=spec(), observation=observation, memory=memory, unread=False, now=NOW)

    begun = NOW if lapsed else LONG_AGO
    assert (begun, begun, NOW) == (after.since, after.busy_at, after.seen_at)


def test_a_queue_that_was_busy_before_a_lapse_does_not_count_as_idle_after_it() -> None:
    story = Story(spec=spec(idleAfterSeconds=60), replicas=3)
    story.pass_time(60, 50)

    lapsed = story.see(0, after=600.0)
    rested = story.pass_time(70, 0)

    assert (3, "Steady") == (lapsed.replicas, lapsed.reason)
    assert (0, 0) == (rested.replicas, story.replicas)
