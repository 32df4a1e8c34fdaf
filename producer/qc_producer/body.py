"""Bodies: bytes as they are, text as UTF-8, everything else as JSON; and the content type that says which."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import sys
import uuid
from collections.abc import Callable
from typing import Any

from qc_producer.errors import InvalidMessage

BINARY, TEXT, JSON = "application/octet-stream", "text/plain; charset=utf-8", "application/json"


def encode_body(body: object) -> tuple[bytes, str]:
    """Give the bytes and their content type; raise InvalidMessage, naming the type, for what JSON does not have.

    dict, list, str keys, numbers, None, dataclasses, pydantic models, msgspec structs; inside of them also dates
    (ISO 8601), UUID and Decimal (as text), enums (their value), sets and tuples (as lists).
    """
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), BINARY
    try:
        if isinstance(body, str):
            return body.encode(), TEXT
        return json.dumps(body, default=_jsonable, ensure_ascii=False, allow_nan=False).encode(), JSON
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"the body, a {type(body).__name__}, cannot be encoded: {error}") from error


def _jsonable(value: object) -> Any:
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # Field by field, so that nested values come back here; dataclasses.asdict would copy them all first.
        return {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
    if callable(dump := getattr(value, "model_dump", None)):  # pydantic, which need not be installed here
        return dump(mode="json")
    if hasattr(type(value), "__struct_fields__"):  # msgspec, imported by whoever made the value
        return sys.modules["msgspec"].to_builtins(value)
    raise TypeError(f"{type(value).__name__} is not a type that JSON knows")


_CONVERSIONS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((dt.date, dt.time), lambda value: value.isoformat()),
    ((uuid.UUID, decimal.Decimal), str),
    ((enum.Enum,), lambda value: value.value),
    ((set, frozenset), list),
)
