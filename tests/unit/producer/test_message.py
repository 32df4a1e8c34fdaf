import dataclasses
import datetime as dt
import decimal
import enum
import json
import struct
import uuid
from typing import Any

import msgspec
import pika
import pydantic
import pytest

from qc_producer.body import encode_body
from qc_producer.errors import InvalidMessage, MessageTooLarge
from qc_producer.identifiers import new_message_id
from qc_producer.message import Message, encode


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    price: decimal.Decimal


@dataclasses.dataclass
class Order:
    id: uuid.UUID
    at: dt.datetime
    lines: list[Line]
    colour: Colour


class Model(pydantic.BaseModel):
    at: dt.date


class Struct(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"a": [1, 2.5, None, True, "ü"]}, {"a": [1, 2.5, None, True, "ü"]}, id="plain"),
        pytest.param(
            Order(
                uuid.UUID(int=1), dt.datetime(2026, 1, 2, tzinfo=dt.UTC), [Line(decimal.Decimal("1.10"))], Colour.RED
            ),
            {
                "id": "00000000-0000-0000-0000-000000000001",
                "at": "2026-01-02T00:00:00+00:00",
                "lines": [{"price": "1.10"}],
                "colour": "red",
            },
            id="dataclass",
        ),
        pytest.param(Model(at=dt.date(2026, 1, 2)), {"at": "2026-01-02"}, id="pydantic"),
        pytest.param([Struct("x")], [{"name": "x"}], id="msgspec"),
        pytest.param({"s": {1}, "t": (1, 2)}, {"s": [1], "t": [1, 2]}, id="sets and tuples"),
        pytest.param(None, None, id="none"),
    ],
)
def test_values_become_json(body: object, expected: object) -> None:
    payload, content_type = encode_body(body)
    assert json.loads(payload) == expected
    assert content_type == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(object(), id="object"),
        pytest.param(float("nan"), id="nan"),
        pytest.param({(1, 2): 3}, id="tuple as key"),
        pytest.param(Order, id="a class"),
        pytest.param("\udcff", id="half a surrogate pair"),
        pytest.param(["\udcff"], id="half a surrogate pair in JSON"),
    ],
)
def test_what_json_does_not_have_is_invalid(body: object) -> None:
    with pytest.raises(InvalidMessage, match="cannot be encoded"):
        encode_body(body)


def test_a_circle_is_invalid() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(InvalidMessage):
        encode_body(circle)


def message(body: object = b"x", routing_key: str = "q", **options: Any) -> Message:
    return encode(body, routing_key, **{"max_bytes": 100} | options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param({"headers": {"x": 1.5}}, "does not know: 1.5", id="float header"),
        pytest.param({"headers": {"x": object()}}, "does not know", id="object header"),
        pytest.param({"headers": {"x" * 256: 1}}, "at most 255 bytes", id="long header name"),
        pytest.param({"headers": {"x": 2**70}}, "cannot be encoded", id="huge int header"),
        pytest.param({"headers": {1: 1}}, "cannot be encoded", id="int header name"),
        pytest.param({"headers": 5}, "cannot be encoded", id="headers not a mapping"),
        pytest.param({"routing_key": "ü" * 128}, "at most 255 bytes", id="long key"),
        pytest.param({"exchange": "x" * 256}, "at most 255 bytes", id="long exchange"),
        pytest.param({"message_id": "x" * 256}, "at most 255 bytes", id="long id"),
        pytest.param({"correlation_id": 7}, "cannot be encoded", id="int correlation id"),
        pytest.param({"priority": 256}, "0 to 255", id="high priority"),
        pytest.param({"priority": -1}, "0 to 255", id="low priority"),
        pytest.param({"priority": "high"}, "cannot be encoded", id="priority in words"),
        pytest.param({"routing_key": "\udcff"}, "cannot be encoded", id="half a surrogate pair as key"),
        pytest.param({"expires": -1}, "expires must be", id="negative expiry"),
        pytest.param({"expires": 5_000_000}, "expires must be", id="expiry beyond timers"),
    ],
)
def test_what_amqp_cannot_carry_is_invalid_before_it_is_sent(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidMessage, match=text):
        message(**options)


def test_headers_beyond_a_frame_and_bodies_beyond_the_limit_are_too_large() -> None:
    with pytest.raises(MessageTooLarge, match="headers"):
        message(headers={"x": "y" * 140_000})
    with pytest.raises(MessageTooLarge, match="101 bytes, more than max_message_bytes"):
        message(bytes(101))


def test_the_body_is_cut_to_the_frame_size() -> None:
    made = message(bytes(range(100)))
    wire = b"".join(made.wire(40))[len(made.frames) :]

    bodies = []
    while wire:
        kind, channel, size = struct.unpack(">BHL", wire[:7])
        assert (kind, channel, wire[7 + size]) == (3, 1, 0xCE)
        assert size <= 32
        bodies.append(wire[7 : 7 + size])
        wire = wire[8 + size :]
    assert b"".join(bodies) == bytes(range(100))


def test_the_frames_are_those_of_pika() -> None:
    made = message(b"x", headers={"timestamp_in_ms": 1}, message_id="m", expires=1.5)
    _, method = pika.frame.decode_frame(made.frames)
    assert (method.method.routing_key, method.method.mandatory, method.channel_number) == ("q", True, 1)
    consumed, _ = pika.frame.decode_frame(made.frames)
    _, header = pika.frame.decode_frame(made.frames[consumed:])
    assert header.properties.expiration == "1500"
    assert header.properties.headers == {"timestamp_in_ms": 1}
    assert header.body_size == 1


def test_the_callers_headers_are_left_alone() -> None:
    headers = {"a": 1}
    message(headers=headers)
    assert headers == {"a": 1}


def test_ids_are_uuids_of_version_7_that_sort_by_time() -> None:
    first = uuid.UUID(new_message_id())
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert abs((first.int >> 80) / 1000 - dt.datetime.now(tz=dt.UTC).timestamp()) < 5
    assert len({new_message_id() for _ in range(10_000)}) == 10_000
