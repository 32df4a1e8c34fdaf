"""What happens every day raises no alert: an installation, a new version, another leader, a night without consumers,
and monitoring that comes late.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboards import promtool
from tests.dashboards.alert_rules import RULES

BROKER = "rabbit.shop:5672"
LONG = 150
"""Minutes of a story."""

Values = Callable[[int], float | None]
"""The value of a series in each minute; None where there is no sample."""
Story = dict[str, Values]


def _samples(values: Values) -> str:
    """As promtool writes them: a series that ends is stale at once, as Prometheus has it of a pod that is gone."""
    known = [values(minute) for minute in range(LONG)]
    before = [None, *known]
    return " ".join(
        ("_" if last is None else "stale") if value is None else f"{value:g}"
        for value, last in zip(known, before, strict=False)
    )


def _operator(pod: str, *, leads: range = range(0), there: range = range(LONG), objects: int = 3) -> Story:
    """A pod of the operator: when it leads, and when it is there."""

    def leading(value: Values, otherwise: float | None = None) -> Values:
        return lambda minute: value(minute) if minute in leads else otherwise if minute in there else None

    prefix, own = "queueconsumer_operator_", f'pod="{pod}"'
    return {
        f"{prefix}build_info{{{own}}}": lambda minute: 1 if minute in there else None,
        f"{prefix}shards{{{own}}}": lambda minute: 1 if minute in there else None,
        f"{prefix}leader{{{own}}}": leading(lambda _: 1, 0),
        f'{prefix}resources{{{own}, phase="ready"}}': leading(lambda _: objects, 0),
        f"{prefix}last_turn_timestamp_seconds{{{own}}}": leading(lambda minute: minute * 60),
        f'{prefix}broker_up{{{own}, broker="{BROKER}"}}': leading(lambda _: 1 if objects else None),
    }


def _consumer(pod: str, name: str, *, leads: range, paused: bool = False, **values: Values) -> Story:
    """A QueueConsumer as the pod that leads tells it; counters begin at zero with it."""
    own = f'pod="{pod}", namespace="shop", queueconsumer="{name}"'
    info = f'{own}, broker="{BROKER}", mode="Scale", target_kind="Deployment", target_name="{name}"'
    told: Story = {
        f"queueconsumer_info{{{info}}}": lambda _: 1,
        f'queueconsumer_status_condition{{{own}, condition="Ready"}}': lambda _: 1,
        f'queueconsumer_status_condition{{{own}, condition="Paused"}}': lambda _: float(paused),
        f'queueconsumer_status_ready_reason{{{own}, reason="Scaling"}}': lambda _: 1,
        f"queueconsumer_last_reading_timestamp_seconds{{{own}}}": lambda minute: minute * 60,
        f"queueconsumer_spec_min_replicas{{{own}}}": lambda _: 0,
        f"queueconsumer_spec_max_replicas{{{own}}}": lambda _: 8,
        f"queueconsumer_direction_reversals_total{{{own}}}": lambda _: 0,
    }
    told |= {f"queueconsumer_{metric}{{{own}}}": value for metric, value in values.items()}

    def of_leader(metric: str, value: Values) -> Values:
        def told_now(minute: int) -> float | None:
            found = value(minute) if minute in leads else None
            counted = metric.split("{", maxsplit=1)[0].endswith("_total")
            return found if found is None or not counted else found - (value(leads[0]) or 0)

        return told_now

    return {metric: of_leader(metric, value) for metric, value in told.items()}


def _fleet(pod: str, *, leads: range) -> Story:
    """One that is busy and on time, one that is at its maximum and late now and then, and one that is at zero."""
    busy = _consumer(
        pod, "receipts", leads=leads, queue_messages_ready=lambda _: 1000, status_current_replicas=lambda _: 5,
        status_ready_replicas=lambda _: 5, status_desired_replicas=lambda _: 5, status_recommended_replicas=lambda _: 5,
        queue_acked_messages_total=lambda minute: minute * 600, queue_redelivered_messages_total=lambda _: 0,
        objective_met=lambda _: 1, objective_missed_seconds_total=lambda minute: minute / 3,
    )  # fmt: skip
    full = _consumer(
        pod, "reports", leads=leads, queue_messages_ready=lambda minute: 500 - minute,
        status_current_replicas=lambda _: 8, status_ready_replicas=lambda _: 8, status_desired_replicas=lambda _: 8,
        status_recommended_replicas=lambda _: 12,
    )  # fmt: skip
    asleep = _consumer(
        pod, "mails", leads=leads, queue_messages_ready=lambda _: 0, status_current_replicas=lambda _: 0,
        status_desired_replicas=lambda _: 0, status_recommended_replicas=lambda _: 0,
    )  # fmt: skip
    return busy | full | asleep


def _installed() -> Story:
    """Metrics come a few minutes after the rules. There is no QueueConsumer yet."""
    there = range(4, LONG)
    return _operator("a", leads=range(5, LONG), there=there, objects=0) | _operator("b", there=there)


def _rolled_out() -> Story:
    """New pods take the place of the old ones, one after the other; for a minute of each change nobody leads."""
    turns = {"a": range(60), "b": range(61, 63), "c": range(64, LONG)}
    there = {"a": range(60), "b": range(63), "c": range(60, LONG), "d": range(63, LONG)}
    return _all(
        *[_operator(pod, leads=turns.get(pod, range(0)), there=there[pod]) for pod in there],
        *[_fleet(pod, leads=leads) for pod, leads in turns.items()],
    )


def _lost_its_leader() -> Story:
    """The leader is killed, its node is gone, and the other pod takes over."""
    first, second = range(60), range(61, LONG)
    leads = {"a": first, "b": second}
    return _all(
        _operator("a", leads=first, there=first), _operator("b", leads=second),
        *[_fleet(pod, leads=when) for pod, when in leads.items()],
    )  # fmt: skip


def _slept() -> Story:
    """No consumers at night. In the morning it takes 9 minutes to bring nodes and pods for the first messages."""
    morning, ready = 60, 69
    always = range(LONG)
    return _operator("a", leads=always) | _consumer(
        "a", "receipts", leads=always,
        queue_messages_ready=lambda minute: 0 if minute < morning else 900 if minute < ready + 20 else 0,
        status_desired_replicas=lambda minute: 0 if minute < morning else 6,
        status_recommended_replicas=lambda minute: 0 if minute < morning else 6,
        status_current_replicas=lambda minute: 0 if minute < morning else 6,
        status_ready_replicas=lambda minute: None if minute < morning else 0 if minute < ready else 6,
        queue_acked_messages_total=lambda minute: max(minute - ready, 0) * 60,
        queue_redelivered_messages_total=lambda _: 0,
        objective_met=lambda minute: float(not morning <= minute < ready - 1),
        objective_missed_seconds_total=lambda minute: min(max(minute - morning, 0), 8) * 60,
    )  # fmt: skip


def _switched_off() -> Story:
    """Somebody holds the consumers at zero over night, and the messages are to wait."""
    return _operator("a", leads=range(LONG)) | _consumer(
        "a", "receipts", leads=range(LONG), paused=True, queue_messages_ready=lambda minute: minute * 100,
        status_desired_replicas=lambda _: 0, status_current_replicas=lambda _: 0,
        queue_acked_messages_total=lambda _: 0, queue_redelivered_messages_total=lambda _: 0,
    )  # fmt: skip


def _new_consumers() -> Story:
    """The consumers get a new image: one pod more, one not ready, and each message in hand is delivered once more."""
    during = range(60, 68)
    return _operator("a", leads=range(LONG)) | _consumer(
        "a", "receipts", leads=range(LONG), queue_messages_ready=lambda _: 300, status_desired_replicas=lambda _: 8,
        status_recommended_replicas=lambda _: 8, status_current_replicas=lambda minute: 9 if minute in during else 8,
        status_ready_replicas=lambda minute: 7 - minute % 2 if minute in during else 8,
        queue_acked_messages_total=lambda minute: minute * 100,
        queue_redelivered_messages_total=lambda minute: min(max(minute - 60, 0), 8) * 10,
    )  # fmt: skip


def _scraped_late() -> Story:
    """Consumers run for weeks and gave messages up in the first. Their scrapes begin later, and stop for 12 minutes."""
    scraped = {*range(30, 80), *range(92, LONG)}
    own = 'namespace="shop", pod="receipts-1", job="consumers", instance="10.0.0.1:9090"'
    dead_letters = f'queue_consumer_messages_total{{{own}, queue="receipts", outcome="dead_lettered"}}'
    return _operator("a", leads=range(LONG)) | {
        dead_letters: lambda minute: 500 if minute in scraped else None,
        f"process_start_time_seconds{{{own}}}": lambda minute: -600_000 if minute in scraped else None,
    }


def _abandoned() -> Story:
    """The first pods end and no others come."""
    return _operator("a", leads=range(60), there=range(60)) | _fleet("a", leads=range(60))


def _all(*stories: Story) -> Story:
    return {series: values for story in stories for series, values in story.items()}


def _run(story: Story, *, expected: dict[int, list[str]], folder: Path) -> str:
    """What promtool has to say where not these alerts fire in these minutes, and none in all others."""
    checks = [
        {
            "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected.get(minute, ())],
        }
        for minute in range(LONG)
    ]
    series = [{"series": name, "values": _samples(values)} for name, values in story.items()]
    case = {"interval": "1m", "input_series": series, "promql_expr_test": checks}
    cases = folder / "cases.yaml"
    cases.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    done = promtool.test_rules(cases)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    "story", [_installed, _rolled_out, _lost_its_leader, _slept, _switched_off, _new_consumers, _scraped_late]
)
def test_no_alert_fires(story: Callable[[], Story], tmp_path: Path) -> None:
    assert _run(story(), expected={}, folder=tmp_path) == ""


def test_one_fires_when_no_pod_of_a_new_version_comes(tmp_path: Path) -> None:
    down = {minute: ["QueueConsumerOperatorDown"] for minute in range(65, LONG)}

    assert _run(_abandoned(), expected=down, folder=tmp_path) == ""
