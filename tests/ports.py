"""TCP ports on loopback for the servers of a test run."""

import contextlib
import random
import socket


def free_ports(count: int) -> list[int]:
    """Pick ports below the ephemeral range.

    A port of that range could go to an outgoing connection while its server is down, and a client that keeps
    knocking at such a port of its own machine can even connect to itself.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            candidate = random.randint(20000, 29999)  # noqa: S311 - not a secret
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", candidate))
                found.append(candidate)
    return found
