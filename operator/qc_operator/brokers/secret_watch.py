"""One Secret, read every so often on behalf of everybody who uses it.

It is read again every 30 s, and at once when the broker refuses the login, so that a rotated password needs no restart.
The operator may get Secrets by name and not watch them: a watch would need the right to list them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from qc_operator.brokers import Problem
from qc_operator.brokers.binding import from_secret
from qc_operator.brokers.credentials import Credentials, SecretUnreadableError

SecretData = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""Namespace and name -> the Secret's data; raises `SecretUnreadableError`."""

UNREADABLE_INTERVAL = 5.0
"""Seconds between two tries to read a Secret that is missing or wrong."""
REFUSED_INTERVAL = 1.0
"""Seconds between two reads that refusals ask for: a thousand feeds are refused in the same moment."""

log = logging.getLogger(__name__)


class SecretWatch:
    """Keeps a Secret's data, and calls its users when there is something new."""

    def __init__(self, *, namespace: str, name: str, read: SecretData, interval: float) -> None:
        self.namespace = namespace
        self.name = name
        self.users: list[Callable[[], None]] = []
        """Called when data or problem have changed."""
        self.data: Mapping[str, str] | None = None
        self.problem: Problem | None = None
        self._credentials: dict[str | None, Credentials] = {}
        """What the data mean, by vhost: a thousand feeds ask, and a certificate takes 1.5 ms to check."""
        self._read = read
        self._interval = interval
        self._read_at = float("-inf")
        self._again = asyncio.Event()
        self._task = asyncio.create_task(self._keep_reading())

    def credentials(self, *, vhost: str | None) -> Credentials:
        """What the data mean for a vhost; None: the Secret's own. Raises `SecretError`."""
        known = self._credentials.get(vhost)
        if known is None:
            secret = f"{self.namespace}/{self.name}"
            known = self._credentials[vhost] = from_secret(data=self.data or {}, secret=secret, vhost=vhost)
        return known

    def read_again(self) -> None:
        """Read now rather than at the next turn."""
        self._again.set()

    def close(self) -> None:
        """Stop reading."""
        self._task.cancel()

    async def _keep_reading(self) -> None:
        while True:
            self._again.clear()
            await self._refresh()
            # The spread keeps a thousand Secrets, all read at a take-over, from being read together ever after.
            interval = random.uniform(0.8, 1.0) * (UNREADABLE_INTERVAL if self.problem else self._interval)  # noqa: S311
            # Not wait_for(): Python 3.11's forgets a cancellation that comes together with what it waits for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._again.wait()
                await asyncio.sleep(REFUSED_INTERVAL)

    async def _refresh(self) -> None:
        before = self.data, self.problem
        try:
            self.data, self.problem = await self._read(self.namespace, self.name), None
        except SecretUnreadableError as error:
            if error.reason == "Unreachable" and self.data is not None:
                return  # The API server is away: what was read last is the best there is.
            self.data, self.problem = None, Problem(reason=error.reason, message=str(error))
        except Exception:
            # A mistake of ours must not end the watch for ever; what was read last stays.
            log.exception("Secret %s/%s was not read", self.namespace, self.name)
            return
        if (self.data, self.problem) != before:
            self._credentials.clear()
            for user in tuple(self.users):
                try:
                    user()
                except Exception:
                    # It must neither end the watch nor keep the others from being told.
                    log.exception("a user of Secret %s/%s was not told of what it says now", self.namespace, self.name)
