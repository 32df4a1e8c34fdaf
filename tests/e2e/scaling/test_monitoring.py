"""What the dashboards ask is answered by a real Prometheus that has scraped a real run of the real operator."""

import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pytest
from kubernetes import client

from examples.demo import monitoring
from examples.demo.leader import Leader
from examples.demo.loopback import fetch
from examples.demo.port_forward import PortForward
from examples.demo.prometheus_server import Prometheus
from tests.dashboards import grafana
from tests.e2e.conftest import SYSTEM
from tests.e2e.scaling.load import steady_load
from tests.e2e.scaling.workload import Workload
from tests.rabbitmq_node import until

pytestmark = pytest.mark.cluster

Make = Callable[[str], Workload]
Series = list[dict[str, Any]]

LOOKED_AT: Final = 16 * 60
"""Seconds that a dashboard shows. A whole number of the bars' intervals of two minutes: the last bar ends with it."""
NOTHING: Final = {
    ("alerts", "When alerts fired"): "all is well",
    ("alerts", "Firing now"): "all is well",
    ("detail", "Failures of reading by reason"): "all is well",
    ("operator", "Errors of the API server"): "all is well",
    ("detail", "Pods by phase"): "there is no kube-state-metrics here, which this collapsed row asks for",
    ("detail", "Restarts of containers"): "there is no kube-state-metrics here, which this collapsed row asks for",
    ("detail", "CPU"): "the kubelet is not scraped, which this collapsed row asks for",
}
"""Panels that may have nothing to show in this run, by dashboard and title, and why."""
UNMARKED: Final = {"Paused", "Fallback", "Alerts"}
"""Marks of what does not happen here."""


def chosen(workload: Workload) -> dict[str, str]:
    """What a person has chosen at the head of a dashboard."""
    return {
        "cluster": ".*",
        "job": monitoring.OPERATOR_JOB,
        "namespace": workload.namespace,
        "queueconsumer": workload.name,
        "target_name": workload.name,
    }


def has_numbers(series: Series) -> bool:
    """Whether there is anything to draw: a quantile of nothing is NaN."""
    values = [value for each in series for _, value in (each.get("values") or [each["value"]])]
    return any(math.isfinite(float(value)) for value in values)


@pytest.mark.timeout(400)
def test_every_query_of_every_dashboard_returns_data(make_workload: Make, cluster: client.ApiClient) -> None:
    monitored = make_workload("monitored")
    monitored.declare()
    with monitoring.scraping(cluster, jobs=[monitoring.operator(SYSTEM)], every_seconds=2) as prometheus:
        wait = {"name": "monitored", "wait": {"objectiveSeconds": 20}, "secondsPerMessage": "0.3"}
        monitored.apply(queues=[wait], maxReplicas=3)
        busy = worked(monitored, prometheus)
        monitored.until(lambda: monitored.replicas == 0, within=120, what="all is done")
        monitored.until(lambda: monitored.changes()[-1][1] == 0, within=20, what="the change is in the status")
        to_none = ', direction="down"'
        monitored.until(
            lambda: latest(prometheus, monitored, "last_scale_timestamp_seconds", to_none),
            within=20,
            what="a scrape of it",
        )

        end = int(time.time())
        assert unanswered(prometheus, chosen(monitored), busy=busy, end=end) == []
        assert unmarked(prometheus, monitored, end=end) == []
        assert unfilled(prometheus, chosen(monitored), end=end) == []


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


def latest(prometheus: Prometheus, monitored: Workload, metric: str, matchers: str = "") -> Series:
    """What Prometheus knows now."""
    expr = f'queueconsumer_{metric}{{queueconsumer="{monitored.name}"{matchers}}}'
    return prometheus.instant(expr, at=int(time.time()))


def unanswered(prometheus: Prometheus, variables: dict[str, str], *, busy: int, end: int) -> list[str]:
    """Queries of panels to which there is no number, neither while messages were there nor afterwards."""
    missing = []
    for name, board in grafana.dashboards().items():
        per_moment = [
            list(grafana.answers(board, prometheus, start=end - LOOKED_AT, end=end, now=moment, chosen=variables))
            for moment in (busy, end)
        ]
        for moments in zip(*per_moment, strict=True):
            title, expr, _ = moments[0]
            if (name, title) not in NOTHING and not any(has_numbers(series) for _, _, series in moments):
                missing.append(f"{name}: {title}: {expr}")
    return missing


def unmarked(prometheus: Prometheus, monitored: Workload, *, end: int) -> list[str]:
    """Changes of the QueueConsumer's status without a mark in the graphs."""
    marked = set()
    for board in grafana.dashboards().values():
        for annotation in board["annotations"].get("list", ()):
            if annotation["name"] in UNMARKED or not annotation.get("expr"):
                continue
            step = grafana.step_of(LOOKED_AT, least=annotation["step"])
            expr = grafana.interpolated(annotation["expr"], step=step, seconds=LOOKED_AT, chosen=chosen(monitored))
            series = prometheus.range(expr, start=end - LOOKED_AT, end=end, step=step)
            marked |= {round(mark.time) for mark in grafana.marks(annotation, series)}
    return [json.dumps(change) for change in monitored.status["history"] if at(change) not in marked]


def at(change: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(change["time"]).timestamp())


def unfilled(prometheus: Prometheus, variables: dict[str, str], *, end: int) -> list[str]:
    """Variables at the head of a dashboard for which there is nothing to choose; nobody names clusters here."""
    missing = []
    for name, board in grafana.dashboards().items():
        for variable in board["templating"]["list"]:
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition") or "")
            if found is None or found[2] == "cluster":
                continue
            expr = grafana.interpolated(found[1], step=60, seconds=LOOKED_AT, chosen=variables)
            values = {each["metric"].get(found[2]) for each in prometheus.instant(expr, at=end)}
            if variables[found[2]] not in values:
                missing.append(f"{name}: {variable['name']}: {values}")
    return missing


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
