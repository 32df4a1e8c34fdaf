"""How to reach a broker and as whom, from a Secret in Service Binding form.

Keys: servicebinding.io/spec/core 1.1, "Well-known Secret Entries", as the RabbitMQ Cluster Operator writes them. Single
fields win over `connection_string`, because that operator builds the string without percent-encoding.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

AMQP_PORT = 5672
AMQPS_PORT = 5671
MANAGEMENT_PORT = 15672
TLS_KEYS = ("ca.crt", "tls.crt", "tls.key")
KEYS = (
    "host", "port", "username", "password", "vhost", "virtual-host", "uri", "connection_string", "management_uri",
)  # fmt: skip
"""Those that are read; a Secret may hold anything else beside them."""


class SecretError(ValueError):
    """A Secret cannot be used. The message names the Secret and the key, never a value."""


class SecretUnreadableError(Exception):
    """A Secret cannot be had. `reason` is a CamelCase word, the message a sentence."""

    def __init__(self, *, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An endpoint and a login. Equal credentials share one connection."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    vhost: str
    management_uri: str
    """Base address of the management API, without credentials."""
    management_given: bool
    """Whether the Secret names the management API, so that its absence is a failure and not a choice."""

    @property
    def endpoint(self) -> str:
        """Host and port as a person writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def from_secret(*, data: Mapping[str, str], secret: str, vhost: str | None) -> Credentials:
    """Read a Secret's `data` (base64 values, as the API server gives them).

    `secret` is `namespace/name`, for errors; `vhost` overrides the Secret's. Raises `SecretError`.
    """
    for key in TLS_KEYS:
        if data.get(key):
            raise SecretError(f"Secret {secret}: key {key} asks for TLS, which this version does not speak yet")
    values = {key: _decode(data[key], secret=secret, key=key) for key in KEYS if key in data}
    # Beside a host the string is not looked at: unencoded, a part of its password would pass for a vhost.
    address = urlsplit("") if values.get("host") else _address(values, secret=secret)
    host = values.get("host") or address.hostname
    username = values.get("username") or unquote(address.username or "")
    password = values.get("password") or unquote(address.password or "")
    for key, value in (("host", host), ("username", username), ("password", password)):
        if not value:
            raise SecretError(f"Secret {secret}: key {key} is missing or empty; give it, or a connection_string")
    named = values.get("vhost") or values.get("virtual-host") or unquote(address.path[1:])
    management = _management_uri(values, host=host or "", secret=secret)
    return Credentials(
        host=host or "",
        port=_port(values, address, secret=secret),
        username=username,
        password=password,
        vhost=vhost or named or "/",
        management_uri=management,
        management_given=bool(values.get("management_uri")),
    )


def _decode(value: str, *, secret: str, key: str) -> str:
    try:
        # People end files with a newline before they make a Secret of them; no AMQP field ends with one.
        return base64.b64decode(value, validate=True).decode().rstrip("\r\n")
    except (binascii.Error, UnicodeDecodeError):
        raise SecretError(f"Secret {secret}: key {key} is not UTF-8 text") from None


def _address(values: Mapping[str, str], *, secret: str) -> SplitResult:
    for key in ("uri", "connection_string"):
        if not values.get(key):
            continue
        try:
            address = urlsplit(values[key])
            _ = address.port
        except ValueError:
            # urlsplit's own message may quote a part of the password.
            raise SecretError(
                f"Secret {secret}: key {key} cannot be read as amqp://user:password@host:port/vhost; "
                "percent-encode the password, or give host, username and password as keys of their own"
            ) from None
        if address.scheme == "amqps":
            raise SecretError(f"Secret {secret}: key {key} asks for TLS, which this version does not speak yet")
        if address.scheme != "amqp":
            raise SecretError(f"Secret {secret}: key {key} must start with amqp://")
        return address
    return urlsplit("")


def _port(values: Mapping[str, str], address: SplitResult, *, secret: str) -> int:
    port = values.get("port") or str(address.port or AMQP_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004 - TCP's range
        raise SecretError(f"Secret {secret}: key port must be a TCP port, 1 to 65535")
    if int(port) == AMQPS_PORT:
        raise SecretError(f"Secret {secret}: key port {port} is that of TLS, which this version does not speak yet")
    return int(port)


def _management_uri(values: Mapping[str, str], *, host: str, secret: str) -> str:
    given = values.get("management_uri")
    if not given:
        return f"http://[{host}]:{MANAGEMENT_PORT}" if ":" in host else f"http://{host}:{MANAGEMENT_PORT}"
    try:
        address = urlsplit(given)
        _ = address.port
    except ValueError:
        address = urlsplit("")
    if address.scheme == "https":
        raise SecretError(f"Secret {secret}: key management_uri asks for TLS, which this version does not speak yet")
    if address.scheme != "http" or not address.hostname or address.username:
        raise SecretError(
            f"Secret {secret}: key management_uri must be http://host:port, without credentials: "
            "username and password are keys of their own"
        )
    return given.rstrip("/")
