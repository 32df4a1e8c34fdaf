"""What the management API tells of queues: their totals, what they are, and their counters.

`disable_stats=true&enable_queue_totals=true` skips the statistics database and asks the queues: live for classic
queues, at most 5 s old for quorum queues, at a fifth of the cost of the full list, and it works where statistics are
switched off. The list leaves out queues without a leader: left out means unknown, never zero. Streams have no counts.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from qc_operator.brokers.counters import Counts
from qc_operator.brokers.management import ManagementApi, ManagementError

TOTALS: Final = "disable_stats=true&enable_queue_totals=true"
COLUMNS: Final = "name,type,state,messages_ready,messages_unacknowledged"
ARGUMENTS: Final = COLUMNS + ",arguments"
"""Arguments make the answer for 5,000 queues 75 to 195 kB longer (13 and 35 %), even where all of them are empty; what
they cost the broker's CPU is lost in the noise of 200 ms. They never change for a queue, so they are seldom asked
for."""

COUNTERS: Final = "columns=messages," + ",".join(
    f"message_stats.{name}" for name in ("publish", "ack", "deliver_get", "redeliver")
)
"""`messages` is there once the broker keeps statistics of the queue: no counters then means that they are all zero."""

SINGLE_COUNTERS_COST: Final = 8
"""One queue's counters cost the broker as much as so many queues in the list of all: 0.4 ms against 0.05 to 0.08."""

_T = TypeVar("_T")


class Arguments(msgspec.Struct):
    """Those of a queue's arguments that matter here."""

    single_active_consumer: Any = msgspec.field(name="x-single-active-consumer", default=False)


class Row(msgspec.Struct):
    """A queue in an answer. One oddly typed value must not lose the whole list, so none is insisted on."""

    name: str = ""
    type: Any = ""
    state: Any = ""
    messages_ready: Any = None
    messages_unacknowledged: Any = None
    arguments: Arguments | list[Any] | None = None
    """None when they were not asked for; Erlang's empty map may come as an empty list."""

    @property
    def counts(self) -> tuple[int, int] | None:
        """Messages ready and unacknowledged; None for a stream, and when the queue does not answer the broker."""
        ready, unacknowledged = self.messages_ready, self.messages_unacknowledged
        return (ready, unacknowledged) if type(ready) is type(unacknowledged) is int else None


class _Statistics(msgspec.Struct):
    publish: int = 0
    ack: int = 0
    deliver_get: int = 0
    redeliver: int = 0


class _Counted(msgspec.Struct):
    name: str = ""
    messages: int | None = None
    message_stats: _Statistics | None = None

    @property
    def counts(self) -> Counts | None:
        """None while the broker keeps no statistics of the queue."""
        if self.message_stats is None and self.messages is None:
            return None
        stats = self.message_stats or _Statistics()
        return Counts(
            published=stats.publish,
            acknowledged=stats.ack,
            delivered=stats.deliver_get,
            redelivered=stats.redeliver,
        )


class _Page(msgspec.Struct):
    """A part of the list, as releases give it that refuse to give the whole."""

    items: list[msgspec.Raw]
    page: int
    page_count: int
    page_size: int = 100


async def listed(api: ManagementApi, *, arguments: bool) -> list[Row]:
    """Read all queues of the vhost. Raises `ManagementError`."""
    return await _list(api, f"{TOTALS}&columns={ARGUMENTS if arguments else COLUMNS}", type=Row)


async def named(api: ManagementApi) -> list[Row]:
    """Read what queues the vhost has, from the broker's records: also those that nobody can count now.

    Without totals the list has queues without a leader and on nodes that are down (3.10.8 and 4.3.6). Raises
    `ManagementError`.
    """
    return await _list(api, "disable_stats=true&columns=name,type,state,arguments", type=Row)


async def single(api: ManagementApi, queue: str) -> Row | None:
    """Read one queue; None when there is none of that name. From 3.13.1 on it has counts. Raises `ManagementError`."""
    return await _one(api, queue, f"{TOTALS}&columns={ARGUMENTS}", type=Row)


async def counted(api: ManagementApi, *, queues: Collection[str], in_vhost: int | None) -> dict[str, Counts]:
    """Read the counters of some queues in the cheapest way; those that the broker keeps none of are left out.

    `in_vhost` is how many queues there are, None when that is not known. Raises `ManagementError`.
    """
    rows: dict[str, _Counted | None] = {}
    if in_vhost is not None and len(queues) * SINGLE_COUNTERS_COST > in_vhost:
        listed = {row.name: row for row in await _list(api, f"{COUNTERS},name", type=_Counted)}
        rows = {queue: listed.get(queue) for queue in queues}
    else:
        for queue in queues:
            # One after the other: nobody waits for them, and together they would hold up the totals.
            rows[queue] = await _one(api, queue, COUNTERS, type=_Counted)
    return {queue: row.counts for queue, row in rows.items() if row is not None and row.counts is not None}


async def _list(api: ManagementApi, query: str, *, type: type[_T]) -> list[_T]:  # noqa: A002 - msgspec's word for it
    """Read the list of all queues, be it whole or in pages, as a proxy or a later release may insist on."""
    answer = await api.get(f"{_path(api)}?{query}")
    if not answer.body.lstrip().startswith(b"{"):
        return _decode(api, answer.body, type=list[type])  # type: ignore[valid-type] # a value for msgspec
    found: list[_T] = []
    page = _decode(api, answer.body, type=_Page)
    while True:
        found += [_decode(api, bytes(item), type=type) for item in page.items]
        if page.page >= page.page_count:
            return found
        answer = await api.get(f"{_path(api)}?{query}&page={page.page + 1}&page_size={page.page_size}")
        following = _decode(api, answer.body, type=_Page)
        if following.page <= page.page:
            raise ManagementError("ManagementFailed", f"{api.where} gave page {following.page} of the queues twice")
        page = following


async def _one(api: ManagementApi, queue: str, query: str, *, type: type[_T]) -> _T | None:  # noqa: A002
    body = await api.find(f"{_path(api)}/{quote(queue, safe='')}?{query}")
    return None if body is None else _decode(api, body, type=type)


def _path(api: ManagementApi) -> str:
    return f"/api/queues/{quote(api.credentials.vhost, safe='')}"


def _decode(api: ManagementApi, body: bytes, *, type: type[_T]) -> _T:  # noqa: A002
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.DecodeError as error:
        raise ManagementError("ManagementFailed", f"{api.where} answered with something else: {error}") from None
