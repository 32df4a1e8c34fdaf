"""Ours and other ways to read the same queues, in turns.

A turn takes seconds, so that the machine is as busy with other things for the one as for the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.reader_broker import Broker
from bench.reader_child import Child, child
from bench.reader_cost import Cost, Window, cost
from bench.reader_scene import reading
from tests.rabbitmq_vhost import Vhost

DECLARE, GET = "declare", "get"
READ: Mapping[str, int] = {DECLARE: 1000, GET: 200}
"""How many of the queues each way reads, once a second each. A thousand GETs would keep a whole core busy."""

POLL_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What each takes per read."""

    ours: Cost
    """With all targets at zero."""
    others: Mapping[str, Cost]


def compare(broker: Broker, vhost: Vhost, *, queues: int, alone: float, rounds: int, seconds: float) -> Comparison:
    """Take turns. `alone` is percent of a core that the broker takes with nobody connected."""
    own: list[Window] = []
    others: dict[str, list[Window]] = {way: [] for way in READ}
    with contextlib.ExitStack() as stack:
        peers = {way: stack.enter_context(_peer(vhost, way=way, queues=count)) for way, count in READ.items()}
        ours = stack.enter_context(reading(broker, {"broker": vhost}, queues=queues, at_zero=True))
        ours.pause()
        # What connections cost that are only open belongs to whoever opened them.
        connected = broker.rest()
        for _ in range(rounds):
            ours.resume()
            own += cost(broker, ours, idle=connected, count=1, seconds=seconds).windows
            ours.pause()
            for way, peer in peers.items():
                before = broker.processor_seconds()
                told = peer.ask("poll", seconds=POLL_SECONDS)
                others[way].append(Window(broker=broker.processor_seconds() - before, requests=0, **told))
        ours.resume()
    return Comparison(
        ours=Cost(windows=own, idle=connected),
        others={way: Cost(windows=windows, idle=alone) for way, windows in others.items()},
    )


@contextlib.contextmanager
def _peer(vhost: Vhost, *, way: str, queues: int) -> Iterator[Child]:
    """Run another way for the block; it reads nothing unless it is told to poll."""
    login = {"username": vhost.username, "password": vhost.password, "vhost": vhost.vhost}
    with child("bench.reader_peer") as started:
        if way == DECLARE:
            started.ask(way, host=vhost.host, port=vhost.port, login=login, queues=queues)
        else:
            started.ask(way, uri=vhost.management_uri, login=login, queues=queues)
        started.ask("poll", seconds=1.0)
        yield started
