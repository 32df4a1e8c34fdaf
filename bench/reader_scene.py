"""A process that reads vhosts of a broker with the operator's reader."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from bench.reader_broker import Broker
from bench.reader_child import Child, child
from tests.rabbitmq_vhost import Vhost


def secret(vhost: Vhost, *, metrics_uri: str = "") -> dict[str, str]:
    """The values of the Secret by which a vhost is read."""
    values = {"username": vhost.username, "password": vhost.password, "vhost": vhost.vhost}
    values |= {"host": vhost.host, "port": str(vhost.port), "management_uri": vhost.management_uri}
    return values | ({"metrics_uri": metrics_uri} if metrics_uri else {})


@contextlib.contextmanager
def subject(broker: Broker, *, settings: Mapping[str, float] | None = None) -> Iterator[Child]:
    """Run the operator's reader for the block, with nothing to read yet."""
    with child("bench.reader_subject") as started:
        node = broker.node
        management_port = int(node.management_uri.rpartition(":")[2])
        started.ask("begin", amqp_port=node.amqp_port, management_port=management_port, settings=dict(settings or {}))
        yield started


@contextlib.contextmanager
def reading(
    broker: Broker,
    vhosts: Mapping[str, Vhost],
    *,
    queues: int,
    at_zero: bool,
    feeds: int = 1,
    node_metrics: bool = False,
) -> Iterator[Child]:
    """Run the operator's reader for the block on so many queues of each vhost, all of which have been read.

    The vhosts are named by their Secrets. With `node_metrics` the Secrets name the nodes' metrics, too.
    """
    with subject(broker) as started:
        started.ask("at_zero", value=at_zero)
        for name, vhost in vhosts.items():
            values = secret(vhost, metrics_uri=broker.node.metrics_uri if node_metrics else "")
            started.ask("put_secret", secret=name, values=values)
            started.ask("open", secret=name, numbers=list(range(queues)), feeds=feeds)
        started.ask("until_read")
        yield started


def sweeps(vhost: Vhost, *, queues: int, times: int) -> list[float]:
    """Seconds of each of so many sweeps over the fast lane alone."""
    with child("bench.reader_sweep") as started:
        return [float(each) for each in started.ask("sweeps", secret=secret(vhost), queues=queues, times=times)]
