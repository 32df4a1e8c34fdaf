"""Ports of this machine that nobody else reaches, and HTTP to what listens there."""

import contextlib
import socket
import urllib.request

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy of the environment is for other machines."""


def free_port(preferred: int) -> int:
    """Find a port to listen at: the preferred one, which people know, or any other if somebody has that."""
    for wanted in (preferred, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            # As servers do, so that a connection that is still closing down does not count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
    return preferred


def fetch(url: str, *, timeout_seconds: float, form: bytes | None = None) -> bytes:
    """GET, or POST with a form; raises OSError (urllib's errors are among them) when that fails."""
    with _DIRECT.open(url, data=form, timeout=timeout_seconds) as answer:
        body: bytes = answer.read()
    return body
