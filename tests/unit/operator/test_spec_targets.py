"""The targets of an entry as they are decoded: the CRD's bounds, defaults and quantities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_operator.resource import Queue, SpecError
from tests.unit.operator.conftest import spec

CRD = Path(__file__).parents[3] / "crds" / "queueconsumers.queueconsumer.dev.yaml"
RATES = ("publishRate", "deliverRate")
BAD_RATE = "must be at least 0.001 and at most 1000000 messages per second"
BAD_SECONDS = "must be at least 0.001 and at most 86400 seconds"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """An entry of `spec.queues` as the CRD has it."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    properties: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    entry: dict[str, Any] = properties["queues"]["items"]["properties"]
    return entry


def queue(**fields: Any) -> Queue:
    (decoded,) = spec(queues=[{"name": "receipts", "lag": {"scaleUpAbove": 1_000_000_000}} | fields]).queues
    return decoded


def refused(**fields: Any) -> SpecError:
    with pytest.raises(SpecError) as error:
        queue(**fields)
    return error.value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (1, 1.0),
        (1_000_000, 1_000_000.0),
        ("0.001", 0.001),
        ("1m", 0.001),
        ("0.5", 0.5),
        ("500m", 0.5),
        ("0.02k", 20.0),
        ("3k", 3000.0),
        ("1M", 1_000_000.0),
        ("007", 7.0),
    ],
)
def test_a_rate_is_a_quantity(written: str | int, meant: float) -> None:
    decoded = queue(publishRate={"perReplica": written}, deliverRate={"perReplica": written})

    assert decoded.publish_rate is not None
    assert decoded.deliver_rate is not None
    assert (meant, meant) == (decoded.publish_rate.each, decoded.deliver_rate.each)


@pytest.mark.parametrize("field", RATES)
@pytest.mark.parametrize(
    "written",
    [0, -1, 1_000_001, "0", "0.0009", "0.9m", "1.000001M", "2M", "", "fast", "1e3", "-1", "+1", ".5", "5.", " 5", "5G"],
)
def test_a_rate_that_is_none_or_out_of_bounds_is_refused_as_the_crd_does(field: str, written: str | int) -> None:
    error = refused(**{field: {"perReplica": written}})

    assert f"spec.queues[0].{field}.perReplica" == error.path
    assert error.rule.startswith(BAD_RATE)
    assert written == error.value


@pytest.mark.parametrize("field", RATES)
@pytest.mark.parametrize("written", [0.5, None, True, [], "9" * 21])
def test_a_rate_of_another_type_is_refused(field: str, written: Any) -> None:
    assert f"spec.queues[0].{field}.perReplica" == refused(**{field: {"perReplica": written}}).path


@pytest.mark.parametrize(
    ("written", "meant"), [(None, None), (1, 1.0), ("0.2", 0.2), ("200m", 0.2), ("1m", 0.001), (86_400, 86_400.0)]
)
def test_seconds_per_message_are_a_quantity(written: str | int | None, meant: float | None) -> None:
    assert meant == queue(secondsPerMessage=written).seconds


@pytest.mark.parametrize("written", [0, -3, 86_401, "0.0001", "86400001m", "200ms", "1d"])
def test_seconds_per_message_that_are_none_or_out_of_bounds_are_refused(written: str | int) -> None:
    error = refused(secondsPerMessage=written)

    assert "spec.queues[0].secondsPerMessage" == error.path
    assert error.rule.startswith(BAD_SECONDS)


@pytest.mark.parametrize(
    ("target", "field"),
    [("lag", "scaleUpAbove"), ("drain", "withinSeconds"), ("wait", "objectiveSeconds")],
)
def test_numbers_have_the_bounds_of_the_crd(schema: dict[str, Any], target: str, field: str) -> None:
    bounds = schema[target]["properties"][field]

    for allowed in (bounds["minimum"], bounds["maximum"]):
        queue(**{target: {field: allowed}})
    for beyond in (bounds["minimum"] - 1, bounds["maximum"] + 1, str(bounds["minimum"]), 1.5):
        assert f"spec.queues[0].{target}.{field}" == refused(**{target: {field: beyond}}).path


@pytest.mark.parametrize("down", [1, 1_000_000_000])
def test_scale_down_below_has_the_bounds_of_the_crd(schema: dict[str, Any], down: int) -> None:
    bounds = schema["lag"]["properties"]["scaleDownBelow"]

    assert down in (bounds["minimum"], bounds["maximum"])
    queue(lag={"scaleUpAbove": 1_000_000_000, "scaleDownBelow": down})


@pytest.mark.parametrize("down", [0, 1_000_000_001])
def test_scale_down_below_beyond_them_is_refused(down: int) -> None:
    error = refused(lag={"scaleUpAbove": 1_000_000_000, "scaleDownBelow": down})

    assert "spec.queues[0].lag.scaleDownBelow" == error.path


def test_thresholds_that_are_crossed_are_refused_and_equal_ones_are_not() -> None:
    queue(lag={"scaleUpAbove": 5, "scaleDownBelow": 5})
    error = refused(lag={"scaleUpAbove": 5, "scaleDownBelow": 6})

    assert ("spec.queues[0].lag.scaleDownBelow", "must not be greater than scaleUpAbove 5", 6) == (
        error.path,
        error.rule,
        error.value,
    )


@pytest.mark.parametrize("target", ["lag", "publishRate", "deliverRate", "drain", "wait"])
def test_a_target_needs_its_number_and_takes_no_unknown_field(target: str) -> None:
    assert f"spec.queues[0].{target}" == refused(**{target: {}}).path
    assert f"spec.queues[0].{target}" == refused(**{target: {"within": 3}}).path
