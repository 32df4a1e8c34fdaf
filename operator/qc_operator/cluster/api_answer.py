"""What the API server answers: an object, lines that go on, a refusal, or nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp


class ApiError(Exception):
    """The API server refused or could not be reached. `status` is HTTP's, 0 for no answer.

    `retry_after` is how many seconds the server asks to wait, 0 where it asks for nothing.
    """

    def __init__(self, *, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    @property
    def not_found(self) -> bool:
        """There is no such object."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def conflict(self) -> bool:
        """The object was written by somebody else since it was read."""
        return self.status == HTTPStatus.CONFLICT

    @property
    def forbidden(self) -> bool:
        """Our ServiceAccount lacks the right."""
        return self.status == HTTPStatus.FORBIDDEN

    @property
    def passing(self) -> bool:
        """The trouble is the API server's, not the request's: the same request may succeed later."""
        return self.status in {0, HTTPStatus.TOO_MANY_REQUESTS} or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def unreachable(method: str, path: str, error: Exception | str) -> ApiError:
    """There was no answer."""
    # RuntimeError: kopf closed the session to log in again; the next call finds the new one.
    detail = str(error) or type(error).__name__
    return ApiError(status=0, reason="Unreachable", message=f"{method} {path}: {detail}")


def not_leading(method: str, path: str) -> ApiError:
    """There was no question."""
    message = f"{method} {path}: not sent, because this process does not lead; the one that does will see to it"
    return ApiError(status=0, reason="NotLeading", message=message)


async def lines(response: aiohttp.ClientResponse, path: str) -> AsyncIterator[bytes]:
    """Those of an answer that goes on, until it ends or falls silent. Raises `ApiError`."""
    begun = b""
    try:
        async for chunk in response.content.iter_any():
            *whole, begun = (begun + chunk).split(b"\n")
            for line in whole:
                yield line
    except aiohttp.SocketTimeoutError:
        return
    except (aiohttp.ClientError, TimeoutError, RuntimeError) as error:
        raise unreachable("GET", path, error) from None


def refused(response: aiohttp.ClientResponse, content: bytes) -> ApiError:
    """The answer was no good one."""
    answer = decoded(content)
    asked = response.headers.get("Retry-After", "")
    return ApiError(
        status=response.status,
        reason=str(answer.get("reason") or response.reason),
        message=str(answer.get("message") or response.reason),
        # In seconds, the only form that the API server uses (RFC 9110, section 10.2.3, has dates, too).
        retry_after=float(asked) if asked.isdecimal() else 0.0,
    )


def decoded(body: bytes) -> dict[str, Any]:
    """The object in an answer; a path that the API server does not serve is answered in plain text."""
    try:
        answer: dict[str, Any] = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()[:200]}
    return answer
