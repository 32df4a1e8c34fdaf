"""The page's pictures show what the operator can say, in words that docs/operations.md explains."""

from datetime import UTC, datetime

from bench.page_scene import fleet, two_hours
from qc_operator.page.urgency import WORST_FIRST, urgency
from qc_operator.scaling.reasons import Limit, Reason
from tests.packaging.documents import DOCS, words

TABLES = {
    "Ready": ("ready", "slow lane"),
    "Active": ("active",),
    "ScalingLimited": ("limited",),
    "ObjectiveMet": ("objective",),
    "FallbackActive": ("others",),
    "Paused": ("others",),
}
"""Where the reasons of a condition are explained."""


def test_every_word_of_the_scene_is_one_that_can_be_looked_up() -> None:
    page, (_, told) = DOCS / "operations.md", two_hours(7200)
    fleets = [course.step(datetime.now(UTC), second=second, length=1)[0] for course in fleet(10) for second in (0, 30)]
    statuses = [each.status for each in told] + fleets
    conditions = {(each["type"], each["reason"]) for status in statuses for each in status["conditions"]}
    records = [status["lastDecision"] for status in statuses]
    records += [record for status in statuses for record in status.get("history", ())]

    assert set() == {kind for kind, _ in conditions} - set(TABLES)
    unexplained = [
        (kind, reason) for kind, reason in conditions if not any(reason in words(page, table) for table in TABLES[kind])
    ]
    assert [] == unexplained
    assert {"Scaling", "AccessRefused", "Annotation", "TooManyReplicas", "WaitTooLong"} <= {
        why for _, why in conditions
    }
    assert set(Reason) >= {record["reason"] for record in records}
    assert set(Limit) >= {record["limitedBy"] for record in records}


def test_what_the_scene_says_of_an_object_agrees() -> None:
    _, told = two_hours(7200)
    last = {each.about.key: each.status for each in told}
    states = [urgency(status).state for status in last.values()]

    assert [] == [key for key, status in last.items() if urgency(status).state == "idle" and status["desiredReplicas"]]
    assert set(WORST_FIRST) - {"silent"} == set(states)
