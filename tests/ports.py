"""TCP ports on loopback for the servers of a test run."""

import contextlib
import os
import random
import socket
from typing import Final

RANGE: Final = "QC_TEST_PORTS"
"""The variable that says `FIRST-LAST` where a run must keep to a part of them, as two at a time must."""

ALL: Final = "20000-29999"


def free_ports(count: int) -> list[int]:
    """Pick ports below the ephemeral range, of those that RANGE names.

    A port of that range could go to an outgoing connection while its server is down, and a client that keeps
    knocking at such a port of its own machine can even connect to itself.
    """
    first, last = map(int, os.environ.get(RANGE, ALL).split("-"))
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            candidate = random.randint(first, last)  # noqa: S311 - not a secret
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", candidate))
                found.append(candidate)
    return found
