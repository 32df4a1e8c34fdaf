"""What dashboards and alerts ask is answered by a real Prometheus that has scraped a real run of the real operator."""

import json
import os
import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from examples.demo import monitoring
from examples.demo.leader import Leader
from examples.demo.loopback import fetch
from examples.demo.metrics_relay import Job
from examples.demo.port_forward import PortForward
from examples.demo.prometheus_server import Prometheus
from tests.e2e.conftest import SYSTEM
from tests.e2e.scaling import alerts_asked, dashboards_asked
from tests.e2e.scaling.dashboards_asked import LOOKED_AT, chosen
from tests.e2e.scaling.load import steady_load
from tests.e2e.scaling.workload import Workload
from tests.rabbitmq_node import until

pytestmark = pytest.mark.cluster

Make = Callable[[str], Workload]


@pytest.mark.timeout(400)
def test_every_query_of_dashboards_and_alerts_is_answered(make_workload: Make, cluster: client.ApiClient) -> None:
    monitored = make_workload("monitored")
    monitored.declare()
    consumers = Job(name="consumers", namespace=monitored.namespace, selector=f"app={monitored.name}", port=9090)
    jobs = (monitoring.operator(SYSTEM), consumers)
    with monitoring.scraping(cluster, jobs=jobs, every_seconds=2) as prometheus:
        wait = {"name": "monitored", "wait": {"objectiveSeconds": 20}, "secondsPerMessage": "0.3"}
        monitored.apply(queues=[wait], maxReplicas=3, fallback={"afterSeconds": 60, "replicas": 1})
        busy = worked(monitored, prometheus)
        monitored.until(lambda: monitored.replicas == 0, within=120, what="all is done")
        monitored.until(lambda: monitored.changes()[-1][1] == 0, within=20, what="the change is in the status")
        # A mark of what lasts is seen each minute of these, of which the end is one.
        annotation = ("annotate", "queueconsumer", monitored.name, "queueconsumer.dev/paused=true")
        monitored.kubectl("-n", monitored.namespace, *annotation)
        until_scraped(prometheus, monitored, "last_scale_timestamp_seconds", ', direction="down"')
        until_scraped(prometheus, monitored, "status_condition", ', condition="Paused"')

        end, variables = int(time.time()), chosen(monitored)
        assert dashboards_asked.excused() == set()
        assert dashboards_asked.unanswered(prometheus, variables, busy=busy, end=end) == []
        assert dashboards_asked.unmarked(prometheus, monitored, end=end) == []
        assert dashboards_asked.unfilled(prometheus, variables, end=end) == []
        assert list(alerts_asked.unanswered(prometheus, monitored, busy=busy, end=end, long=LOOKED_AT)) == []
        assert alerts_asked.of_unknown_age(prometheus, end=end, long=LOOKED_AT) == []
        assert alerts_asked.failed(prometheus) == []


def worked(monitored: Workload, prometheus: Prometheus) -> int:
    """Have messages come until all is known of them; a time at which it was."""
    learned = ("estimated_wait_seconds", "estimated_start_seconds", "estimated_service_messages_per_second")
    with steady_load(monitored, per_second=8, seconds=0.3):
        monitored.until(
            lambda: all(latest(prometheus, monitored, metric) for metric in learned), within=90, what=f"{learned}"
        )
        monitored.until(lambda: monitored.replicas == 3, within=60, what="three replicas")
        # Quantiles need two samples of what was counted.
        time.sleep(5)
        return int(time.time())


def until_scraped(prometheus: Prometheus, monitored: Workload, metric: str, matchers: str) -> None:
    """Wait until Prometheus knows it."""
    monitored.until(lambda: latest(prometheus, monitored, metric, matchers), within=20, what=f"a scrape of {metric}")


def latest(prometheus: Prometheus, monitored: Workload, metric: str, matchers: str = "") -> list[dict[str, Any]]:
    """What Prometheus knows now."""
    expr = f'queueconsumer_{metric}{{queueconsumer="{monitored.name}"{matchers}}}'
    return prometheus.instant(expr, at=int(time.time()))


@pytest.mark.usefixtures("operator")
def test_a_page_stays_at_its_address_when_the_way_to_it_breaks(kubeconfig: str, cluster: client.ApiClient) -> None:
    leader = Leader(cluster, namespace=SYSTEM, lease="queueconsumer-operator")
    program = shutil.which("kubectl") or "kubectl"
    forward = PortForward(
        kubectl=[program, f"--kubeconfig={kubeconfig}"],
        environment=os.environ,
        namespace=SYSTEM,
        pod=leader.pod,
        port=8081,
    )

    def leads() -> bool:
        try:
            told = json.loads(fetch(f"http://127.0.0.1:{forward.port}/api/v1/operator", timeout_seconds=5))
        except OSError:
            return False
        return bool(told["leading"])

    with forward:
        until(leads, what="the page of the leader answers", within=30)
        assert forward._process is not None
        forward._process.kill()
        forward._process.wait(10)
        until(leads, what="it answers again at the same address", within=30)
    assert not leads()
