"""`spec.behavior` as it is decoded: the CRD's bounds and defaults, and the tolerance, which is a quantity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from qc_operator.scaling.behavior import within_tolerance
from qc_operator.spec_behavior import Behavior, check, quantity

CRD = Path(__file__).parents[3] / "crds" / "queueconsumers.queueconsumer.dev.yaml"
POLICY = {"type": "Pods", "value": 4, "periodSeconds": 15}
DIRECTIONS = ("scaleUp", "scaleDown")


def decoded(direction: str, **rules: Any) -> Behavior:
    return msgspec.convert({direction: rules}, type=Behavior)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """`spec.behavior` as the CRD has it."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    properties: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    behavior: dict[str, Any] = properties["behavior"]["properties"]
    return behavior


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_field_of_the_crd_is_decoded_within_its_bounds_and_not_beyond(
    schema: dict[str, Any], direction: str
) -> None:
    rules = schema[direction]["properties"]
    window, policies = rules["stabilizationWindowSeconds"], rules["policies"]

    for least in ("minimum", "maximum"):
        decoded(direction, stabilizationWindowSeconds=window[least])
        with pytest.raises(msgspec.ValidationError, match="stabilizationWindowSeconds"):
            decoded(direction, stabilizationWindowSeconds=window[least] + (1 if least == "maximum" else -1))
        for field in ("value", "periodSeconds"):
            bound = policies["items"]["properties"][field][least]
            decoded(direction, policies=[POLICY | {field: bound}])
            with pytest.raises(msgspec.ValidationError, match=field):
                decoded(direction, policies=[POLICY | {field: bound + (1 if least == "maximum" else -1)}])
    for count in (policies["minItems"] - 1, policies["maxItems"] + 1):
        with pytest.raises(msgspec.ValidationError, match="policies"):
            decoded(direction, policies=[POLICY] * count)
    decoded(direction, policies=[POLICY] * policies["maxItems"])
    for word in rules["selectPolicy"]["enum"]:
        decoded(direction, selectPolicy=word)
    for word in policies["items"]["properties"]["type"]["enum"]:
        decoded(direction, policies=[POLICY | {"type": word}])


def test_defaults_are_those_of_the_crd(schema: dict[str, Any]) -> None:
    behavior = Behavior()

    for direction, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)):
        fields = schema[direction]["properties"]
        assert fields["stabilizationWindowSeconds"].get("default", rules.window) == rules.window
        assert fields["selectPolicy"]["default"] == rules.select_policy
        assert rules.policies is None
    assert behavior == msgspec.convert({"scaleUp": {}, "scaleDown": {}}, type=Behavior)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("rules", "blamed"),
    [
        pytest.param({"selectPolicy": "Largest"}, "selectPolicy", id="selectPolicy unknown"),
        pytest.param({"policies": [POLICY | {"type": "Nodes"}]}, r"policies\[0\].type", id="type unknown"),
        pytest.param({"policies": [{"type": "Pods", "value": 4}]}, r"policies\[0\]", id="no period"),
        pytest.param({"window": 3}, "window", id="a field that there is not"),
        pytest.param({"policies": [POLICY | {"unit": "s"}]}, "unit", id="a field that a policy has not"),
    ],
)
def test_a_wrong_field_is_named(direction: str, rules: dict[str, Any], blamed: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=blamed):
        decoded(direction, **rules)


def test_a_direction_that_there_is_not_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="scaleSideways"):
        decoded("scaleSideways")


def test_the_longest_period_is_that_of_both_directions() -> None:
    rules = {"policies": [POLICY, POLICY | {"periodSeconds": 1800}]}

    assert 0 == Behavior().longest_period
    assert 15 == decoded("scaleDown", policies=[POLICY]).longest_period
    assert 1800 == decoded("scaleUp", **rules).longest_period
    assert 1800 == decoded("scaleDown", **rules).longest_period


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("value", ["-0.1", "10%", "", "0,1", "1e-1", ".1", -1, 2, "1.001", "1001m"])
def test_a_tolerance_that_is_no_part_of_one_is_named(direction: str, value: str | int) -> None:
    ((path, rule, is_),) = check(decoded(direction, tolerance=value))

    assert (f".{direction}.tolerance", value) == (path, is_)
    assert "must be a number from 0 to 1" in rule


@pytest.mark.parametrize("value", ["-0.1", "10%", "", "0,1", "1e-1", ".1", -1])
def test_what_is_no_quantity_is_refused(value: str | int) -> None:
    with pytest.raises(ValueError, match="quantity"):
        quantity(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [("0.1", 0.1), ("100m", 0.1), ("50m", 0.05), (0, 0.0), (2, 2.0), ("1k", 1000.0), ("1.5M", 1_500_000.0)],
)
def test_a_quantity_is_a_number(value: str | int, number: float) -> None:
    assert number == quantity(value)


@pytest.mark.parametrize(
    ("up", "down", "ratio", "expected"),
    [
        pytest.param("0.1", "0.1", 1.0, True, id="met"),
        pytest.param("0.1", "0.1", 1.1, True, id="just within, up"),
        pytest.param("0.1", "0.1", 1.11, False, id="beyond, up"),
        pytest.param("0.1", "0.1", 0.9, True, id="just within, down"),
        pytest.param("0.1", "0.1", 0.89, False, id="beyond, down"),
        pytest.param("50m", "0.1", 1.06, False, id="up has its own"),
        pytest.param("50m", "0.1", 0.94, True, id="down has its own"),
        pytest.param(0, 0, 1.0, True, id="none, and met"),
        pytest.param(0, 0, 1.001, False, id="none, up"),
        pytest.param(None, None, 0.999, False, id="absent is none"),
        pytest.param(None, None, 1.0, True, id="absent, and met"),
        pytest.param("0.1", 1, 0.0, True, id="down tolerates everything"),
        pytest.param("1", "0", 2.0, True, id="up to twofold"),
        pytest.param("1", "0", 2.1, False, id="more than twofold"),
        pytest.param("0.1", "0.1", float("inf"), False, id="endless"),
    ],
)
def test_replicas_stay_within_the_tolerance(
    *, up: str | int | None, down: str | int | None, ratio: float, expected: bool
) -> None:
    rules = msgspec.convert({"scaleUp": {"tolerance": up}, "scaleDown": {"tolerance": down}}, type=Behavior)

    assert [] == list(check(rules))
    assert expected == within_tolerance(ratio=ratio, behavior=rules)
