"""Queue entries that make no sense: each is refused, and the field is named."""

from typing import Any

import pytest

from tests.e2e.crd_schema.admission import Admission
from tests.e2e.crd_schema.manifests import REMOVED, changed

pytestmark = pytest.mark.cluster

LAG = {"scaleUpAbove": 100}
RATE_FORM = "an integer or a string in Kubernetes quantity form"
RATE_BOUNDS = "at least 0.001 and at most 1000000"
AT_LEAST_1 = "greater than or equal to 1"


@pytest.mark.parametrize(
    ("queues", "blamed", "rule"),
    [
        pytest.param(REMOVED, "", "Required", id="missing"),
        pytest.param([], "", "at least 1 items", id="empty"),
        pytest.param("receipts", "", "must be of type array", id="a-name"),
        pytest.param(["receipts"], "[0]", "must be of type object", id="names-only"),
        pytest.param([{"name": f"q{n}", "lag": LAG} for n in range(33)], "", "at most 32 items", id="33-entries"),
        pytest.param(
            [{"lag": LAG}], "[0].name", "exactly one of name and pattern; neither", id="neither-name-nor-pattern"
        ),
        pytest.param(
            [{"name": "a", "pattern": "b", "lag": LAG}],
            "[0].pattern",
            "exactly one of name and pattern; both",
            id="both-name-and-pattern",
        ),
        pytest.param([{"name": "a"}], "[0].lag", "at least one target", id="no-target"),
        pytest.param(
            [{"name": "a", "lag": LAG}, {"name": "b", "secondsPerMessage": 1}],
            "[1].lag",
            "at least one target",
            id="no-target-in-the-second-entry",
        ),
        pytest.param([{"name": "", "lag": LAG}], "[0].name", "at least 1 chars", id="name-empty"),
        pytest.param([{"name": "q" * 256, "lag": LAG}], "[0].name", "may not be more than 255", id="name-too-long"),
        pytest.param([{"name": "€" * 86, "lag": LAG}], "[0].name", "it is 258", id="name-258-bytes"),
        pytest.param([{"name": "a\rb", "lag": LAG}], "[0].name", "must not contain a line break", id="name-line-break"),
        pytest.param([{"name": 12, "lag": LAG}], "[0].name", "must be of type string", id="name-a-number"),
        pytest.param([{"pattern": "", "lag": LAG}], "[0].pattern", "at least 1 chars", id="pattern-empty"),
        pytest.param([{"pattern": "ä" * 128, "lag": LAG}], "[0].pattern", "it is 256", id="pattern-256-bytes"),
        pytest.param([{"name": "a", "vhost": "", "lag": LAG}], "[0].vhost", "at least 1 chars", id="vhost-empty"),
        pytest.param(
            [{"name": "a", "vhost": "v" * 256, "lag": LAG}], "[0].vhost", "more than 255", id="vhost-too-long"
        ),
        pytest.param(
            [{"pattern": "a", "aggregate": "Mean", "lag": LAG}],
            "[0].aggregate",
            '"Sum", "Max", "Average"',
            id="aggregate",
        ),
        pytest.param(
            [{"name": "a", "aggregate": "Max", "lag": LAG}], "[0].aggregate", "it needs pattern", id="aggregate-of-one"
        ),
        pytest.param(
            [{"name": "a", "lag": LAG}, {"name": "b", "lag": LAG}, {"name": "a", "wait": {"objectiveSeconds": 5}}],
            "",
            'queue "a" is listed more than once',
            id="name-twice",
        ),
        pytest.param(
            [{"name": "a", "vhost": "v", "lag": LAG}] * 2,
            "",
            'queue "a" is listed more than once',
            id="name-and-vhost-twice",
        ),
        pytest.param(
            [{"pattern": "^a", "lag": LAG}] * 2, "", 'pattern "^a" is listed more than once', id="pattern-twice"
        ),
    ],
)
def test_queues_that_make_no_sense_are_refused(admission: Admission, queues: Any, blamed: str, rule: str) -> None:
    refusal = admission.refused(changed({"queues": queues}))

    assert refusal.status == 422
    assert rule in refusal.said_of(f"spec.queues{blamed}")


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        pytest.param("lag", {}, "Required", id="lag-empty"),
        pytest.param("lag", 100, "must be of type object", id="lag-a-number"),
        pytest.param("lag.scaleUpAbove", 0, AT_LEAST_1, id="scaleUpAbove-zero"),
        pytest.param("lag.scaleUpAbove", -1, AT_LEAST_1, id="scaleUpAbove-negative"),
        pytest.param("lag.scaleUpAbove", 10**9 + 1, "less than or equal to 1000000000", id="scaleUpAbove-huge"),
        pytest.param("lag.scaleUpAbove", "100", "must be of type integer", id="scaleUpAbove-string"),
        pytest.param("lag.scaleDownBelow", 0, AT_LEAST_1, id="scaleDownBelow-zero"),
        pytest.param(
            "lag.scaleDownBelow", 101, "must not be larger than scaleUpAbove: 101 > 100", id="thresholds-crossed"
        ),
        pytest.param("lag.count", "Unacked", '"Total", "Ready"', id="count-unknown"),
        pytest.param("publishRate", {}, "Required", id="publishRate-empty"),
        pytest.param("publishRate.perReplica", 0, RATE_BOUNDS, id="rate-zero"),
        pytest.param("publishRate.perReplica", -1, RATE_FORM, id="rate-negative"),
        pytest.param("publishRate.perReplica", 0.5, "must be of type", id="rate-a-float"),
        pytest.param("publishRate.perReplica", "0.0001", RATE_BOUNDS, id="rate-tiny"),
        pytest.param("publishRate.perReplica", "2M", RATE_BOUNDS, id="rate-huge"),
        pytest.param("publishRate.perReplica", 10**7, RATE_BOUNDS, id="rate-huge-integer"),
        pytest.param("publishRate.perReplica", "fast", RATE_FORM, id="rate-word"),
        pytest.param("publishRate.perReplica", "10/s", RATE_FORM, id="rate-with-unit"),
        pytest.param("publishRate.perReplica", "", RATE_FORM, id="rate-empty"),
        pytest.param("publishRate.perReplica", "1e3", RATE_FORM, id="rate-exponent"),
        pytest.param("publishRate.perReplica", "9" * 21, "Too long", id="rate-too-long"),
        pytest.param("deliverRate", {}, "Required", id="deliverRate-empty"),
        pytest.param("deliverRate.perReplica", "-0.5", RATE_FORM, id="deliverRate-negative"),
        pytest.param("drain", {}, "Required", id="drain-empty"),
        pytest.param("drain.withinSeconds", 0, AT_LEAST_1, id="drain-zero"),
        pytest.param("drain.withinSeconds", 604_801, "less than or equal to 604800", id="drain-above-a-week"),
        pytest.param("drain.withinSeconds", "5m", "must be of type integer", id="drain-with-unit"),
        pytest.param("wait", {}, "Required", id="wait-empty"),
        pytest.param("wait.objectiveSeconds", 0, AT_LEAST_1, id="objective-zero"),
        pytest.param("wait.objectiveSeconds", -30, AT_LEAST_1, id="objective-negative"),
        pytest.param("wait.objectiveSeconds", 1.5, "must be of type integer", id="objective-fraction"),
        pytest.param("wait.objectiveSeconds", 604_801, "less than or equal to 604800", id="objective-above-a-week"),
        pytest.param("secondsPerMessage", 0, "at least 0.001 and at most 86400 seconds", id="secondsPerMessage-zero"),
        pytest.param("secondsPerMessage", "200ms", RATE_FORM, id="secondsPerMessage-with-unit"),
        pytest.param("secondsPerMessage", 86_401, "at most 86400 seconds", id="secondsPerMessage-above-a-day"),
    ],
)
def test_a_target_out_of_bounds_is_refused(admission: Admission, field: str, value: Any, rule: str) -> None:
    refusal = admission.refused(changed({f"queues.0.{field}": value}))

    blamed = "\n".join(text for path, text in refusal.causes if path.startswith(f"spec.queues[0].{field}"))
    assert refusal.status == 422
    assert rule in blamed
