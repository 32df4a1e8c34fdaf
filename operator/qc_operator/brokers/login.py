"""Proves to a broker who we are: to AMQP and to the management API, over TLS or not."""

from __future__ import annotations

import ssl

import aiohttp
import pika

from qc_operator.brokers import tls
from qc_operator.brokers.credentials import Credentials, LoginError, Tls
from qc_operator.brokers.oauth2 import TokenSource


class Login:
    """One for all connections with the same credentials, so that they share the TLS context and the token."""

    def __init__(self, *, credentials: Credentials, session: aiohttp.ClientSession) -> None:
        self._credentials = credentials
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._tokens = (
            None
            if credentials.oauth2 is None
            else TokenSource(oauth2=credentials.oauth2, https=credentials.https, session=session)
        )

    async def sasl(self) -> pika.PlainCredentials | pika.credentials.ExternalCredentials:
        """For one AMQP connection. Raises `LoginError`, and no other, when no token can be had."""
        if self._tokens is not None:
            # RabbitMQ's OAuth 2 backend looks at the password alone, and takes the user's name from the token.
            return pika.PlainCredentials("", await self._tokens.token(), erase_on_connect=True)
        if self._credentials.mechanism == "EXTERNAL":
            return pika.credentials.ExternalCredentials()
        return pika.PlainCredentials(self._credentials.username, self._credentials.password, erase_on_connect=True)

    def tls_options(self, host: str) -> pika.SSLOptions | None:
        """For an AMQP connection to one of the hosts; None: in the clear."""
        if self._credentials.tls is None:
            return None
        return pika.SSLOptions(self._context(self._credentials.tls), self.server_name(host))

    def server_name(self, host: str) -> str:
        """The name that this host's certificate must have: aiohttp's `server_hostname`, too."""
        nodes = {name for name, _ in self._credentials.hosts}
        return (self._credentials.https.server_name if host in nodes else None) or host

    async def authorization(self) -> str | None:
        """Return the value of HTTP's Authorization header; None when there is nothing to log in with over HTTP.

        Raises `LoginError`.
        """
        management = self._credentials.management
        if management.username:
            if ":" in management.username:
                # RFC 7617, section 2: the first colon ends the user's name.
                raise LoginError(
                    "ManagementRefused",
                    "HTTP basic authentication cannot carry a username with a colon; "
                    "give the Secret a management_username and a management_password",
                )
            return aiohttp.encode_basic_auth(management.username, management.password)
        return None if self._tokens is None else f"Bearer {await self._tokens.token()}"

    def http_tls(self) -> ssl.SSLContext | bool:
        """Return what aiohttp wants as `ssl`, for the management API and for metrics."""
        https = self._credentials.https
        # True is aiohttp's own context: the system's CAs, and names are verified.
        return (
            True if https.ca is None and https.certificate is None and https.verify_hostname else self._context(https)
        )

    def _context(self, wanted: Tls) -> ssl.SSLContext:
        """Make it once: reading the system's CAs takes 18 ms."""
        if wanted not in self._contexts:
            self._contexts[wanted] = tls.context(wanted)
        return self._contexts[wanted]

    @property
    def lifetime(self) -> float | None:
        """Seconds until `renew` is due on an AMQP connection that was just given its token; None: never.

        After a failure it is the time until another attempt is worth it. Zero when no token was asked for yet.
        """
        return None if self._tokens is None else self._tokens.due_in

    async def renew(self) -> str:
        """Return a token for `update_secret` of an open connection. Raises `LoginError`: try again after `lifetime`."""
        if self._tokens is None:
            raise LoginError("NoToken", "a login by password or certificate does not end, and cannot be renewed")
        return await self._tokens.renew()

    def refused(self) -> None:
        """Say that the broker refused the login, so that the next one is not made with the same token."""
        if self._tokens is not None:
            self._tokens.forget()
