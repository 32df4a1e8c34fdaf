"""An API server that answers lists and watches as a test has written down: what a real one does on no demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from qc_operator.cluster.client import ApiError

Answer = bytes | ApiError | Sequence[bytes | ApiError]
"""The body of a list, the refusal of either, or the lines of a watch; with an error in them the connection breaks."""


@dataclass
class ApiScript:
    """Gives one answer after the other. After the last one a request waits for ever, and `told` is set."""

    answers: list[Answer]
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    """Watches that are under way."""

    async def get(self, path: str) -> dict[str, Any]:
        body, _ = await self.get_bytes(path)
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def get_bytes(self, path: str, *, accept: str = "") -> tuple[bytes, str]:
        answer = await self._next(path, accept)
        if isinstance(answer, ApiError):
            raise answer
        assert isinstance(answer, bytes), f"a list was asked for, not a watch: {path}"
        return answer, ""

    @asynccontextmanager
    async def stream(self, path: str, *, silence: float, accept: str = "") -> AsyncIterator[AsyncIterator[bytes]]:
        assert silence > 60
        answer = await self._next(path, accept)
        if isinstance(answer, ApiError):
            raise answer
        assert not isinstance(answer, bytes), f"a watch was asked for, not a list: {path}"
        self.open += 1
        try:
            yield _lines(answer)
        finally:
            self.open -= 1

    async def _next(self, path: str, accept: str) -> Answer:
        self.asked.append({name: value for name, (value,) in parse_qs(path.partition("?")[2]).items()})
        self.paths.append(path.partition("?")[0])
        self.accepted.append(accept)
        if not self.answers:
            self.told.set()
            await asyncio.Event().wait()
        return self.answers.pop(0)


async def _lines(answer: Sequence[bytes | ApiError]) -> AsyncIterator[bytes]:
    for line in answer:
        if isinstance(line, ApiError):
            raise line
        yield line


def refusal(status: int, reason: str = "", *, retry_after: float = 0.0) -> ApiError:
    return ApiError(status=status, reason=reason, message=f"the server said {status}", retry_after=retry_after)


def item(name: str, *, version: int = 1, uid: str = "", namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata | fields.pop("metadata", {}), **fields}


def page(*items: dict[str, Any], version: int, more: str = "") -> bytes:
    return json.dumps({"metadata": {"resourceVersion": str(version), "continue": more}, "items": list(items)}).encode()


def event(kind: str, shown: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": shown}).encode()


def bookmark(version: int) -> bytes:
    return event("BOOKMARK", {"kind": "Deployment", "metadata": {"resourceVersion": str(version)}, "spec": None})


def error(code: int, reason: str, **details: Any) -> bytes:
    return event("ERROR", {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "details": details})
