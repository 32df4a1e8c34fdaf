"""A watch whose events carry the time at which they arrived.

The official client parses an event into typed objects before it hands it over, which takes longer than what is
measured here; so the bytes of the stream are read, and the time is taken before anything is parsed.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from bench.failure import BenchError

LONGEST_SECONDS = 3600
"""The API server ends a watch after this time; no run lasts so long."""

Objects = Mapping[str, Mapping[str, Any]]
"""Name -> object, as the last event told."""


ListCall = Callable[..., Any]
"""A list method of the official client, which watches with `watch=True`."""


@dataclass(frozen=True, kw_only=True)
class _Event:
    at: float
    line: bytes


class Watch:
    """The objects of one list, kept up to date from the moment that this is made."""

    def __init__(self, call: ListCall, *, namespace: str, **selection: str) -> None:
        listed = json.loads(call(namespace, **selection, _preload_content=False).data)
        self.objects: dict[str, Mapping[str, Any]] = {item["metadata"]["name"]: item for item in listed["items"]}
        # The API server sends the headers once the watch is registered: from here on no event can be missed.
        self._response: BaseHTTPResponse = call(
            namespace,
            **selection,
            watch=True,
            resource_version=listed["metadata"]["resourceVersion"],
            timeout_seconds=LONGEST_SECONDS,
            _preload_content=False,
        )
        self._events: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def until(self, condition: Callable[[Objects], bool], *, within: float, what: str) -> float:
        """Wait until the objects fulfil the condition; the monotonic time at which the event arrived that did it.

        That is now, if they do already. Raises BenchError when it takes longer than *within* seconds.
        """
        self.catch_up()
        deadline, at = time.monotonic() + within, time.monotonic()
        while not condition(self.objects):
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise BenchError(f"not within {within:.0f} s: {what}") from None
            at = self._apply(event)
        return at

    def catch_up(self) -> None:
        """Take in the events that have come already."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._apply(self._events.get_nowait())

    def close(self) -> None:
        """End the stream and its thread."""
        self._response.shutdown()
        self._thread.join(timeout=5)
        self._response.close()

    def _read(self) -> None:
        rest = b""
        try:
            for chunk in self._response.stream(amt=None, decode_content=False):
                at = time.monotonic()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._events.put(_Event(at=at, line=line))
        except (HTTPError, OSError, ValueError):
            pass  # The stream was cut, by us or by the API server; the end below says so to whoever waits.
        self._events.put(None)

    def _apply(self, event: _Event | None) -> float:
        if event is None:
            raise BenchError("the API server ended a watch in the middle of the run; start it again")
        told = json.loads(event.line)
        if told["type"] == "ERROR":
            raise BenchError(f"a watch failed: {told['object'].get('message', told)}")
        name = told["object"]["metadata"]["name"]
        if told["type"] == "DELETED":
            self.objects.pop(name, None)
        else:
            self.objects[name] = told["object"]
        return event.at
