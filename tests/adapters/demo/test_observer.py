"""The demo's reading, against a server on loopback that answers as the API server's service proxy does."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes import client

from examples.demo.failure import DemoError
from examples.demo.observer import PATIENCE_SECONDS, Observer
from examples.demo.replica_history import ReplicaHistory
from examples.demo.service_proxy import ServiceProxy, UnreachableError
from examples.shop.services.json_http import Answer, JsonServer, Request, Route, as_json

METRICS = """\
# TYPE queueconsumer_queue_messages_ready gauge
queueconsumer_queue_messages_ready{namespace="shop",queueconsumer="receipts"} 7.0
# TYPE queueconsumer_queue_messages_unacked gauge
queueconsumer_queue_messages_unacked{namespace="shop",queueconsumer="receipts"} 2.0
"""
LEASE = "/apis/coordination.k8s.io/v1/namespaces/queueconsumer-system/leases/queueconsumer-operator"


def a_queue_consumer(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"maxReplicas": 8}, "status": {"lastDecision": {"message": "why"}}}


@dataclass
class ApiServer:
    port: int
    rates: list[Any] = field(default_factory=list)
    broken: bool = False
    holder: str = "leader-x1_0a1b2c3d"

    def client(self) -> client.ApiClient:
        return client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{self.port}"))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    def proxied(request: Request) -> Answer:
        if api.broken:
            return as_json({"kind": "Status", "message": "no endpoints available"}, status=503)
        return answers.get(request.tail, as_json({"kind": "Status"}, status=404))

    def put(request: Request) -> Answer:
        api.rates.append((request.tail, json.loads(request.body), request.headers["content-type"]))
        return as_json({"perSecond": 5})

    answers = {
        "queueconsumer-system/pods/leader-x1:8080/proxy/metrics": Answer(body=METRICS.encode()),
        "shop/services/orders:http/proxy/stats": as_json({"placed": 12, "failed": 2, "confirmed": 9}),
        "shop/services/mail:http/proxy/stats": as_json({"orders": 4}),
        "shop/services/invoice-store:http/proxy/stats": as_json({"orders": 5}),
    }
    objects = as_json({"items": [a_queue_consumer("receipts"), a_queue_consumer("invoices")]})
    group = "/apis/queueconsumer.dev/v1alpha1/namespaces/shop/queueconsumers"
    web = JsonServer(
        port=0,
        host="127.0.0.1",
        routes=[
            Route(method="GET", path="/api/v1/namespaces/", call=proxied),
            Route(method="PUT", path="/api/v1/namespaces/", call=put),
            Route(method="GET", path=group, call=lambda _: objects),
            Route(method="GET", path=LEASE, call=lambda _: as_json({"spec": {"holderIdentity": api.holder}})),
        ],
    )
    api = ApiServer(port=web.server_address[1])
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield api
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def moments() -> list[float]:
    """The clock of the observer, in seconds: its last entry."""
    return [0.0]


@pytest.fixture
def observer(server: ApiServer, moments: list[float]) -> Iterator[Observer]:
    with server.client() as api:
        history = ReplicaHistory(client.AppsV1Api(api), namespace="shop")
        history.note("receipts", wanted=3, running=1)
        yield Observer(
            api,
            namespace="shop",
            operator_namespace="queueconsumer-system",
            operator_lease="queueconsumer-operator",
            history=history,
            clock=lambda: moments[-1],
        )


def test_a_look_brings_queues_replicas_decisions_and_books_together(observer: Observer) -> None:
    seen = observer.look()
    receipts, invoices = seen.consumers

    assert (receipts.ready, receipts.unacked, receipts.wanted, receipts.running) == (7, 2, 3, 1)
    assert (receipts.maximum, receipts.decision) == (8, "why")
    assert (invoices.ready, invoices.unacked) == (None, None)
    assert (seen.placed, seen.confirmed, seen.receipts, seen.invoices) == (10, 9, 4, 5)


def test_between_two_leaders_a_look_is_the_last_one_again(server: ApiServer, observer: Observer) -> None:
    before = observer.look()
    server.holder = ""

    assert observer.look() == before


def test_a_look_that_fails_is_the_last_one_again(server: ApiServer, observer: Observer) -> None:
    before = observer.look()
    server.broken = True

    assert observer.look() == before


def test_looks_that_fail_for_long_are_an_error(server: ApiServer, observer: Observer, moments: list[float]) -> None:
    observer.look()
    server.broken = True
    moments.append(PATIENCE_SECONDS + 1)

    with pytest.raises(DemoError, match=r"nothing could be read for 30 s: pod .* answered 503"):
        observer.look()


def test_the_rate_goes_to_the_order_service_as_json(server: ApiServer, observer: Observer) -> None:
    assert observer.orders.put("/rate", {"perSecond": 5}) == {"perSecond": 5}
    assert server.rates == [("shop/services/orders:http/proxy/rate", {"perSecond": 5}, "application/json")]


def test_a_server_that_is_not_there_is_unreachable() -> None:
    nobody = client.ApiClient(client.Configuration(host="http://127.0.0.1:1"))

    with pytest.raises(UnreachableError, match="service shop/orders: "):
        ServiceProxy(nobody, namespace="shop", service="orders").get("/stats")
