"""What pika needs of the event loop, with names looked up apart from it."""

from __future__ import annotations

from collections.abc import Callable

# pika takes others' services as `custom_ioloop`, and its own adapter to asyncio is all right but for the names.
from pika.adapters.asyncio_connection import _AsyncioIOServicesAdapter
from pika.adapters.utils.nbio_interface import AbstractIOReference

from qc_operator.brokers.host_names import HOST_NAMES


class IOServices(_AsyncioIOServicesAdapter):  # type: ignore[misc] # pika is untyped
    """Those of the running event loop. A name that nobody tells the address of in time is an error like others."""

    def getaddrinfo(  # noqa: PLR0917 - as pika calls it
        self,
        host: str,
        port: int,
        on_done: Callable[..., None],
        family: int = 0,
        socktype: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> AbstractIOReference:
        """Look a name up and call back with the addresses, or with the error."""
        del socktype, proto  # TCP's, always.
        return self._schedule_and_wrap_in_io_ref(HOST_NAMES.addresses(host, port, family=family, flags=flags), on_done)
