"""Where a broker is: from the Secret's `host`, or from the connection string in it.

Beside a host the string is not looked at but for its scheme: the RabbitMQ Cluster Operator builds it without
percent-encoding, so a part of a password would pass for a host or a vhost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from qc_operator.brokers.secret import Secret, is_host

STRINGS = ("uri", "connection_string")
"""The keys of a connection string; the first goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The nodes, and what else was in a connection string."""

    hosts: tuple[tuple[str, int | None], ...]
    """None for the port where none was given."""
    username: str = ""
    password: str = field(default="", repr=False)
    vhost: str = ""


def address_of(values: Secret) -> Address:
    """Read the keys about hosts. Raises `SecretError`."""
    port = values.port("port", values["port"].strip()) if values["port"] else None
    if values["host"]:
        return Address(hosts=tuple((host, its or port) for host, its in values.hosts("host")))
    key = values.first(*STRINGS)
    if not key:
        raise values.error("host", "is missing or empty; give it, or a connection_string")
    parts = _parts(values, key)
    return Address(
        hosts=((parts.hostname or "", port or parts.port),),
        username=_decoded(values, key, parts.username),
        password=_decoded(values, key, parts.password),
        vhost=_decoded(values, key, parts.path[1:]),
    )


def string_for_tls(values: Secret) -> str:
    """The key of a connection string that asks for TLS; empty when there is none.

    This counts also beside a host: to take it for plain AMQP would send the password in the clear.
    """
    return next((key for key in STRINGS if _scheme(values[key]) == "amqps"), "")


def _scheme(text: str) -> str:
    """Return the letters before the first colon.

    Blanks, line ends and a byte order mark do not hide them: urlsplit, too, passes over most of these.
    """
    return "".join(re.findall("[a-z]", text.partition(":")[0].lower()))


def _parts(values: Secret, key: str) -> SplitResult:
    try:
        parts = urlsplit(values[key])
        _ = parts.port
    except ValueError:
        # urlsplit's own message may quote a part of the password.
        parts = urlsplit("amqp:")
    if parts.scheme not in {"amqp", "amqps"}:
        raise values.error(key, "must start with amqp:// or amqps://")
    # What follows the first unencoded / ? or # of a password is no part of the host; it has the @ of the login in it.
    named = is_host(parts.hostname or "", address_only="[" in parts.netloc.rpartition("@")[2])
    if not named or "@" in parts.path + parts.query + parts.fragment:
        raise values.error(
            key,
            "cannot be read as amqp://user:password@host:port/vhost; "
            "percent-encode the password, or give host, username and password as keys of their own",
        )
    return parts


def _decoded(values: Secret, key: str, part: str | None) -> str:
    try:
        text = unquote(part or "", errors="strict")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise values.error(key, "is not percent-encoded UTF-8 text")
    return text
