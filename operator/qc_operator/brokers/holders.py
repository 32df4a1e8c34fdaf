"""Who holds messages of a vhost that are not acknowledged: asked of the management API, and only when it matters.

One list of channels has the counts and the addresses. What clients call themselves stands in two other lists, which are
asked for only where the addresses name nobody: the tags in that of the consumers, the client-provided names in that of
the connections. With 1,000 channels of 530 connections they cost the broker 28, 15 and 19 ms of CPU time, with 3,000 of
1,200 connections 120, 46 and 41 ms (3.10.8 and 4.3.6). The lists of channels and connections of one vhost do not come
in pages.

The counts are the broker's statistics: up to 5 s old (collect_statistics_interval), as measured on both releases, both
for what was delivered and for what was acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from qc_operator.brokers.management import ManagementApi, ManagementError
from qc_operator.scaling.holdings import Holding

ASKED_WITHIN: Final = 1.0
"""Seconds for one list."""
AS_GOOD_AS_NEW: Final = 1.0
"""Seconds in which a list is used again: targets of one vhost often go down together."""
MOST_CHANNELS: Final = 5000
"""In a vhost: their list costs the broker 0.2 s of CPU time."""
AFTER_FAILURE: Final = 60.0
"""Seconds before an API that has failed is asked again. Nobody gets less than without it."""
AFTER_TOO_MANY: Final = 600.0
"""Seconds before it is asked again whether a vhost has fewer channels now."""

CHANNELS: Final = (
    "columns=name,messages_unacknowledged,consumer_count,connection_details.name,connection_details.peer_host"
)
CONSUMERS: Final = "columns=consumer_tag,channel_details.name"
CONNECTIONS: Final = "columns=name,user_provided_name"

_T = TypeVar("_T")


class _Details(msgspec.Struct):
    name: str = ""
    peer_host: str = ""


class _Channel(msgspec.Struct):
    """One oddly typed value must not lose the whole list, so none is insisted on."""

    name: str = ""
    messages_unacknowledged: Any = 0
    consumer_count: Any = 0
    connection_details: _Details | list[Any] = msgspec.field(default_factory=_Details)
    """Erlang's empty map may come as an empty list."""

    @property
    def held(self) -> int:
        return self.messages_unacknowledged if isinstance(self.messages_unacknowledged, int) else 0

    @property
    def connection(self) -> _Details:
        return self.connection_details if isinstance(self.connection_details, _Details) else _Details()


class _Consumer(msgspec.Struct):
    consumer_tag: str = ""
    channel_details: _Details | list[Any] = msgspec.field(default_factory=_Details)


class _Connection(msgspec.Struct):
    name: str = ""
    user_provided_name: Any = None


class Holders:
    """Who holds messages of one vhost. Errors are told once and then kept for a while, so that they cost nothing."""

    def __init__(self, *, api: ManagementApi) -> None:
        self._api = api
        self._channels: list[_Channel] = []
        self._names: dict[str, list[str]] | None = None
        self._at = -inf
        self._problem: ManagementError | None = None
        self._until = -inf
        self._turn = asyncio.Lock()

    async def holdings(self, *, told_by_hosts: Callable[[Sequence[str]], bool]) -> tuple[Holding, ...]:
        """Ask. `told_by_hosts` says whether these addresses tell enough; otherwise names are asked for, too.

        Raises `ManagementError`.
        """
        async with self._turn:
            now = asyncio.get_running_loop().time()
            if self._problem is not None and now < self._until:
                raise self._problem
            try:
                if now - self._at > AS_GOOD_AS_NEW:
                    self._channels, self._names, self._at = await self._read_channels(), None, now
                busy = [channel for channel in self._channels if channel.held > 0]
                # One that consumes nothing is a publisher's or a reader's, such as ours.
                hosts = [channel.connection.peer_host for channel in self._channels if channel.consumer_count]
                if not busy or told_by_hosts(hosts):
                    return tuple(_holding(channel) for channel in busy)
                if self._names is None:
                    self._names = await self._read_names()
            except ManagementError as error:
                self._problem, self._until = error, now + max(AFTER_FAILURE, error.retry_after or 0.0)
                raise
            self._problem = None
            return tuple(_holding(channel, self._names) for channel in busy)

    async def _read_channels(self) -> list[_Channel]:
        channels = await self._list("channels", CHANNELS, type=_Channel)
        if len(channels) > MOST_CHANNELS:
            raise ManagementError(
                "TooManyChannels",
                f"vhost {self._api.credentials.vhost} has {len(channels)} channels, and their list is asked for only "
                f"up to {MOST_CHANNELS}",
                retry_after=AFTER_TOO_MANY,
            )
        if not any(channel.consumer_count for channel in channels):
            # Nobody asks for them but while consumers hold messages.
            user = self._api.credentials.management.username or "the token"
            raise ManagementError(
                "ConsumersHidden",
                f"{self._api.where} shows {user} no channel that consumes; to see those of other users it needs the "
                "tag `monitoring`",
            )
        return channels

    async def _read_names(self) -> dict[str, list[str]]:
        """What clients call themselves, by the names of their channels and connections."""
        consumers, connections = await asyncio.gather(
            self._list("consumers", CONSUMERS, type=_Consumer), self._list("connections", CONNECTIONS, type=_Connection)
        )
        names = dict[str, list[str]]()
        for consumer in consumers:
            if isinstance(consumer.channel_details, _Details):
                names.setdefault(consumer.channel_details.name, []).append(consumer.consumer_tag)
        for connection in connections:
            if isinstance(connection.user_provided_name, str):
                names.setdefault(connection.name, []).append(connection.user_provided_name)
        return names

    async def _list(self, what: str, columns: str, *, type: type[_T]) -> list[_T]:  # noqa: A002 - msgspec's word for it
        vhost = quote(self._api.credentials.vhost, safe="")
        path = f"/api/consumers/{vhost}" if what == "consumers" else f"/api/vhosts/{vhost}/{what}"
        answer = await self._api.get(f"{path}?{columns}")
        try:
            return msgspec.json.decode(answer.body, type=list[type])  # type: ignore[valid-type] # a value for msgspec
        except msgspec.DecodeError as error:
            message = f"{self._api.where} answered with something else than {what}: {error}"
            raise ManagementError("ManagementFailed", message) from None


def _holding(channel: _Channel, names: dict[str, list[str]] | None = None) -> Holding:
    connection, known = channel.connection, names or {}
    return Holding(
        unacknowledged=channel.held,
        host=connection.peer_host,
        names=(*known.get(channel.name, ()), *known.get(connection.name, ())),
    )
