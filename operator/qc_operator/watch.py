"""The watch of QueueConsumers: kopf, in a thread and an event loop of its own.

kopf ends at some answers of the API server by design, and on its way out it cancels every task of its loop that is
younger than itself. In a loop of its own these are its own tasks: readings, decisions and the Lease go on, and the
watch is begun again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import kopf

from qc_operator import handlers
from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.registry import Key
from qc_operator.resource import GROUP, PLURAL, VERSION
from qc_operator.watch_log import RequestsTold

RESOURCE_RETRY: Final = 2.0
"""Seconds between two looks for the CRD."""
AGAIN_FIRST: Final = 1.0
AGAIN_MOST: Final = 5.0
"""Seconds before a watch that has ended is begun again; they double while it ends within a minute."""
LASTED: Final = 60.0
GONE: Final = (
    f"the CustomResourceDefinition {PLURAL}.{GROUP} is gone, and with it all QueueConsumers: nobody scales their "
    "targets, which keep their replicas. Apply it and the QueueConsumers again; the operator then goes on by itself"
)
"""What is told when there is no such resource any more."""

log = logging.getLogger(__name__)


class Watch:
    """Tells, in the caller's loop, of each QueueConsumer that is there, changes or goes."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        namespaces: Sequence[str],
        agent: str,
        seen: Callable[[Mapping[str, Any]], None],
        gone: Callable[[Key, str], None],
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._namespaces = namespaces
        self._agent = agent
        self._seen = seen
        self._gone = gone
        self._begun = begun
        self._missing = ""
        """Why there is no watch at all, as it was told last."""

    async def run(self) -> None:
        """Watch until cancelled, which takes as long as kopf takes to stop."""
        loop, pause = asyncio.get_running_loop(), AGAIN_FIRST
        while True:
            await self._wait_for_resource()
            begun = loop.time()
            self._begun()
            try:
                await self._watch_once()
            except Exception as error:  # noqa: BLE001 - whatever it is, the watch must go on
                if getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
                    self._tell(GONE)
                else:
                    log.warning("the watch of QueueConsumers ended: %s: %s", type(error).__name__, error)
            pause = AGAIN_FIRST if loop.time() - begun > LASTED else min(2 * pause, AGAIN_MOST)
            await asyncio.sleep(pause)

    async def _wait_for_resource(self) -> None:
        """Wait until the API server serves QueueConsumers: kopf looks once, at its start, and never again."""
        while (missing := await self._why_missing()) is not None:
            self._tell(missing)
            await asyncio.sleep(RESOURCE_RETRY)
        if self._missing:
            log.info("the API server serves %s, and they are watched", PLURAL)
        self._missing = ""

    async def _why_missing(self) -> str | None:
        """Why QueueConsumers cannot be watched at all, as a sentence; None where they can."""
        try:
            answer = await self._api.get(f"/apis/{GROUP}/{VERSION}")
            if any(resource["name"] == PLURAL for resource in answer.get("resources", ())):
                return None
        except ApiError as error:
            if not error.not_found:
                return f"whether there are QueueConsumers is not known: {error}"
        except (AttributeError, KeyError, TypeError) as error:
            return f"whether there are QueueConsumers is not known: the API server's answer cannot be read: {error!r}"
        return GONE if self._missing == GONE else f"the API server serves no {PLURAL}.{GROUP} yet: apply the CRD"

    def _tell(self, missing: str) -> None:
        if missing != self._missing:
            log.warning("%s", missing)
        self._missing = missing

    async def _watch_once(self) -> None:
        loop = asyncio.get_running_loop()
        told = RequestsTold(again=lambda: _hand_over(loop, self._begun))
        ended: asyncio.Future[None] = loop.create_future()
        of_kopf, stop = asyncio.new_event_loop(), asyncio.Event()

        def tell(error: BaseException | None) -> None:
            if not ended.done():
                ended.set_exception(error) if error else ended.set_result(None)

        async def operate() -> None:
            await kopf.operator(
                registry=handlers.registry(
                    seen=lambda body: _hand_over(loop, self._seen, body),
                    gone=lambda key, uid: _hand_over(loop, self._gone, key, uid),
                    agent=self._agent,
                    trace=told.trace(),
                ),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                # One of asyncio's: for one of threading's kopf waits in a thread, even when it has ended by itself.
                stop_flag=stop,
            )

        def watch() -> None:
            error: BaseException | None = None
            try:
                with asyncio.Runner(loop_factory=lambda: of_kopf) as runner:
                    runner.run(operate())
            except (Exception, asyncio.CancelledError) as caught:  # noqa: BLE001 - told in the other thread
                error = caught if isinstance(caught, Exception) else None
            _hand_over(loop, tell, error)

        # Not to be waited for at the interpreter's end, should kopf hang.
        threading.Thread(target=watch, name="watch", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            _hand_over(of_kopf, stop.set)
            if not ended.done():
                await asyncio.wait([ended])


def _hand_over(loop: asyncio.AbstractEventLoop, take: Callable[..., None], *what: object) -> None:
    """Have the loop's thread take it. A loop that is closed needs no news."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(take, *what)
