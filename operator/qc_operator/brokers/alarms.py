"""Whether a resource alarm (memory, disk) is in force: the broker then blocks its publishers.

A queue that nothing can be published to runs empty, which is not the same as having nothing to do. Asked of the
management API, once per broker and login whatever the number of vhosts (rabbitmq.com/docs/alarms).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from math import inf

import msgspec

from qc_operator.brokers.management import ManagementApi, ManagementError

BELIEVED = 600.0
"""Seconds for which an alarm counts as in force while nobody can say that it ended. To believe in one that is over only
keeps replicas, so this is long; for ever it may not be, should the API have been taken away."""


class _Check(msgspec.Struct):
    status: str = ""


class Alarms:
    """The latest answer to the check of one broker, shared by its vhosts' slow lanes, which have it asked."""

    def __init__(self, *, interval: float) -> None:
        self._interval = interval
        self._asked_at = -inf
        self._answered_at = -inf
        self._alarmed = False

    @property
    def alarmed(self) -> bool:
        """Whether an alarm was in force when the broker last told; False when it never did."""
        return self._alarmed and asyncio.get_running_loop().time() - self._answered_at < BELIEVED

    async def refresh(self, api: ManagementApi) -> None:
        """Ask, unless another vhost has done so a moment ago. Raises `ManagementError`."""
        now = asyncio.get_running_loop().time()
        # The turns of several vhosts come at 0.9 to 1.0 of the interval each.
        if now - self._asked_at < 0.8 * self._interval:
            return
        self._asked_at = now
        # Available to the tag `management`. 503 in alarm, and then, too, the answer is the API's own JSON.
        answer = await api.get("/api/health/checks/alarms", accept=(HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE))
        try:
            status = msgspec.json.decode(answer.body, type=_Check).status
        except msgspec.DecodeError:
            status = ""
        if status not in {"ok", "failed"}:
            raise ManagementError("ManagementFailed", f"{api.where} gave no answer about alarms: HTTP {answer.status}")
        self._alarmed = status == "failed"
        self._answered_at = asyncio.get_running_loop().time()
