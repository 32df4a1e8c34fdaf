"""The tokens of an OAuth 2 client: kept, shared, and renewed in time.

At 80 % of a token's life a new one is asked for, by one request however many wait for it; while the issuer does not
answer, the old one is good to its end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp

from qc_operator.brokers.credentials import LoginError, OAuth2, Tls
from qc_operator.brokers.issuer import Grant, Issuer

RENEW_AT = 0.8
"""Of a token's life. What is left is for attempts while the issuer is away."""
RETRY_SECONDS = 5.0
"""Between attempts to renew a token that is still good."""
YOUNG_SECONDS = 10.0
"""A token that was refused while it was younger than this is kept: another one would fare no better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    grant: Grant
    asked_at: float
    """By the event loop's clock. A life begins when the token is asked for, so that it never seems longer."""

    @property
    def alive(self) -> bool:
        return _now() - self.asked_at < self.grant.life

    @property
    def fresh(self) -> bool:
        return _now() < self.renewal

    @property
    def renewal(self) -> float:
        return self.asked_at + RENEW_AT * self.grant.life


class TokenSource:
    """The tokens of one client of one issuer."""

    def __init__(self, *, oauth2: OAuth2, https: Tls, session: aiohttp.ClientSession) -> None:
        self._issuer = Issuer(oauth2=oauth2, https=https, session=session)
        self._lock = asyncio.Lock()
        self._token: _Token | None = None
        self._attempts = 0
        """Those that failed."""
        self._failure: LoginError | None = None
        """That of the latest attempt."""
        self._failed_at = 0.0

    @property
    def due_in(self) -> float:
        """Seconds until a new token should be asked for; after a failure, until that is worth another attempt."""
        now = _now()
        renewal = now if self._token is None else self._token.renewal
        retry = now if self._failure is None else self._failed_at + RETRY_SECONDS
        return max(0.0, renewal - now, retry - now)

    async def token(self) -> str:
        """Return a token; one that ends soon only while no other can be had. Raises `LoginError`."""
        old = self._token if self._token is not None and self._token.alive else None
        if old is not None and self._failed_lately:
            return old.grant.token  # Who reads every few seconds is not to wait for an issuer that is away each time.
        try:
            return await self.renew()
        except LoginError:
            if old is not None:
                return old.grant.token
            raise

    @property
    def _failed_lately(self) -> bool:
        return self._failure is not None and _now() < self._failed_at + RETRY_SECONDS

    async def renew(self) -> str:
        """Return a token in the first 80 % of its life, as connections that stay open want it. Raises `LoginError`."""
        if self._token is not None and self._token.fresh:
            return self._token.grant.token
        before = self._attempts
        async with self._lock:
            if self._token is not None and self._token.fresh:
                return self._token.grant.token
            if self._failure is not None and self._attempts != before:
                # A new error for each who waited: an exception collects the traces of all who raise it.
                raise LoginError(self._failure.reason, str(self._failure))
            self._token = await self._attempt()
            return self._token.grant.token

    def forget(self) -> None:
        """Do not use the token again, unless it is so young that a new one would be no better."""
        if self._token is not None and _now() - self._token.asked_at > YOUNG_SECONDS:
            self._token = None

    async def _attempt(self) -> _Token:
        asked_at = _now()
        try:
            grant = await self._issuer.ask()
        except LoginError as error:
            # One that was cancelled is not counted: who waits then makes an attempt of its own.
            self._attempts += 1
            self._failure, self._failed_at = LoginError(error.reason, str(error)), _now()
            raise
        self._failure = None
        return _Token(grant=grant, asked_at=asked_at)


def _now() -> float:
    return asyncio.get_running_loop().time()
