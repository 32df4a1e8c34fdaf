"""The slow lane of a reader: a vhost's totals, read every few seconds on behalf of all its queues."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import aiohttp

from qc_operator.brokers import NOT_READ_YET, management
from qc_operator.brokers.credentials import Credentials
from qc_operator.scaling.observation import LEFT_OUT, Totals, TotalsReading, Unavailable, Unknown
from qc_operator.settings import ReadingSettings

log = logging.getLogger(__name__)


class VhostTotals:
    """Ready and unacknowledged counts of all queues of one vhost, as the management API gave them last."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        settings: ReadingSettings,
        session: aiohttp.ClientSession,
        on_asked: Callable[[], None],
        on_answered: Callable[[bool], None],
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._session = session
        self._on_asked = on_asked
        self._on_answered = on_answered
        self._answered_at = float("-inf")
        self._counts: dict[str, management.QueueTotals] = {}
        self._at = float("-inf")
        self._ever = False
        self._missing: Unknown | Unavailable | None = Unknown(
            cause=NOT_READ_YET, message="no reading of the totals yet", at=float("-inf")
        )

    def of(self, queue: str) -> TotalsReading:
        """What is known of one queue. A queue that the answer leaves out is unknown, never empty."""
        if self._missing is not None:
            return self._missing
        counts = self._counts.get(queue)
        if counts is None:
            return Unknown(cause=LEFT_OUT, message="the management API leaves the queue out", at=self._at)
        return Totals(
            ready=counts.ready,
            unacknowledged=counts.unacknowledged,
            at=self._at,
            answered_at=self._answered_at,
        )

    async def keep_reading(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                good = await self._read()
            except Exception:
                # A mistake of ours must not end the lane for ever: without it nothing scales down again.
                log.exception("the totals were not read")
                self._missing = Unknown(cause="ReaderFailed", message="the totals were not read", at=float("-inf"))
                good = False
            self._on_answered(good)
            # The spread keeps the readers of many vhosts from asking in step.
            await asyncio.sleep(self._settings.totals_interval * random.uniform(0.9, 1.0))  # noqa: S311

    async def _read(self) -> bool:
        """Read once; whether there was an answer."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        self._on_asked()
        try:
            self._counts = await management.totals(
                session=self._session, credentials=self._credentials, within=self._settings.totals_timeout
            )
        except management.ManagementError as error:
            if self._credentials.management_given or self._ever:
                self._missing = Unknown(cause=error.reason, message=str(error), at=asked_at)
            else:
                self._missing = Unavailable(message=str(error))
            return False
        self._at, self._answered_at = asked_at, loop.time()
        self._missing, self._ever = None, True
        return True
