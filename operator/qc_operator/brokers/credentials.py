"""How to reach a broker and as whom: plain values, made from a Secret by binding.py and used by login.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Mechanism = Literal["PLAIN", "EXTERNAL", "OAUTH2"]
"""How we log in: by password, by the client certificate, or by a token in the password's place."""


class SecretError(ValueError):
    """A Secret cannot be used. The message names the Secret and the key, never a value."""


class SecretUnreadableError(Exception):
    """A Secret cannot be had. `reason` is a CamelCase word, the message a sentence."""

    def __init__(self, *, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LoginError(Exception):
    """There is nothing to log in with now. `reason` is a CamelCase word, the message a sentence without secrets."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a handshake needs, as PEM texts."""

    ca: str | None = field(default=None, repr=False)
    """The only ones trusted; None: those of the system."""
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    server_name: str | None = None
    """The name in the brokers' certificates, where it is not the host that is connected to."""
    verify_hostname: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """The issuer of tokens, and as whom to ask it (RFC 6749, section 4.4)."""

    token_uri: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    audience: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Management:
    """The management API and its user. Without a user the token is used; without either nobody can log in."""

    uri: str
    """Base address, without credentials."""
    username: str
    password: str = field(repr=False)
    given: bool
    """Whether the Secret names the API, so that its absence is a failure and not a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A broker's addresses and a login. Equal credentials share one reader."""

    hosts: tuple[tuple[str, int], ...]
    """Nodes to rotate over, each with its port."""
    vhost: str
    mechanism: Mechanism
    username: str
    """Empty unless the mechanism is PLAIN, and so is the password."""
    password: str = field(repr=False)
    tls: Tls | None
    """None: AMQP is spoken in the clear."""
    https: Tls
    """How addresses that begin with https are verified, also when AMQP is spoken in the clear."""
    oauth2: OAuth2 | None
    management: Management
    metrics_uri: str | None

    @property
    def endpoint(self) -> str:
        """Hosts and ports as a person writes them."""
        return ", ".join(f"{bracketed(host)}:{port}" for host, port in self.hosts)

    @property
    def who(self) -> str:
        """As whom we log in, for a sentence."""
        if self.oauth2 is not None:
            return f"the token of client {self.oauth2.client_id}"
        return f"user {self.username}" if self.mechanism == "PLAIN" else "the client certificate"


def bracketed(host: str) -> str:
    """A host as it is written before a port: an IPv6 address needs brackets there."""
    return f"[{host}]" if ":" in host else host
