"""A broker goes away under 1,000 QueueConsumers: somebody is woken once, and told how many there are."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards import alertmanager, promtool
from tests.dashboards.alert_rules import RULES
from tests.dashboards.fleet_of_metrics import Fleet
from tests.rabbitmq_node import until

MEMBERS = 1000
BROKER = "rabbit.shop:5672"


def _series() -> Iterator[tuple[str, str]]:
    """The broker is away from minute 5 on."""
    yield f'queueconsumer_operator_broker_up{{broker="{BROKER}"}}', "1x4 0x20"
    yield 'queueconsumer_operator_build_info{version="1"}', "1x25"
    yield "queueconsumer_operator_leader{}", "1x25"
    yield 'queueconsumer_operator_resources{phase="not_ready"}', f"{MEMBERS}x25"
    yield "queueconsumer_operator_last_turn_timestamp_seconds{}", "0+60x25"
    for number in range(MEMBERS):
        labels = f'namespace="shop", queueconsumer="member-{number}"'
        info = f'{labels}, broker="{BROKER}", target_kind="Deployment", target_name="member-{number}", mode="Scale"'
        yield f"queueconsumer_info{{{info}}}", "1x25"
        yield f'queueconsumer_status_condition{{{labels}, condition="Ready"}}', "1x4 0x20"
        yield f'queueconsumer_status_condition{{{labels}, condition="FallbackActive"}}', "0x4 1x20"
        yield f'queueconsumer_status_ready_reason{{{labels}, reason="BrokerUnreachable"}}', "_x5 1x20"
        yield f"queueconsumer_last_reading_timestamp_seconds{{{labels}}}", "0+60x4 240x20"


def test_of_a_thousand_alerts_that_would_say_the_same_the_rules_raise_one(tmp_path: Path) -> None:
    def firing(*, at: str, expected: list[tuple[str, int]]) -> dict[str, object]:
        samples = [{"labels": labels, "value": value} for labels, value in expected]
        expression = 'count by (alertname, severity) (ALERTS{alertstate="firing"})'
        return {"expr": expression, "eval_time": at, "exp_samples": samples}

    outage = ('{alertname="QueueConsumerBrokerUnreachable", severity="critical"}', 1)
    case = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in _series()],
        "promql_expr_test": [
            firing(at="7m", expected=[]),
            firing(at="8m", expected=[outage]),
            firing(at="20m", expected=[outage]),
        ],
    }
    cases = tmp_path / "cases.yaml"
    cases.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))

    done = promtool.test_rules(cases)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)  # 30 s, most of which are spent waiting.
def test_a_real_prometheus_and_alertmanager_page_once_also_when_a_thousand_objectives_are_missed(
    tmp_path: Path,
) -> None:
    fleet = Fleet(members=MEMBERS, broker=BROKER)
    late = {"alertname": "QueueConsumerObjectiveBurnFast"}

    with (
        alertmanager.running(tmp_path) as (address, pager),
        fleet.watched(tmp_path, alertmanager=address) as prometheus,
    ):

        def firing() -> list[str]:
            return [each["labels"]["alertname"] for each in prometheus.alerts() if each["state"] == "firing"]

        # Three samples of each, so that a rise of a counter is seen.
        samples = "sum(count_over_time(queueconsumer_objective_missed_seconds_total[1m])) >= 3000"
        until(lambda: prometheus.instant(samples, at=int(time.time())), what="three scrapes", within=60, every=0.5)
        assert firing() == []

        fleet.lose_the_broker()
        until(lambda: len(pager.notifications) == 1, what="the page", within=60)
        fleet.miss_objectives(seconds=1000)
        # Each look is at a thousand alerts.
        until(lambda: firing().count(late["alertname"]) == MEMBERS, what="all to be late", within=60, every=1.0)
        until(lambda: alertmanager.suppressed(address) == MEMBERS, what="them to be held back", within=60, every=1.0)
        time.sleep(3)  # three times as long as Alertmanager waits for more of a group

        assert set(firing()) == {"QueueConsumerBrokerUnreachable", late["alertname"]}
        (page,) = [alert for page in pager.notifications for alert in page["alerts"]]
        assert page["labels"]["alertname"] == "QueueConsumerBrokerUnreachable"
        assert f"{MEMBERS} QueueConsumers wait for it" in page["annotations"]["description"]

        # What another broker's queues wait for is news.
        elsewhere = {**late, "severity": "critical", "part_of": "queueconsumer", "broker": "other:5672"}
        alertmanager.post(address, [elsewhere])
        until(lambda: len(pager.notifications) == 2, what="the second page", within=20)

        assert [alert["labels"]["broker"] for alert in pager.notifications[1]["alerts"]] == ["other:5672"]


OPERATOR = {"namespace": "ops", "job": "queueconsumer-operator"}


@pytest.mark.parametrize(
    ("name", "labels", "held_back"),
    [
        pytest.param("OperatorDown", {}, 3, id="no operator"),
        pytest.param("OperatorStalled", OPERATOR, 3, id="an operator that stands still"),
        # The other shards have news, and nothing says of which shard an alert is.
        pytest.param("OperatorStalled", OPERATOR | {"queueconsumer_dev_shard": "2-of-16"}, 0, id="one of its shards"),
    ],
)
def test_without_an_operator_nobody_is_told_what_it_would_have_said(
    name: str, labels: dict[str, str], held_back: int, tmp_path: Path
) -> None:
    shared = {"part_of": "queueconsumer", "severity": "critical"}
    others = [
        {"alertname": f"QueueConsumer{other}", "namespace": "shop", "queueconsumer": other, "broker": other, **shared}
        for other in ("BrokerUnreachable", "NotConsuming", "ObjectiveBurnFast")
    ]

    with alertmanager.running(tmp_path) as (address, pager):
        alertmanager.post(address, [{"alertname": f"QueueConsumer{name}", **labels, **shared}, *others])
        paged = 1 + len(others) - held_back
        until(lambda: len(pager.notifications) == paged, what=f"{paged} pages", within=20)
        until(lambda: alertmanager.suppressed(address) == held_back, what="the others to be held back", within=20)

    told = {alert["labels"]["alertname"] for page in pager.notifications for alert in page["alerts"]}
    assert f"QueueConsumer{name}" in told
    assert len(told) == paged


def test_amtool_takes_the_inhibition(tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yaml"
    config.write_text(json.dumps(alertmanager.configuration(pager="http://pager.example.com/")))

    done = subprocess.run(["amtool", "check-config", config], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "- 7 inhibit rules" in done.stdout
