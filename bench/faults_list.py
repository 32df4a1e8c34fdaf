"""The faults: each strikes when its block begins, and is mended when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial

from bench.faults_scene import QUEUE, Scene, Way
from tests.adapters.operator.queue_processes import suspended
from tests.certificates import Authority

NEW_PASSWORD = "rotated"  # noqa: S105 - of a broker that is gone in a minute

Strike = Callable[[Scene], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong, and how long."""

    name: str
    strike: Strike
    lasts: float = 20.0
    """Seconds, and more if nothing is told of it before: long enough for the pauses between tries to have grown."""
    tells: bool = True
    """Whether the queue itself reads as something else. For the others its totals do, or nothing does."""
    way: Way = "direct"
    home: int = 0
    """At which of the nodes the queue is declared; there are two if it is the second."""
    arguments: dict[str, object] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def _down(scene: Scene, *, how: str, which: int = 0) -> AsyncIterator[None]:
    node = scene.broker.nodes[which]
    if which:
        await asyncio.to_thread(node.settle_quorum_queues)
    await asyncio.to_thread(node.settle_metadata)
    await asyncio.to_thread(getattr(node, how))
    yield
    node.start(wait=False)  # Not in a worker thread: the node ends with the thread that started it.


@contextlib.asynccontextmanager
async def _frozen(scene: Scene) -> AsyncIterator[None]:
    scene.node.pause()
    yield
    scene.node.resume()


@contextlib.asynccontextmanager
async def _without_management(scene: Scene) -> AsyncIterator[None]:
    await asyncio.to_thread(scene.node.disable_plugin, "rabbitmq_management")
    # Nobody knows what consumers hold, so an empty queue lets nothing go.
    await scene.drain()
    yield
    await scene.fill()
    await asyncio.to_thread(scene.node.enable_plugin, "rabbitmq_management")


@contextlib.asynccontextmanager
async def _alarmed(scene: Scene) -> AsyncIterator[None]:
    await asyncio.to_thread(scene.node.set_memory_alarm, True)  # noqa: FBT003 - reads well
    await scene.witness.until(lambda _: scene.witness.feed.observe()[0].alarmed)
    await scene.drain()
    yield
    await asyncio.to_thread(scene.node.set_memory_alarm, False)  # noqa: FBT003 - reads well
    await scene.fill()


@contextlib.asynccontextmanager
async def _network(scene: Scene, *, trouble: str, management: bool = False) -> AsyncIterator[None]:
    proxy = scene.http if management else scene.amqp
    await asyncio.to_thread(getattr(proxy, trouble))
    yield
    await asyncio.to_thread(proxy.heal)


@contextlib.asynccontextmanager
async def _slow(scene: Scene) -> AsyncIterator[None]:
    await asyncio.to_thread(scene.amqp.latency, 300)
    yield
    await asyncio.to_thread(scene.amqp.heal)


@contextlib.asynccontextmanager
async def _half_open(scene: Scene) -> AsyncIterator[None]:
    # What the broker's end says when it is closed does not arrive.
    await asyncio.to_thread(scene.amqp.blackhole)
    await asyncio.to_thread(scene.vhost.cut_connections)
    yield
    await asyncio.to_thread(scene.amqp.heal)


@contextlib.asynccontextmanager
async def _deleted(scene: Scene, *, kind: str) -> AsyncIterator[None]:
    await asyncio.to_thread(scene.vhost.delete, QUEUE)
    yield
    await scene.fill(x_queue_type=kind)


@contextlib.asynccontextmanager
async def _without_vhost(scene: Scene) -> AsyncIterator[None]:
    await scene.administrator.delete_vhost()
    yield
    await scene.administrator.create_vhost()
    await scene.administrator.permit(configure=".*", write=".*", read=".*")
    await scene.fill()


