"""The CRD and the operator's code have the same fields and the same words.

A field of the status that the schema lacks would be dropped by the API server, and the operator would write it again
and again; a reason that it lacks would make every status fail.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml

from qc_operator import reporting, resource
from qc_operator.conditions import Condition
from qc_operator.scaling import decision
from qc_operator.scaling.explanation import Step
from qc_operator.scaling.memory import remember_nothing
from qc_operator.scaling.observation import Depth, EntryObservation, Missing, QueueObservation, Totals, Unavailable
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.reasons import Limit, Reason
from qc_operator.scaling.situation import Waiting
from tests.e2e.crd_schema.manifests import example_of_the_design
from tests.packaging.rendering import CRD

SCHEMA = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def test_the_operator_reads_the_fields_of_the_schema() -> None:
    differences = list(_differences(msgspec.inspect.type_info(resource.QueueConsumerSpec), SCHEMA["spec"], "spec"))

    assert differences == []


def test_the_operator_understands_an_object_with_every_field() -> None:
    assert resource.parse(example_of_the_design()["spec"]).max_replicas == 50


@pytest.mark.parametrize("place", ["lastDecision", "history"])
def test_the_schema_has_every_word_of_a_decision(place: str) -> None:
    record = SCHEMA["status"]["properties"][place]
    words = record.get("items", record)["properties"]

    assert {reason.value for reason in Reason} <= set(words["reason"]["enum"])
    assert {limit.value for limit in Limit} <= set(words["limitedBy"]["enum"])


def test_the_schema_has_every_field_that_the_operator_writes() -> None:
    decided = decision.Decision(
        current=0,
        replicas=3,
        reason=Reason.WOKE_UP,
        limited_by=Limit.NONE,
        memory=remember_nothing(now=0.0),
        steps=(Step(name="lag", replicas=3, words="300 messages / 100 per replica = 3", source="receipts"),),
        rates=(Rates(arrivals=3.2, acknowledgements=120.0, throughput=12.0, throughput_from="learned"), Rates()),
        waiting=(Waiting(seconds=2.5, objective=30), None),
    )
    queues = (
        QueueObservation(
            name="receipts",
            vhost="shop",
            depth=Depth(ready=300, consumers=0, at=0.0),
            totals=Totals(ready=300, unacknowledged=1, at=0.0, answered_at=0.0),
        ),
        QueueObservation(
            name="invoices",
            vhost="shop",
            depth=Missing(message="no such queue", at=0.0),
            totals=Unavailable(message="no management API"),
        ),
    )
    status = reporting.status(
        findings=reporting.Findings(
            conditions=(Condition(type="Ready", status="True", reason="AllGood", message="All is read."),),
            decision=decided,
            entries=(
                *(EntryObservation(name=queue.name, vhost="shop", queues=(queue,)) for queue in queues),
                EntryObservation(name="^r", vhost="shop", queues=queues[:1], pattern=True),
            ),
            running=0,
            change=reporting.Change(before=0, after=3),
        ),
        previous={},
        generation=1,
        target="Deployment/receipts",
        broker="shop-rabbitmq",
        now=datetime(2026, 11, 27, tzinfo=UTC),
    )

    assert list(_unknown(status, SCHEMA["status"], "status")) == []


def _differences(kind: msgspec.inspect.Type, schema: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(kind, msgspec.inspect.UnionType):
        for part in kind.types:
            yield from _differences(part, schema, path)
    elif isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        yield from _differences(kind.item_type, schema["items"], f"{path}[]")
    elif isinstance(kind, msgspec.inspect.StructType):
        properties = schema["properties"]
        fields = {field.encode_name: field for field in kind.fields}
        for name in properties.keys() ^ fields.keys():
            yield f"{path}.{name}"
        for name in properties.keys() & fields.keys():
            yield from _differences(fields[name].type, properties[name], f"{path}.{name}")


def _unknown(value: object, schema: dict[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            known = schema.get("properties", {}).get(name)
            if known is None:
                yield f"{path}.{name}"
            else:
                yield from _unknown(part, known, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _unknown(part, schema["items"], f"{path}[]")
