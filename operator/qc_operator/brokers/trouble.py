"""Why a server cannot be reached, in words for people: pika and aiohttp tell of it in terms of their own insides.

What TLS has to say is told by `tls.py`, which is asked first.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import Final

import aiohttp
import pika.exceptions
from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout

CONNECT_WITHIN: float = 5.0
"""Seconds for TCP's handshake with one address of a broker."""
LOGIN_WITHIN: float = 10.0
"""Seconds for all that follows until AMQP is open."""

OF_ITS_OWN: Final = {
    errno.ECONNREFUSED: "nothing listens there (connection refused)",
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was cut off",
}
"""What is told of an error whose name says too little."""
OTHER_PORT: Final = "it ended the connection before AMQP began; is this the port of AMQP?"
PERHAPS_TLS: Final = " If it is that of AMQP over TLS, give the Secret the key tls: true"


def of_amqp(error: BaseException, *, in_the_clear: bool) -> str:
    """What pika says of a connection that was not made, or that has ended without the broker's word."""
    if isinstance(error, pika.exceptions.IncompatibleProtocolError):
        # The other side said nothing that AMQP's handshake begins with: pika tells it of an end in this state, too.
        return OTHER_PORT + (PERHAPS_TLS if in_the_clear else "")
    cause = _innermost(error)
    if isinstance(cause, TimeoutError) and str(cause).startswith("TCP connection attempt"):
        return f"no answer within {CONNECT_WITHIN:g} s"
    if isinstance(cause, OSError):
        return of_the_network(cause)
    return _of_pika(cause)


def _of_pika(cause: BaseException) -> str:
    if isinstance(cause, pika.exceptions.ConnectionOpenAborted | AMQPConnectorStackTimeout):
        # pika gives up by closing what is not open yet, and names its own close as the cause.
        return f"no answer within {LOGIN_WITHIN:g} s"
    if isinstance(cause, pika.exceptions.AMQPHeartbeatTimeout):
        return "it has shown no sign of life, not even a heartbeat"
    if isinstance(cause, pika.exceptions.StreamLostError):
        # It has the error of the socket as text alone.
        return "the connection was reset" if "ConnectionResetError" in str(cause) else "the connection was cut off"
    if isinstance(cause, pika.exceptions.AMQPError):
        return f"what it sends is not understood ({type(cause).__name__}); is this the port of AMQP?"
    return str(cause) or type(cause).__name__


def of_http(error: BaseException) -> str:
    """What aiohttp says of a request without an answer."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return "it ended the connection without an answer"
    if isinstance(cause, aiohttp.ServerTimeoutError):
        return "no answer in time"
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "its answer broke off"
    if isinstance(cause, aiohttp.ClientResponseError):
        return "what answers there is not HTTP; check the port, and whether it is http:// or https://"
    return of_the_network(cause) if isinstance(cause, OSError) else type(cause).__name__


def of_the_network(error: OSError) -> str:
    """What the system says of a socket or of a name."""
    if isinstance(error, socket.gaierror):
        # Other numbers mean that nobody could say.
        unknown = error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
        return "its host name is not known" if unknown else f"its host name was not found: {error.strerror}"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"  # Without a reason; its number is not one of the system's.
    if error.errno is None:
        return str(error) or "no answer in time"
    if error.errno in OF_ITS_OWN:
        return OF_ITS_OWN[error.errno]
    words = os.strerror(error.errno)
    return words[:1].lower() + words[1:]


def _innermost(error: BaseException) -> BaseException:
    """The cause that says something: pika wraps a refused connection three times over."""
    while True:
        inner = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args]
        wrapped = [cause for cause in inner if isinstance(cause, BaseException)]
        if not wrapped:
            return error
        error = wrapped[-1]
