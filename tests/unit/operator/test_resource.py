"""A spec is decoded whole or refused with the path of the field."""

from typing import Any

import pytest

from qc_operator.resource import SpecError, parse
from tests.unit.operator.conftest import body, spec


def test_defaults_are_those_of_the_crd() -> None:
    decoded = spec()

    assert ("apps/v1", "Deployment") == (decoded.scale_target_ref.api_version, decoded.scale_target_ref.kind)
    assert (0, 0, 60) == (decoded.min_replicas, decoded.activate_above, decoded.idle_after_seconds)
    assert "Total" == decoded.queues[0].lag.count


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"maxReplicas": 0}, "spec.maxReplicas", id="no replicas at most"),
        pytest.param({"maxReplicas": "5"}, "spec.maxReplicas", id="a string"),
        pytest.param({"minReplicas": 11}, "spec.minReplicas", id="min above max"),
        pytest.param({"minReplicas": -1}, "spec.minReplicas", id="negative"),
        pytest.param({"queues": []}, "spec.queues", id="no queue"),
        pytest.param({"queues": [{"lag": {"scaleUpAbove": 1}}]}, "spec.queues[0]", id="neither name nor pattern"),
        pytest.param(
            {"queues": [{"name": "a", "pattern": "b", "lag": {"scaleUpAbove": 1}}]}, "spec.queues[0]", id="both"
        ),
        pytest.param({"queues": [{"name": "a"}]}, "spec.queues[0]", id="no target"),
        pytest.param(
            {"queues": [{"name": "a\nb", "lag": {"scaleUpAbove": 1}}]}, "spec.queues[0].name", id="a line break"
        ),
        pytest.param(
            {"queues": [{"name": "a", "lag": {"scaleUpAbove": 0}}]}, "spec.queues[0].lag.scaleUpAbove", id="zero"
        ),
        pytest.param(
            {"queues": [{"name": "a", "lag": {"scaleUpAbove": 5, "scaleDownBelow": 6}}]},
            "spec.queues[0].lag.scaleDownBelow",
            id="thresholds crossed",
        ),
        pytest.param(
            {"queues": [{"name": "ü" * 128, "lag": {"scaleUpAbove": 5}}]}, "spec.queues[0].name", id="256 bytes"
        ),
        pytest.param({"scaleTargetRef": {}}, "spec.scaleTargetRef", id="no target"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse(body(**changes))

    assert path == refused.value.path
    assert str(refused.value).startswith(f"{path}: ")


def test_an_unknown_field_is_refused_by_its_name() -> None:
    with pytest.raises(SpecError, match="maxReplica"):
        parse(body(maxReplica=3))


@pytest.mark.parametrize(
    ("target", "number"),
    [("lag", "scaleUpAbove"), ("publishRate", "perReplica"), ("deliverRate", "perReplica"), ("drain", "withinSeconds")],
)
def test_one_target_of_any_kind_is_enough(target: str, number: str) -> None:
    (queue,) = spec(queues=[{"name": "a", target: {number: 3}}]).queues

    assert queue.wait is None


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "a{2000}", "(((a{100}){100}){100})"])
def test_a_pattern_that_does_not_compile_is_refused_with_its_place_and_its_fault(pattern: str) -> None:
    with pytest.raises(SpecError) as refused:
        spec(queues=[{"pattern": pattern, "lag": {"scaleUpAbove": 1}}])

    assert "spec.queues[0].pattern" == refused.value.path
    assert "RE2" in refused.value.rule
    assert pattern == refused.value.value
