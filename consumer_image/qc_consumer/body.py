"""Bodies: what the content type says about the bytes, and back.

JSON is decoded, text becomes str, all else stays bytes. A body without a content type is taken for JSON.
"""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any

from qc_consumer.errors import Undecodable

BINARY, TEXT, JSON = "application/octet-stream", "text/plain; charset=utf-8", "application/json"


def decode_body(raw: bytes, content_type: str | None, content_encoding: str | None) -> Any:
    """Decode a body; raise Undecodable with the reason, and never with the body, if it is not what it claims."""
    kind, _, parameters = (content_type or JSON).lower().partition(";")
    kind = kind.strip()
    if content_encoding and content_encoding.lower() not in {"utf-8", "utf8", "identity"}:
        raise Undecodable(f"content encoding {content_encoding!r} is not supported")
    try:
        if kind == JSON or kind.endswith("+json"):
            return json.loads(raw)
        if kind.startswith("text/"):
            charset = parameters.partition("charset=")[2].strip().strip('"') or "utf-8"
            return raw.decode(charset)
    except (ValueError, LookupError, RecursionError) as error:  # the exceptions' own texts may quote the body
        raise Undecodable(f"the body of {len(raw)} bytes is not {kind}: {type(error).__name__}") from None
    return raw


def encode_body(body: object) -> tuple[bytes, str]:
    """Give the bytes and their content type: bytes as they are, text as UTF-8, everything else as JSON."""
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), BINARY
    if isinstance(body, str):
        return body.encode(), TEXT
    return json.dumps(body, default=_jsonable, ensure_ascii=False, allow_nan=False).encode(), JSON


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | decimal.Decimal):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if callable(dump := getattr(value, "model_dump", None)):  # pydantic, which need not be installed here
        return dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not a type that JSON knows")
