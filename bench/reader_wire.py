"""What goes over this process's TCP connections, by the kernel's count: it knows nothing of the code measured."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RECEIVED_AT = 128
"""Where tcpi_bytes_received stands in struct tcp_info (linux/tcp.h, since Linux 4.1)."""
_FRAME_ENDS = 7 + 1
"""Bytes of an AMQP 0-9-1 frame about its payload: type, channel and size before, the end mark behind."""
_DECLARE_OK = 2 + 2 + 1 + 4 + 4
"""Bytes of a Declare-Ok's payload but for the queue's name: class, method, the name's length, two counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The open connections to one port."""

    connections: int
    received: int
    """Bytes that came in over them since each was opened."""


def traffic(port: int) -> Traffic:
    """Count what this process has open to a port of any host."""
    counts = list(_received(port))
    return Traffic(connections=len(counts), received=sum(counts))


def answer_size(queue: str) -> int:
    """Bytes of the answer to a declare of this queue."""
    return _FRAME_ENDS + _DECLARE_OK + len(queue.encode())


def _received(port: int) -> Iterator[int]:
    for file in Path("/proc/self/fd").iterdir():
        try:
            if not file.is_socket():
                continue
            with socket.socket(fileno=os.dup(int(file.name))) as connection:
                if connection.family != socket.AF_INET or connection.getpeername()[1] != port:
                    continue
                info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        except OSError:
            continue  # It was the folder's own, or a socket that is not connected.
        yield struct.unpack_from("=Q", info, _RECEIVED_AT)[0]
