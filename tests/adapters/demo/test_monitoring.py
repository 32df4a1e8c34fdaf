"""The demo's Prometheus, a real one, against a server on loopback that answers as the API server's pod proxy does."""

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from examples.demo import monitoring, prometheus_server
from examples.demo.alert_history import Alerted, noting_alerts
from examples.demo.failure import DemoError
from examples.demo.loopback import fetch, free_port
from examples.demo.metrics_relay import MetricsRelay
from examples.demo.prometheus_server import Prometheus
from examples.shop.services.json_http import Answer, JsonServer, Request, Route, as_json
from tests.dashboards.alert_rules import alerts
from tests.rabbitmq_node import until

NAMESPACE = "queueconsumer-system"
JOBS = [monitoring.operator(NAMESPACE)]
METRICS = """\
queueconsumer_operator_build_info{{version="1"}} 1
queueconsumer_operator_leader {leader}
queueconsumer_operator_last_turn_timestamp_seconds {now}
queueconsumer_operator_broker_up{{broker="rabbit:5672"}} 0
queueconsumer_info{{namespace="shop",queueconsumer="receipts",broker="rabbit:5672",mode="Scale"}} 1
queueconsumer_objective_missed_seconds_total{{namespace="shop",queueconsumer="receipts"}} {missed}
"""


@pytest.fixture(scope="module")
def api() -> Iterator[client.ApiClient]:
    """An API server with two pods of the operator: the broker is away, and with each scrape much has come late."""
    missed = itertools.count(step=1000)

    def pods(request: Request) -> Answer:
        pod, _, rest = request.tail.partition(":")
        if rest != "8080/proxy/metrics":
            return as_json({"kind": "Status"}, status=404)
        text = METRICS.format(leader=int(pod == "pod-a"), now=time.time(), missed=next(missed))
        return Answer(body=text.encode())

    listed = as_json({"items": [{"metadata": {"name": name}} for name in ("pod-a", "pod-b")]})
    folder = f"/api/v1/namespaces/{NAMESPACE}/pods"
    server = JsonServer(
        port=0,
        host="127.0.0.1",
        routes=[
            Route(method="GET", path=folder, call=lambda _: listed),
            Route(method="GET", path=f"{folder}/", call=pods),
        ],
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    with client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")) as made:
        yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def prometheus(api: client.ApiClient) -> Iterator[Prometheus]:
    """One for all tests here: it looks for targets only every 5 s."""
    with monitoring.scraping(api, jobs=JOBS, every_seconds=1) as running:
        yield running


def test_the_charts_alerts_are_told_that_fired_and_that_were_pending(prometheus: Prometheus) -> None:
    with noting_alerts(prometheus) as history:
        assert history is not None

        def both() -> list[Alerted]:
            found = {each.name: each for each in history.alerted()}
            names = ("QueueConsumerObjectiveBurnFast", "QueueConsumerBrokerUnreachable")
            return [found[name] for name in names if name in found]

        until(lambda: len(both()) == 2 and both()[0].fired, what="one alert fires and one is pending", within=40)

    late, away = both()
    assert late.summary == "Messages of shop/receipts wait longer than their objective."
    assert (away.fired, away.fires_after, away.severity) == (False, 180.0, "critical")
    assert away.summary == "Broker rabbit:5672 cannot be read."
    assert set(history.fires_after) == {rule["alert"] for rule in alerts()}


def test_both_pods_are_scraped_and_keep_the_namespace_that_they_tell(prometheus: Prometheus) -> None:
    now = int(time.time()) + 1

    leaders = {
        each["metric"]["pod"]: each["value"][1] for each in prometheus.instant("queueconsumer_operator_leader", at=now)
    }
    assert leaders == {"pod-a": "1", "pod-b": "0"}
    assert {
        (each["metric"]["namespace"], each["metric"]["instance"])
        for each in prometheus.instant("queueconsumer_info", at=now)
    } == {("shop", "pod-a:8080"), ("shop", "pod-b:8080")}


def test_the_relay_leads_to_the_metrics_of_pods_and_nowhere_else(api: client.ApiClient) -> None:
    with MetricsRelay(api, jobs=JOBS).serving() as targets:
        relay = targets.removesuffix("/targets")

        assert b"queueconsumer_info" in fetch(f"{relay}/metrics/queueconsumer-operator/pod-a", timeout_seconds=5)
        for path in ("queueconsumer-operator/../secrets", "queueconsumer-operator/", "others/pod-a"):
            with pytest.raises(OSError, match="400"):
                fetch(f"{relay}/metrics/{path}", timeout_seconds=5)


def test_a_prometheus_that_does_not_start_says_why(tmp_path: Path) -> None:
    wrong = {"scrape_configs": [{"job": "misspelt"}]}

    with (
        pytest.raises(DemoError, match=r"Prometheus ended with [12]") as caught,
        prometheus_server.running(tmp_path, configuration=wrong, port=free_port(9090)),
    ):
        pass

    assert "field job not found" in " ".join(caught.value.evidence)


def test_a_query_that_is_refused_is_told_with_the_reason(prometheus: Prometheus) -> None:
    with pytest.raises(DemoError, match=r"Prometheus refuses sum\(: .*parse error"):
        prometheus.instant("sum(", at=0)


def test_a_port_that_is_taken_is_no_reason_to_fail(prometheus: Prometheus) -> None:
    taken = int(prometheus.address.rpartition(":")[2])

    assert free_port(taken) != taken
