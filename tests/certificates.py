"""Certificate authorities, and what they give to brokers and clients, for tests of TLS."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with its key, both as PEM text."""

    certificate: str
    key: str = field(repr=False)


class Authority:
    """A certificate authority that nobody trusts but who is given its certificate."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    @property
    def certificate(self) -> str:
        """What those who trust it must have, as PEM text."""
        return self._ca.cert_pem.bytes().decode()

    def server(self, *names: str, expired: bool = False) -> Certificate:
        """Certify a server by its host names and addresses, by default those of this machine."""
        return self._issue(*(names or ("localhost", "127.0.0.1", "::1")), expired=expired)

    def client(self, common_name: str, *, expired: bool = False) -> Certificate:
        """Certify a client, whom RabbitMQ then takes for the user of this name."""
        return self._issue(f"{common_name}@clients.test", common_name=common_name, expired=expired)

    def _issue(self, *identities: str, expired: bool, common_name: str | None = None) -> Certificate:
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        issued = self._ca.issue_cert(*identities, common_name=common_name, not_after=until)
        chain = "".join(part.bytes().decode() for part in issued.cert_chain_pems)
        return Certificate(certificate=chain, key=issued.private_key_pem.bytes().decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """How a broker does TLS."""

    authority: Authority
    """Whose clients it knows."""
    certificate: Certificate
    """Its own."""
    clients: Literal["ignored", "asked", "required"] = "ignored"
    """Whether a client may show a certificate (`asked`) or must; one that it does not know is then refused."""
    management: bool = False
    """Whether the management API is there by https too."""
