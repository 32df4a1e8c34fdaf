"""Which brokers are connected to, as metrics: asked of the readers at each scrape, so that nothing has to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

UP = "queueconsumer_operator_broker_up"
CONNECTIONS = "queueconsumer_operator_broker_connections"


class BrokerConnections(Collector):
    """Up, and the number of connections, by hosts and ports.

    `connections` gives them for each connection, of which there is one for each vhost and login, and whether it is
    open; None before the first try has ended.
    """

    def __init__(self, connections: Callable[[], Iterable[tuple[str, bool | None]]]) -> None:
        self._connections = connections

    def describe(self) -> Iterator[Metric]:
        """The names, without numbers."""
        yield from _families()

    def collect(self) -> Iterator[Metric]:
        """A broker is up while one of its connections is open, and down when all that were tried are not."""
        counted: dict[str, tuple[int, int]] = {}
        for broker, connected in self._connections():
            opened, closed = counted.get(broker, (0, 0))
            if connected is not None:
                counted[broker] = (opened + connected, closed + (not connected))
        up, number = _families()
        for broker, (opened, closed) in counted.items():
            up.add_metric((broker,), float(opened > 0))
            number.add_metric((broker, "open"), opened)
            number.add_metric((broker, "closed"), closed)
        yield from (up, number)


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(UP, "1 while a connection to the broker is open, 0 while none is.", labels=("broker",)),
        GaugeMetricFamily(CONNECTIONS, "AMQP connections, one for each vhost and login.", labels=("broker", "state")),
    )
