"""What kopf's watch goes through, said once and in a sentence.

kopf tells each try of a request as an error of its own, with the whole answer: 700 characters every five seconds in a
namespace that it may not list. Of a watch that ends it tells four times, with the same Python traceback. Here its
requests are looked at where they are made, over its session, and its own words about them are left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Final

import aiohttp

from qc_operator.cluster.api_answer import ApiError, refused
from qc_operator.resource import GROUP, PLURAL

log = logging.getLogger(__name__)


class RequestsTold:
    """The requests of kopf's session: the first one that fails at a path is told, and the next one that does not.

    `again` is called then, in kopf's thread, as `trace` is: what went during a gap it does not tell of.
    """

    def __init__(self, *, again: Callable[[], None]) -> None:
        self._again = again
        self._failing: dict[str, int] = {}
        """The status of the last answer, by path: that of a failure, 0 for no answer."""

    def trace(self) -> aiohttp.TraceConfig:
        """What a session takes to be looked at."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._not_answered)
        return config

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        if end.response.status >= 400:  # noqa: PLR2004 - HTTP's errors
            # It is kept for kopf, which reads it, too.
            self.failed(end.url.path, refused(end.response, await end.response.read()))
        else:
            self.succeeded(end.url.path)

    async def _not_answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if isinstance(end.exception, asyncio.CancelledError):
            return  # at the end of the process
        message = str(end.exception) or type(end.exception).__name__
        self.failed(end.url.path, ApiError(status=0, reason="Unreachable", message=message))

    def failed(self, path: str, error: ApiError) -> None:
        """Tell it, if it is news. Whether there is such a resource at all, the watch itself looks after."""
        if error.not_found or self._failing.get(path) == error.status:
            return
        self._failing[path] = error.status
        grant = f"; grant its ServiceAccount get, list, watch and patch on {PLURAL} (API group {GROUP})"
        log.warning(
            "%s not watched: %s%s; it is tried again every few seconds",
            _whose(path), error, grant if error.forbidden else "",
        )  # fmt: skip

    def succeeded(self, path: str) -> None:
        """Tell it, if it is news."""
        if self._failing.pop(path, None) is not None:
            log.info("%s watched again", _whose(path))
            self._again()


class TellsNothingTwice(logging.Filter):
    """For handlers: leaves out what kopf says of requests, and of their errors as they pass through its tasks.

    Nothing else: an error of another kind, such as a mistake of kopf's or of ours, is left as it is.
    """

    TRY: Final = "Request attempt #"

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to tell it."""
        if record.name.startswith("kopf") and str(record.msg).startswith(self.TRY):
            return False
        error = record.exc_info[1] if record.exc_info else None
        # Also by asyncio: of several tasks that end with one, kopf looks at the first. Its errors of the API have the
        # answer's status; their classes are to be had from private modules only.
        return not (
            type(error).__module__.startswith("kopf.")
            and (isinstance(getattr(error, "status", None), int) or type(error).__name__ == "WatchingError")
        )


def _whose(path: str) -> str:
    """What is not watched, as far as the path of a request tells: discovery is the same for all namespaces."""
    _, _, rest = path.partition("/namespaces/")
    return f"QueueConsumers in namespace {rest.partition('/')[0]} are" if rest else "QueueConsumers are"
