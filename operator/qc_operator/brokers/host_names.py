"""Host names looked up so that a name server that does not answer holds up those alone who ask for that very name.

asyncio, and with it aiohttp and pika, looks names up on the event loop's own threads: 6 on a machine with two cores,
for all brokers together. The C library waits for a silent name server for 10 s, and in a cluster once for each search
domain (resolv.conf(5)), so a few such names would keep every other broker from being connected to, even by an address.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

WITHIN: Final = 5.0
"""Seconds for which somebody waits for an address. The lookup itself goes on, and who asks again gets its result."""
MOST: Final = 128
"""Names that are looked up at the same time; a thread of its own for each takes 50 to 100 kB."""

Lookup: TypeAlias = tuple[str, int, int, int]
"""Host, port, family and flags, as the C library is asked."""
AddressInfo: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""What it tells of one address: family, type, protocol, canonical name, socket address."""


class HostNames:
    """The lookups that are under way: one for each name, however many ask for it."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._under_way: dict[Lookup, Future[list[AddressInfo]]] = {}
        self._waiting: deque[Lookup] = deque()
        self._threads = 0

    async def addresses(
        self, host: str, port: int, *, family: int = socket.AF_UNSPEC, flags: int = 0, within: float = WITHIN
    ) -> list[AddressInfo]:
        """Find where to connect to by TCP, waiting at most so many seconds.

        Raises `TimeoutError` with a sentence, and what `socket.getaddrinfo` raises.
        """
        lookup = (host, port, family, flags)
        try:
            # An address needs nobody's answer.
            return _look_up(host, port, family, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            answer = self._ask(lookup)
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(answer)
        except TimeoutError:
            raise TimeoutError(f"no name server has told the address of {host} within {within:g} s") from None

    def _ask(self, lookup: Lookup) -> Future[list[AddressInfo]]:
        with self._lock:
            answer = self._under_way.get(lookup)
            if answer is None:
                if self._threads < self._most:
                    # A daemon, so that the process can end while it waits.
                    threading.Thread(target=self._work, name="name lookup", daemon=True).start()
                    self._threads += 1
                answer = self._under_way[lookup] = Future()
                answer.set_running_or_notify_cancel()  # From here on nobody who gives up takes it from the others.
                self._waiting.append(lookup)
            return answer

    def _work(self) -> None:
        while (lookup := self._next()) is not None:
            try:
                found = _look_up(*lookup)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
                self._under_way.pop(lookup).set_exception(error)
            else:
                self._under_way.pop(lookup).set_result(found)

    def _next(self) -> Lookup | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None


HOST_NAMES: Final = HostNames()
"""Those of the process: all its lookups are answered by one C library."""


class Resolver(AbstractResolver):
    """Looks names up for aiohttp."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raise `OSError` when there is no address."""
        found = await HOST_NAMES.addresses(host, port, family=family, flags=socket.AI_ADDRCONFIG)
        numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host,
                host=socket.getnameinfo(address, numeric)[0],  # With the interface of a link-local address.
                port=port,
                family=family,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _look_up(host: str, port: int, family: int, flags: int) -> list[AddressInfo]:
    return list(socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=flags))
