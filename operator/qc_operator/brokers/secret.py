"""The values of a Secret, decoded, with errors that name the Secret and the key and never a value."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from yarl import URL

from qc_operator.brokers.credentials import SecretError

HIGHEST_PORT = 65535
LONGEST_NAME = 253
"""Bytes of a host name without the dot at its end (RFC 1035, section 2.3.4)."""


class Secret:
    """The values under the keys that are known; whatever else the Secret holds may be in any form.

    `data` has base64 values, as the API server gives them; `name` is `namespace/name`. Each method may raise
    `SecretError`.
    """

    def __init__(self, *, data: Mapping[str, str], name: str, keys: tuple[str, ...]) -> None:
        self._name = name
        self._values = {key: self._decode(key, data[key]) for key in keys if key in data}

    def _decode(self, key: str, value: str) -> str:
        try:
            # People end files with a newline before they make a Secret of them; no value that is read ends with one.
            text = base64.b64decode(value, validate=True).decode().rstrip("\r\n")
        except (binascii.Error, UnicodeDecodeError):
            raise self.error(key, "is not UTF-8 text") from None
        if "\0" in text:
            # It is what separates user and password in SASL PLAIN (RFC 4616), and ends strings in C.
            raise self.error(key, "has a NUL character in it")
        return text

    def error(self, key: str, sentence: str) -> SecretError:
        """The error to raise for a key."""
        return SecretError(f"Secret {self._name}: key {key} {sentence}")

    def __getitem__(self, key: str) -> str:
        """Return the value of a key; empty when it is not there, which is the same to us."""
        return self._values.get(key, "")

    def first(self, *keys: str) -> str:
        """The first of these keys that has a value; empty when none has."""
        return next((key for key in keys if self[key]), "")

    def choice(self, key: str, *allowed: str) -> str:
        """One of the allowed words; empty when the key is not there."""
        value = self[key].strip()
        if value and value not in allowed:
            raise self.error(key, f"must be {' or '.join(allowed)}")
        return value

    def flag(self, key: str) -> bool | None:
        """`true` or `false`; None when the key is not there."""
        value = self.choice(key, "true", "false")
        return value == "true" if value else None

    def name(self, key: str) -> str:
        """A host name or an address; empty when the key is not there."""
        value = self[key].strip()
        if value and not is_host(value, address_only=False):
            raise self.error(key, "must be a host name or an address")
        return value

    def hosts(self, key: str) -> list[tuple[str, int | None]]:
        """Hosts separated by commas, each with a port if one was written. IPv6 with brackets or without."""
        parsed = [self._host(key, part.strip()) for part in self[key].split(",")]
        return list(dict.fromkeys(parsed))

    def _host(self, key: str, text: str) -> tuple[str, int | None]:
        bracketed = re.fullmatch(r"\[(.+)\](?::(\d+))?", text)
        # Two colons or more without brackets are an address without a port.
        named = bracketed or re.fullmatch(r"([^:]*)(?::(\d+))?", text)
        host, port = (named[1], named[2]) if named else (text, None)
        if not is_host(host, address_only=bool(bracketed or not named)):
            raise self.error(
                key,
                "must be a host name or an address, or several separated by commas, each with :port if need be",
            )
        return host, None if port is None else self.port(key, port)

    def port(self, key: str, text: str) -> int:
        """A TCP port."""
        if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= HIGHEST_PORT:
            raise self.error(key, f"must be a TCP port, 1 to {HIGHEST_PORT}")
        return int(text)

    def url(self, key: str, *schemes: str) -> str:
        """A web address without credentials; empty when the key is not there."""
        value = self[key].strip()
        if not value:
            return ""
        try:
            address = urlsplit(value)
            named = address.port != 0 and is_host(address.hostname or "", address_only="[" in address.netloc)
            _ = URL(value).host
        except ValueError:
            # Either of the two refuses what the other takes; a UnicodeError is a ValueError, too.
            address, named = SplitResult("", "", "", "", ""), False
        plain = not (address.username or address.password or address.query or address.fragment)
        if address.scheme not in schemes or not named or not plain or not value.isprintable():
            forms = " or ".join(f"{scheme}://host:port" for scheme in schemes)
            raise self.error(key, f"must be {forms}, without credentials: those are keys of their own")
        return value.rstrip("/")


def is_host(text: str, *, address_only: bool) -> bool:
    """Whether this can be connected to: an address, without brackets, or else a name."""
    try:
        ip_address(text)
    except ValueError:
        # Underscores are no part of a host name by RFC 952, and yet in use inside of clusters and compose files.
        return not address_only and bool(re.fullmatch(r"\w(?:[\w.-]*\w)?\.?", text)) and _can_be_asked_for(text)
    return True


def _can_be_asked_for(name: str) -> bool:
    """Whether resolver and HTTP client take a name: the labels' lengths, and what `xn--` stands for (RFC 3490)."""
    try:
        asked_for = name.encode("idna").rstrip(b".")
        _ = URL.build(scheme="http", host=name).host
    except ValueError:
        return False
    return len(asked_for) <= LONGEST_NAME
