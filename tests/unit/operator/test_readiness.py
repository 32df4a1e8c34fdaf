"""Ready and Active say what is so at this moment: what waits, who holds it up, and what is going to happen."""

from __future__ import annotations

from typing import Any

import pytest

from qc_operator.readiness import active, readiness
from qc_operator.scaling.pause import parse
from tests.unit.operator.conftest import Story, entries, known, missing, spec

NOW = 1000.0
PAUSED = {"queueconsumer.dev/paused": "true"}
AT_LEAST = {"afterSeconds": 60, "replicas": 3}


@pytest.mark.parametrize(
    ("changes", "annotations", "replicas", "expected"),
    [
        pytest.param({}, {}, 2, ("True", "ReplicasRunning", "replicas are above zero"), id="replicas"),
        pytest.param(
            {},
            PAUSED,
            0,
            ("True", "MessagesReady", "messages wait, and an annotation pauses the object"),
            id="paused",
        ),
        pytest.param(
            {"mode": "Observe"},
            {},
            0,
            ("True", "MessagesReady", "messages wait, and mode Observe starts nothing"),
            id="observed",
        ),
        pytest.param(
            {"activateAbove": 30},
            {},
            0,
            ("True", "MessagesReady", "messages wait, no more than activateAbove"),
            id="not enough to wake up",
        ),
        pytest.param(
            {"activateAbove": 30, "mode": "Observe"},
            {},
            0,
            ("True", "MessagesReady", "messages wait, no more than activateAbove"),
            id="not enough to wake up where nothing would",
        ),
        pytest.param(
            {"behavior": {"scaleUp": {"selectPolicy": "Disabled"}}},
            {},
            0,
            ("True", "MessagesReady", "messages wait: held at 0, selectPolicy of scaleUp is Disabled"),
            id="switched off",
        ),
    ],
)
def test_messages_that_wait_are_told_with_what_keeps_them_waiting(
    changes: dict[str, Any], annotations: dict[str, str], replicas: int, expected: tuple[str, str, str]
) -> None:
    story = Story(spec=spec(**changes), replicas=replicas, pause=parse(annotations))
    seen = entries(known(ready=30, unacknowledged=0, at=NOW))

    told = active(decision=story.decide(*seen), entries=seen, observing="mode" in changes)

    assert expected == (told.status, told.reason, told.message)


@pytest.mark.parametrize(
    ("fallback", "fallen_back", "then"),
    [
        (None, False, "replicas stay until it is declared"),
        (AT_LEAST, False, "replicas stay until the fallback is due"),
        (AT_LEAST, True, "the fallback decides"),
    ],
)
def test_a_queue_that_is_missing_is_told_with_what_comes_of_it(
    *, fallback: dict[str, object] | None, fallen_back: bool, then: str
) -> None:
    seen = entries(missing(at=NOW))

    told = readiness(problem=None, entries=seen, spec=spec(fallback=fallback), fallen_back=fallen_back)

    assert ("False", "QueueMissing") == (told.status, told.reason)
    assert f"no queue 'receipts' in vhost 'shop': receipts (vhost shop); {then}" == told.message


def test_several_queues_that_are_missing_stay_so_until_they_are_declared() -> None:
    seen = entries(missing(at=NOW), missing(at=NOW, name="invoices"))

    told = readiness(problem=None, entries=seen, spec=spec())

    assert told.message.endswith(
        ": receipts (vhost shop), invoices (vhost shop); replicas stay until they are declared"
    )
