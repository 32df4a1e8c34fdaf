"""Asks an OAuth 2 issuer for a token by the client credentials grant (RFC 6749, section 4.4)."""

from __future__ import annotations

import contextlib
import math
import re
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import msgspec

from qc_operator.brokers import tls, trouble
from qc_operator.brokers.credentials import LoginError, OAuth2, Tls
from qc_operator.brokers.web import AnswerError, read_answer

ASSUMED_LIFE = 300.0
"""Seconds; for an issuer that does not say how long its tokens live, which RFC 6749 only recommends."""
TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
LONGEST_ANSWER = 1 << 18
"""Bytes. Tokens with hundreds of scopes or groups have 10 to 50 kB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token, and the seconds that it is good for."""

    token: str = field(repr=False)
    life: float


class _Granted(msgspec.Struct):
    """RFC 6749, section 5.1; some issuers put the number into quotes."""

    access_token: str
    token_type: str
    expires_in: float | str | None = None


class _Refused(msgspec.Struct):
    """RFC 6749, section 5.2. The description is left out: it is free text, and might repeat what was sent."""

    error: str


class Issuer:
    """One client of one issuer."""

    def __init__(self, *, oauth2: OAuth2, https: Tls, session: aiohttp.ClientSession) -> None:
        self._oauth2 = oauth2
        self._https = https
        self._session = session

    async def ask(self) -> Grant:
        """Make one request. Raises `LoginError`, without what was sent or received in it."""
        wanted = {"grant_type": "client_credentials"}
        if self._oauth2.scopes:
            wanted["scope"] = " ".join(self._oauth2.scopes)
        if self._oauth2.audience is not None:
            wanted["audience"] = self._oauth2.audience
        try:
            async with self._session.post(
                self._oauth2.token_uri,
                data=wanted,
                headers={"Authorization": self._basic, "Accept": "application/json", "Accept-Encoding": "identity"},
                ssl=self._context,
                timeout=TIMEOUT,
                # A redirect would take the client's secret to whoever it names.
                allow_redirects=False,
            ) as response:
                answer = await read_answer(response, most=LONGEST_ANSWER)
        except (aiohttp.ClientError, TimeoutError) as error:
            cause = tls.tls_problem(error) or trouble.of_http(error)
            raise self._unreachable(f"cannot be reached: {cause}") from None
        except AnswerError as error:
            raise self._invalid(str(error)) from None
        if response.status != HTTPStatus.OK:
            raise self._refusal(response.status, answer)
        return self._grant(answer)

    def _grant(self, answer: bytes) -> Grant:
        try:
            granted = msgspec.json.decode(answer, type=_Granted)
            life = ASSUMED_LIFE if granted.expires_in is None else float(granted.expires_in)
        except (msgspec.DecodeError, ValueError):  # whose words could quote the token
            raise self._invalid("with something else than a token (RFC 6749, section 5.1)") from None
        if granted.token_type.lower() != "bearer" or not re.fullmatch(r"[\x21-\x7e]+", granted.access_token):
            raise self._invalid("with a token that is no bearer token (RFC 6750)")
        if not 0 < life < math.inf:
            raise self._invalid("with a token that has no life left")
        return Grant(token=granted.access_token, life=life)

    def _refusal(self, status: int, answer: bytes) -> LoginError:
        # Codes are ASCII without quotes (RFC 6749, section 5.2), and the ones that exist are short.
        with contextlib.suppress(msgspec.DecodeError):
            code = msgspec.json.decode(answer, type=_Refused).error
            if re.fullmatch(r"[\w.:/-]{1,80}", code, re.ASCII) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return self._refused(f": {code}")
        if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return self._refused(f" with HTTP status {status}")
        return self._unreachable(f"answered with HTTP status {status}")

    def _refused(self, words: str) -> LoginError:
        return LoginError("TokenRefused", f"{self._name} refused client {self._oauth2.client_id}{words}")

    def _unreachable(self, words: str) -> LoginError:
        return LoginError("TokenIssuerUnreachable", f"{self._name} {words}")

    def _invalid(self, words: str) -> LoginError:
        return LoginError("TokenInvalid", f"{self._name} answered {words}: check oauth2_token_uri")

    @property
    def _name(self) -> str:
        return f"token issuer {self._oauth2.token_uri}"

    @property
    def _basic(self) -> str:
        """RFC 6749, section 2.3.1: both are form-encoded first, so that a colon in the ID does no harm."""
        client = (quote(self._oauth2.client_id, safe=""), quote(self._oauth2.client_secret, safe=""))
        return aiohttp.encode_basic_auth(*client)

    @cached_property
    def _context(self) -> ssl.SSLContext | bool:
        return True if self._https.ca is None else tls.issuer_context(self._https)
