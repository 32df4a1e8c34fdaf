"""TLS to brokers: who is trusted, who we are, and what an error of a handshake means.

A private CA in the Secret replaces the system's for the broker, its management API and its metrics: nobody else may
then speak for them. The chain is always verified; the name in the certificate is unless the Secret says otherwise.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from collections.abc import Iterator

from qc_operator.brokers.credentials import Tls

OF_ANOTHER_CERTIFICATE = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
"""What OpenSSL says of a key that is not the certificate's; the last one, of a key of another kind (3.0)."""


OF_ANOTHER_NAME = {62, 64}
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""

OTHER_NAME = "the server's certificate is not for {name}; use a host name that it has"

CHAIN = {
    9: "the server's certificate is not valid yet",
    10: "the server's certificate has expired",
    18: "the server's certificate is self-signed, and is not the one in ca.crt",
    19: "the server's certificate was signed by a CA that is not trusted; put that CA into ca.crt",
    20: "the server's certificate was signed by a CA that is not trusted; put that CA into ca.crt",
    23: "the server's certificate was revoked",
}
"""What X509_V_ERR_* says of the server's certificate."""

HANDSHAKE = {
    "CERTIFICATE_EXPIRED": "the server refused the client certificate in tls.crt: it has expired",
    "CERTIFICATE_REVOKED": "the server refused the client certificate in tls.crt: it was revoked",
    "UNKNOWN_CA": "the server refused the client certificate in tls.crt: it does not trust the CA that signed it",
    "BAD_CERTIFICATE": "the server refused the client certificate in tls.crt",
    "UNSUPPORTED_CERTIFICATE": "the server refused the client certificate in tls.crt: it is not made for clients",
    "CERTIFICATE_UNKNOWN": "the server refused the client certificate in tls.crt",
    "CERTIFICATE_REQUIRED": "the server wants a client certificate; put one into tls.crt and tls.key",
    "HANDSHAKE_FAILURE": (
        "the server ended the handshake: it wants a client certificate (tls.crt, tls.key) or shares no cipher with us"
    ),
    "PROTOCOL_VERSION": "the server speaks no TLS of version 1.2 or later",
    "UNSUPPORTED_PROTOCOL": "the server speaks no TLS of version 1.2 or later",
    "WRONG_VERSION_NUMBER": "the server speaks no TLS at this port",
    "UNEXPECTED_EOF_WHILE_READING": "the server ended the connection during the TLS handshake",
}
"""What OpenSSL says of a handshake that failed: alerts are the server's words, the others our own findings."""


class PemError(ValueError):
    """A PEM text cannot be used. `key` is that of the Secret; the message ends a sentence that begins with it."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def context(tls: Tls) -> ssl.SSLContext:
    """What connections to the broker, its management API and its metrics are made with. Raises `PemError`."""
    made = _trusting(tls.ca)
    if tls.certificate is not None and tls.key is not None:
        _present(made, certificate=tls.certificate, key=tls.key)
    made.check_hostname = tls.verify_hostname
    return made


def check(tls: Tls) -> None:
    """Raise `PemError` if a context cannot be made of it; without the system's CAs, whose reading takes 18 ms."""
    if tls.ca is not None:
        _only_trusting(tls.ca)
    if tls.certificate is not None and tls.key is not None:
        _present(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate=tls.certificate, key=tls.key)


def issuer_context(tls: Tls) -> ssl.SSLContext:
    """What connections to a token issuer are made with: it may be public or private, so both are trusted.

    It is no part of the broker: our certificate is not shown to it, and its name is always checked.
    """
    made = _trusting(None)
    if tls.ca is not None:
        made.load_verify_locations(cadata=tls.ca)
    return made


def _trusting(ca: str | None) -> ssl.SSLContext:
    made = ssl.create_default_context() if ca is None else _only_trusting(ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 turns both on. The first lets an intermediate CA be all that is trusted; the second refuses CAs
    # without the extensions that `openssl req -x509` leaves out, which is how many a private CA was made.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made


def _only_trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=_ascii(ca))
    except ssl.SSLError:
        raise PemError("ca.crt", "is no certificate in PEM form") from None


def _ascii(pem: str) -> str:
    """PEM without what is not ASCII: bundles have names of CAs as comments, and Windows' editors begin with a mark."""
    return pem.encode("ascii", "ignore").decode()


def _present(made: ssl.SSLContext, *, certificate: str, key: str) -> None:
    try:
        ssl.create_default_context(cadata=_ascii(certificate))
    except ssl.SSLError:
        raise PemError("tls.crt", "is no certificate in PEM form") from None
    if "ENCRYPTED" in key:
        raise PemError("tls.key", "is protected by a passphrase; there is nobody to type it, so store it without one")
    with _in_memory(certificate) as certificate_file, _in_memory(key) as key_file:
        try:
            # Without a password of ours, OpenSSL would ask for one at the terminal.
            made.load_cert_chain(certificate_file, key_file, password="")
        except ssl.SSLError as error:
            if error.reason in OF_ANOTHER_CERTIFICATE:
                raise PemError("tls.key", "does not belong to the certificate in tls.crt") from None
            if error.reason:
                raise PemError("tls.crt", f"is refused by OpenSSL: {error.reason}") from None
            raise PemError("tls.key", "is no private key in PEM form") from None


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Give a path to a file that is on no disk: Python's ssl reads certificates and keys from files only."""
    file = os.memfd_create("pem")
    try:
        os.write(file, text.encode())
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)


def tls_problem(error: BaseException) -> str | None:
    """Say in a sentence which error of TLS is behind another one; None when there is none."""
    causes = list(_causes(error))
    for cause in causes:
        # aiohttp's error is one of these by its class, and has the real one inside.
        if isinstance(cause, ssl.SSLCertVerificationError) and hasattr(cause, "verify_code"):
            return _of_their_certificate(cause)
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
            return _of_the_handshake(cause.reason)
    # With TLS 1.3 a server refuses a client after the handshake, and of that error pika keeps the words alone.
    words = re.search(r"\[SSL: (\w+)\]", " ".join(str(cause) for cause in causes))
    return _of_the_handshake(words[1]) if words else None


def _of_the_handshake(reason: str) -> str:
    # Alerts have been SSLV3_ALERT_..., TLSV1_ALERT_... and TLSV13_ALERT_..., depending on OpenSSL's release.
    name = re.sub(r"^.*ALERT_", "", reason)
    return HANDSHAKE.get(name, f"the TLS handshake failed: {reason}")


def _of_their_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in OF_ANOTHER_NAME:
        name = re.search(r"'(.*)'", error.verify_message)
        return OTHER_NAME.format(name=name[1] if name else "this host")
    return CHAIN.get(error.verify_code, f"the server's certificate is not accepted: {error.verify_message}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was made from: pika and aiohttp wrap errors three deep, in ways of their own."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [
            *getattr(cause, "exceptions", ()),
            *(getattr(cause, name, None) for name in ("exception", "certificate_error", "os_error")),
            *cause.args,
            cause.__cause__,
            cause.__context__,
        ]
        waiting += [wrapped for wrapped in inner if isinstance(wrapped, BaseException)]
