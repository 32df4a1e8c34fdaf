"""The window of a step down of an entry with `wait`: its objective, unless `behavior` names another.

The spec goes through the defaults of the CRD first, as the API server fills them in (kubernetes.io, "Extend the
Kubernetes API with CustomResourceDefinitions", section "Defaulting"). A default there could not be told from a number
that a person named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_operator.resource import parse
from qc_operator.scaling.observation import Counters
from tests.unit.operator.conftest import Story, body, entry, known

CRD = Path(__file__).parents[3] / "crds" / "queueconsumers.queueconsumer.dev.yaml"
ONE_POD = [{"type": "Pods", "value": 1, "periodSeconds": 15}]


def defaulted(schema: dict[str, Any], given: Any) -> Any:
    """What the API server makes of an object: defaults of absent fields, also within those that are there."""
    if isinstance(given, list):
        return [defaulted(schema["items"], each) for each in given]
    if not isinstance(given, dict):
        return given
    fields: dict[str, Any] = schema.get("properties", {})
    filled = {name: field["default"] for name, field in fields.items() if "default" in field} | given
    return {name: defaulted(fields.get(name, {}), value) for name, value in filled.items()}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """`spec` as the CRD has it."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def first_step_down(schema: dict[str, Any], behavior: dict[str, Any] | None) -> float:
    """Seconds until replicas go that one message a second does not need, one second after the other."""
    queues = [{"name": "receipts", "wait": {"objectiveSeconds": 200}, "secondsPerMessage": "1"}]
    given = body(queues=queues, minReplicas=1, **({} if behavior is None else {"behavior": behavior}))
    story = Story(spec=parse(defaulted(schema, given)), replicas=5)
    begun = story.now
    while story.replicas == 5 and story.now < begun + 1000:
        polled = story.now - (story.now - begun) % 5
        counted = int(polled - begun) + 1000
        counters = Counters(published=counted, acknowledged=counted, delivered=counted, at=polled)
        queue = replace(known(ready=0, unacknowledged=1, at=story.now), counters=counters)
        story.decide(entry(queue))
        story.now += 1.0
    return story.now - 1.0 - begun


@pytest.mark.parametrize(
    ("behavior", "seconds"),
    [
        # The rate, smoothed over 50 s, is known after 35 s; before, no answer is complete, and none is in the window.
        (None, 235.0),
        ({}, 235.0),
        ({"scaleDown": {}}, 235.0),
        ({"scaleDown": {"policies": ONE_POD}}, 235.0),
        ({"scaleUp": {"stabilizationWindowSeconds": 0}}, 235.0),
        ({"scaleDown": {"stabilizationWindowSeconds": 0}}, 35.0),
        ({"scaleDown": {"stabilizationWindowSeconds": 60}}, 95.0),
        ({"scaleDown": {"stabilizationWindowSeconds": 61}}, 96.0),
        ({"scaleDown": {"stabilizationWindowSeconds": 300}}, 335.0),
    ],
)
def test_a_window_that_a_person_names_holds_also_where_it_is_the_default(
    schema: dict[str, Any], behavior: dict[str, Any] | None, seconds: float
) -> None:
    assert seconds == first_step_down(schema, behavior)
