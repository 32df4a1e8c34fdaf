"""The pods of a target: one LIST by the selector that its scale reports, and what a decision needs of the answer.

The API server answers from its watch cache (resourceVersion=0), not from etcd. From there it gives the whole list at
once, whatever limit is asked for (kubernetes/kubernetes#118394); a page of etcd would be smaller, but to find it the
server reads all pods of the namespace. So a list is as large as a target, at 3 to 12 kB per pod, of which a dozen
fields are decoded; few lists are under way at a time, and large targets are looked at less often (`Rollout`). A server
that does give pages is followed from one to the next.

The selector alone says what belongs to a target: pods of somebody else with the same labels count too, as they do for
the HorizontalPodAutoscaler.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from qc_operator.cluster.client import ApiError
from qc_operator.cluster.pod_list import PodList, Tally
from qc_operator.cluster.server_clock import ServerClock
from qc_operator.scaling.pods import Pods

PAGE = 500
"""Pods in a page, for servers that cut lists into pages."""
LISTS = 2
"""Lists under way at a time, over all targets: after a start every target with pods asks for one."""

log = logging.getLogger(__name__)


class Api(Protocol):
    """What is needed of the Kubernetes API."""

    async def get_bytes(self, path: str) -> tuple[bytes, str]:
        """The body of an answer as it came, and its Date header or "". Raises `ApiError`."""


class PodLists:
    """Reads the pods of targets by LIST, the only right on pods that the operator has."""

    def __init__(
        self,
        *,
        api: Api,
        monotonic: Callable[[], float],
        utcnow: Callable[[], datetime],
        count_error: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._monotonic = monotonic
        self._utcnow = utcnow
        self._count_error = count_error
        self._clock = ServerClock()
        self._decoder = msgspec.json.Decoder(PodList)
        self._turns = asyncio.Semaphore(LISTS)
        self._forbidden: set[str] = set()

    async def read(self, *, namespace: str, selector: str) -> Pods:
        """Read the pods that a selector selects. Raises `ApiError`.

        An empty selector would select all pods of the namespace: `ValueError`.
        """
        if not selector:
            raise ValueError("no selector")
        async with self._turns:
            try:
                pods = await self._list(namespace=namespace, selector=selector)
            except ApiError as error:
                self._count_error(error.reason)
                if error.forbidden and namespace not in self._forbidden:
                    self._forbidden.add(namespace)
                    log.warning("pods of namespace %s may not be listed: %s", namespace, error)
                raise
        if namespace in self._forbidden:
            self._forbidden.discard(namespace)
            log.info("pods of namespace %s may be listed", namespace)
        return pods

    async def _list(self, *, namespace: str, selector: str) -> Pods:
        path = f"/api/v1/namespaces/{namespace}/pods?"
        query = {"labelSelector": selector, "limit": str(PAGE)}
        asked = self._monotonic()
        tally, page = Tally(), await self._page(path + urlencode(query | {"resourceVersion": "0"}))
        tally.add(page.items or [])
        while page.metadata.more:
            page = await self._page(path + urlencode(query | {"continue": page.metadata.more}))
            tally.add(page.items or [])
        return tally.pods(clock=self._clock, at=asked)

    async def _page(self, path: str) -> PodList:
        asked = self._monotonic()
        body, date = await self._api.get_bytes(path)
        self._clock.note(date=date, asked=asked, answered=self._monotonic(), wall=self._utcnow())
        try:
            return self._decoder.decode(body)
        except msgspec.DecodeError as error:
            message = f"the API server's list of pods cannot be read: {error}"
            raise ApiError(status=0, reason="Unreadable", message=message) from None