@contextlib.asynccontextmanager
async def _forbidden(scene: Scene) -> AsyncIterator[None]:
    await scene.administrator.forbid()
    await scene.administrator.cut_connections()
    yield
    await scene.administrator.permit(configure=".*", write=".*", read=".*")


@contextlib.asynccontextmanager
async def _without_user(scene: Scene) -> AsyncIterator[None]:
    await scene.administrator.delete_user()
    yield
    await scene.administrator.set_password(scene.vhost.password)
    await scene.administrator.permit(configure=".*", write=".*", read=".*")


@contextlib.asynccontextmanager
async def _rotated(scene: Scene) -> AsyncIterator[None]:
    await scene.administrator.set_password(NEW_PASSWORD)
    await scene.administrator.cut_connections()
    yield
    scene.secrets.put(scene.vhost, password=NEW_PASSWORD)


@contextlib.asynccontextmanager
async def _wrong_authority(scene: Scene) -> AsyncIterator[None]:
    good = dict(scene.secrets.values["broker"])
    scene.secrets.values["broker"] = good | {"ca.crt": Authority().certificate}
    yield
    scene.secrets.values["broker"] = good


@contextlib.asynccontextmanager
async def _expired(scene: Scene) -> AsyncIterator[None]:
    authority = scene.broker.authority
    await asyncio.to_thread(scene.node.show_certificate, authority.server(expired=True))
    await asyncio.to_thread(scene.vhost.cut_connections)
    try:
        yield
    finally:
        await asyncio.to_thread(scene.node.show_certificate, authority.server())


def _stuck(scene: Scene) -> AbstractAsyncContextManager[None]:
    return suspended(scene.vhost, QUEUE)


QUORUM: dict[str, object] = {"x_queue_type": "quorum"}

FAULTS = (
    Fault(name="SIGTERM, and a start", strike=partial(_down, how="stop")),
    Fault(name="SIGKILL, and a start", strike=partial(_down, how="kill")),
    Fault(name="SIGSTOP for 4 s", strike=_frozen, lasts=4.0),
    Fault(name="SIGSTOP for 30 s", strike=_frozen, lasts=30.0),
    Fault(name="300 ms of latency", strike=_slow, way="proxied", tells=False),
    Fault(name="blackhole", strike=partial(_network, trouble="blackhole"), way="proxied"),
    Fault(name="half-open connection", strike=_half_open, way="proxied"),
    Fault(name="connections reset", strike=partial(_network, trouble="reset_peer"), way="proxied"),
    Fault(name="port closed", strike=partial(_network, trouble="cut"), way="proxied"),
    Fault(
        name="management port closed",
        strike=partial(_network, trouble="cut", management=True),
        way="proxied",
        tells=False,
    ),
    Fault(name="management plugin off", strike=_without_management, tells=False),
    Fault(name="memory alarm, and the queue is drained", strike=_alarmed, tells=False),
    Fault(name="queue deleted, and declared again", strike=partial(_deleted, kind="classic")),
    Fault(name="queue deleted, and declared as a quorum queue", strike=partial(_deleted, kind="quorum")),
    Fault(name="classic queue's process stuck", strike=_stuck),
    Fault(name="quorum queue's leader stuck", strike=_stuck, arguments=QUORUM),
    Fault(name="vhost deleted, and made again", strike=_without_vhost),
    Fault(name="permission taken away", strike=_forbidden),
    Fault(name="user deleted, and made again", strike=_without_user),
    Fault(name="password changed, the Secret after it", strike=_rotated),
    Fault(name="certificate expired", strike=_expired, way="tls"),
    # The operator reads a Secret every 30 s.
    Fault(name="wrong ca.crt in the Secret", strike=_wrong_authority, way="tls", lasts=45.0),
    Fault(name="a classic queue's node down, and started", strike=partial(_down, how="kill", which=1), home=1),
    Fault(
        name="a quorum queue without a majority, and the node started",
        strike=partial(_down, how="kill", which=1),
        home=1,
        arguments=QUORUM,
    ),
)
