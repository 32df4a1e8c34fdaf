"""Keeping a connection to one of the broker's hosts: connect, read, and after each end again, for ever."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import NoReturn, Protocol

from qc_operator.brokers.agenda import Agenda
from qc_operator.brokers.amqp import BrokerConnection, BrokerError
from qc_operator.brokers.credentials import Credentials, LoginError
from qc_operator.brokers.declares import Question
from qc_operator.brokers.fast_lane import FastLane
from qc_operator.brokers.login import Login
from qc_operator.scaling.observation import DepthReading
from qc_operator.settings import ReadingSettings

RECONNECT_FIRST = 0.5
RECONNECT_MOST = 10.0
REFUSED_MOST = 5.0
"""Longest pause after a refused login: each refusal has the Secret read again, so this is how fast it heals."""
REFUSALS = frozenset({"AuthenticationFailed", "AccessRefused", "VhostNotFound", "CertificateInvalid", "TokenRefused"})
"""Reasons that another Secret may mend."""

log = logging.getLogger(__name__)


class Lost(Protocol):
    """Told that the connection is gone, or could not be made."""

    def __call__(self, error: BrokerError, *, refused: bool) -> None:
        """`refused` when another Secret may mend it."""


class BrokerSession:
    """One connection at a time, and the fast lane over it."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        login: Login,
        settings: ReadingSettings,
        identity: str,
        agenda: Agenda,
        on_open: Callable[[], None],
        on_reading: Callable[[Question, DepthReading], None],
        on_lost: Lost,
    ) -> None:
        self._credentials = credentials
        self._login = login
        self._settings = settings
        self._identity = identity
        self._agenda = agenda
        self._on_open = on_open
        self._on_reading = on_reading
        self._on_lost = on_lost
        self._lane: FastLane | None = None

    def arm(self, due: float) -> None:
        """Say that a queue is due to be read at this time of the loop's clock."""
        if self._lane is not None:
            self._lane.arm(due)

    async def keep_connected(self) -> NoReturn:
        """Connect to one host after the other until cancelled."""
        pause, hosts, tries = RECONNECT_FIRST, self._credentials.hosts, 0
        while True:
            connection = BrokerConnection(
                credentials=self._credentials,
                host=hosts[tries % len(hosts)],
                login=self._login,
                identity=self._identity,
                timeout=self._settings.declare_timeout,
            )
            refused = False
            try:
                await connection.open()
                pause = RECONNECT_FIRST
                await self._read(connection)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the queues must be read again
                error = _broker_error(failure)
                refused = error.reason in REFUSALS
                if refused:
                    self._login.refused()
                self._on_lost(error, refused=refused)
            finally:
                await connection.close()
            tries += 1
            if tries % len(hosts) and not refused:
                continue  # Another host may be up: the pause comes once all of them have been tried.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            pause = min(2 * pause, REFUSED_MOST if refused else RECONNECT_MOST)

    async def _read(self, connection: BrokerConnection) -> NoReturn:
        """Let the fast lane read; raises `BrokerError` when the connection is gone."""
        self._lane = FastLane(
            connection=connection,
            settings=self._settings,
            agenda=self._agenda,
            on_reading=self._on_reading,
        )
        renewing = asyncio.create_task(self._keep_login(connection))
        self._on_open()
        try:
            await self._lane.run()
        finally:
            self._lane = None
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _keep_login(self, connection: BrokerConnection) -> None:
        """Renew a login that ends, such as a token, for as long as the connection lasts."""
        while connection.lifetime is not None:
            await asyncio.sleep(connection.lifetime)
            try:
                await connection.renew_login()
            except LoginError as error:
                # The old token holds for a while; when it ends, the broker closes the connection and says why.
                log.warning("the login at %s was not renewed: %s", self._credentials.endpoint, error)


def _broker_error(failure: Exception) -> BrokerError:
    """The cause of a failure; one that is our own mistake is logged and must not end the reading for ever."""
    if isinstance(failure, BrokerError):
        return failure
    log.error("the reader failed", exc_info=failure)
    return BrokerError("ReaderFailed", f"the reader failed and starts again: {type(failure).__name__}")
