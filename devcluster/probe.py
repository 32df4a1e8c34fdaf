"""Asking a server on this machine whether it is ready. Answers False for every way of not being ready."""

import contextlib
import http.client
import socket
import ssl
import struct
from pathlib import Path

_SECONDS = 2.0


def http_ok(*, address: str, port: int, path: str) -> bool:
    """Whether a GET is answered with 200."""
    return _answers_200(http.client.HTTPConnection(address, port, timeout=_SECONDS), path)


def https_ok(*, address: str, port: int, path: str, pki: Path | None = None) -> bool:
    """The same by TLS, as the administrator where *pki* is given; else without checking a self-made certificate."""
    try:
        context = ssl.create_default_context(cafile=str(pki / "ca.crt") if pki else None)
        if pki:
            context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        else:
            # The controller manager and the scheduler make a certificate of their own for loopback.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    except (OSError, ssl.SSLError):
        return False
    return _answers_200(http.client.HTTPSConnection(address, port, timeout=_SECONDS, context=context), path)


def _answers_200(connection: http.client.HTTPConnection, path: str) -> bool:
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def socket_accepts(path: Path) -> bool:
    """Whether somebody listens on the unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_SECONDS)
        return client.connect_ex(str(path)) == 0


def name_resolves(*, name: str, server: str, port: int = 53) -> bool:
    """Whether a DNS server answers for *name* with at least one address record (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(label)]) + label for label in name.encode().split(b"."))
    # id 1, recursion desired, one question: type A, class IN.
    query = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(_SECONDS)
        try:
            client.sendto(query, (server, port))
            answer = client.recv(512)
        except OSError:
            return False
    if len(answer) < len(query):
        return False
    flags, _, answers = struct.unpack(">3H", answer[2:8])
    return bool(flags & 0xF == 0 and answers > 0)
