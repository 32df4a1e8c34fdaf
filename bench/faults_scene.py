"""A queue with messages, the operator's reading of it with its default settings, and what is made of every reading."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal

from qc_operator.brokers import QueueSource
from qc_operator.brokers.feeds import SecretFeeds
from qc_operator.brokers.web import open_session
from qc_operator.scaling.observation import Depth, Missing, QueueObservation, Unknown
from qc_operator.settings import ReadingSettings
from tests.adapters.operator.administrator import Administrator
from tests.adapters.operator.conftest import BROKER, Bench, SecretStore, filled
from tests.adapters.operator.keeper import REPLICAS, Keeper
from tests.certificates import Authority
from tests.rabbitmq_node import RabbitMQNode
from tests.rabbitmq_vhost import Vhost
from tests.toxiproxy import Proxy, Toxiproxy

QUEUE = "orders"
OTHER = "other"
"""A second queue: a list without any is another matter than one that leaves a queue out."""
READ_WITHIN = 60.0

Way = Literal["direct", "proxied", "tls"]
"""How the operator reaches the broker."""


@dataclass(kw_only=True, repr=False)
class Witness(Keeper):
    """A keeper that notes what is told of its queue."""

    told: dict[str, float] = field(default_factory=dict)
    """What was told instead of its messages, in order, and when for the first time."""
    totals_told: dict[str, float] = field(default_factory=dict)
    """The same of its totals."""

    def _decide(self) -> None:
        super()._decide()
        now = time.monotonic()
        if (words := _words(self.seen)) is not None:
            self.told.setdefault(words, now)
        if isinstance(self.seen.totals, Unknown):
            self.totals_told.setdefault(self.seen.totals.cause, now)

    def forget(self) -> None:
        """Note from here on."""
        self.told.clear()
        self.totals_told.clear()


def _words(seen: QueueObservation) -> str | None:
    if isinstance(seen.depth, Depth):
        return None if seen.depth.ready == REPLICAS else f"{seen.depth.ready} messages"
    return "QueueMissing" if isinstance(seen.depth, Missing) else seen.depth.cause


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The node or the two nodes of one release, which a fault may break."""

    release: str
    nodes: tuple[RabbitMQNode, ...]
    authority: Authority
    """Whose certificate the first one shows."""
    toxiproxy: Toxiproxy


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that a fault can be done to."""

    broker: Broker
    vhost: Vhost
    secrets: SecretStore
    witness: Witness
    amqp: Proxy
    http: Proxy

    @property
    def node(self) -> RabbitMQNode:
        """The one that is read, and the only one unless there are two."""
        return self.broker.nodes[0]

    @property
    def administrator(self) -> Administrator:
        """Who gives rights to the operator's user."""
        return Administrator(node=self.node, vhost=self.vhost)

    async def drain(self) -> None:
        """Take all messages out of the queue."""
        await asyncio.to_thread(self.vhost.drain, QUEUE)

    async def fill(self, **arguments: object) -> None:
        """Declare the queue, unless it is there, and have as many messages in it as at first."""
        await asyncio.to_thread(filled, self.vhost, QUEUE, **arguments)


@contextlib.asynccontextmanager
async def scene(broker: Broker, *, way: Way, home: int, arguments: dict[str, object]) -> AsyncIterator[Scene]:
    """Set up a vhost with a queue that is declared at one of the nodes, and read it for the block."""
    first = broker.nodes[0]
    vhost = await asyncio.to_thread(first.new_vhost)
    await asyncio.to_thread(filled, vhost.through(broker.nodes[home]), QUEUE, **arguments)
    await asyncio.to_thread(vhost.declare, OTHER)
    amqp = await asyncio.to_thread(broker.toxiproxy.proxy, vhost.host, vhost.port)
    http = await asyncio.to_thread(broker.toxiproxy.proxy, vhost.host, int(vhost.management_uri.rpartition(":")[2]))
    secrets = SecretStore()
    secrets.put(vhost, **_keys(broker, way=way, amqp=amqp, http=http))
    async with open_session() as session:
        feeds = SecretFeeds(secret_data=secrets, settings=ReadingSettings(), identity="bench/operator", session=session)
        opens = Bench(feeds=feeds, secrets=secrets, record=_nowhere).open_sources
        witness = Witness(opens=opens, record=_nowhere, source=QueueSource(name=QUEUE), secret=BROKER)
        try:
            await witness.reads(within=READ_WITHIN)
            yield Scene(broker=broker, vhost=vhost, secrets=secrets, witness=witness, amqp=amqp, http=http)
        finally:
            await feeds.close()
            for proxy in (amqp, http):
                await asyncio.to_thread(proxy.close)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(first.drop_vhost, vhost)


def _nowhere(_: str, __: object) -> None:
    """Record nothing: the figures are returned, too."""


def _keys(broker: Broker, *, way: Way, amqp: Proxy, http: Proxy) -> dict[str, str]:
    """Give the keys of the Secret that say how the broker is reached."""
    if way == "proxied":
        return {"host": amqp.host, "port": str(amqp.port), "management_uri": f"http://{http.host}:{http.port}"}
    if way == "tls":
        node = broker.nodes[0]
        return {
            "port": str(node.amqps_port),
            "management_uri": node.management_tls_uri,
            "ca.crt": broker.authority.certificate,
        }
    return {}
