"""What the alerts ask Prometheus, each question by itself: an alert about what nobody tells would never fire."""

import re
from collections.abc import Iterator
from typing import Any, Final

from examples.demo.prometheus_server import Prometheus
from tests.dashboards.alert_rules import groups
from tests.e2e.scaling.workload import Workload

NOTHING: Final = {
    'queueconsumer_status_ready_reason{reason="Conflict"}': "nobody else scales the target here",
    "queueconsumer:objective_missed_seconds:increase5m": "is recorded every five minutes, longer than this run",
}
"""Series that this run may be without, as rules name them, and why."""
NO_LABEL: Final = {"queueconsumer_dev_shard": "there are no shards here"}
"""Labels that no series may have in this run, and why."""

# One that follows a quotation mark is a label.
_SERIES: Final = re.compile(r'(?<!")\b((?:queueconsumer|queue_consumer|process)[_:][\w:]+)(?:\{([^}]*)\})?')
_LABELS: Final = re.compile(r"\b(?:by|on|group_left|ignoring) \(([^)]*)\)")
_IGNORING: Final = re.compile(r"ignoring \([^)]*\)")
_TOLD: Final = re.compile(r'\{\{ with printf "([^"]+)" [^|]*\| query \}\}(.*?)\{\{ end \}\}\{\{ end \}\}')


def unanswered(prometheus: Prometheus, workload: Workload, *, busy: int, end: int, long: int) -> Iterator[str]:
    """What rules ask for and nobody has told in the `long` seconds before `end`; every rule is evaluated as it is, too.

    Raises:
        DemoError: Prometheus refuses a rule, for example because two of its series are told apart by no label.

    """
    for group in groups():
        for rule in group["rules"]:
            for moment in (busy, end):
                prometheus.instant(rule["expr"], at=moment)
            for missing in _missing(rule, prometheus, workload, end=end, long=long):
                yield f"{rule.get('alert') or rule['record']}: {missing}"


def of_unknown_age(prometheus: Prometheus, *, end: int, long: int) -> list[dict[str, str]]:
    """Counters of dead letters whose target has not told when its process began, as the alert brings the two together.

    It would take all pods of them for new.
    """
    (joined,) = {found for group in groups() for rule in group["rules"] for found in _IGNORING.findall(rule["expr"])}
    counters = f'last_over_time(queue_consumer_messages_total{{outcome="dead_lettered"}}[{long}s])'
    starts = f"last_over_time(process_start_time_seconds[{long}s])"
    return [each["metric"] for each in prometheus.instant(f"{counters} unless {joined} {starts}", at=end)]


def failed(prometheus: Prometheus) -> list[str]:
    """Alerts that Prometheus itself could not evaluate when it last tried."""
    return [
        f"{rule['name']}: {rule.get('lastError')}" for rule in prometheus.alerting_rules() if rule["health"] == "err"
    ]


def _missing(rule: dict[str, Any], prometheus: Prometheus, workload: Workload, *, end: int, long: int) -> Iterator[str]:
    known = set()
    for name, matchers in _SERIES.findall(_LABELS.sub("", rule["expr"])):
        # What is told of no QueueConsumer has no such label, which is the same as an empty one.
        of_this = ", ".join(filter(None, (matchers, f'queueconsumer=~"|{workload.name}"')))
        found = prometheus.instant(f"count_over_time({name}{{{of_this}}}[{long}s])", at=end)
        asked = f"{name}{{{matchers}}}" if matchers else name
        if not found and asked not in NOTHING:
            yield asked
        known |= {label for each in found for label in each["metric"]}
    asked_for = {label for labels in _LABELS.findall(rule["expr"]) for label in labels.split(", ")}
    yield from sorted(f"label {label}" for label in asked_for - known - NO_LABEL.keys())
    for query, words in _TOLD.findall(rule.get("annotations", {}).get("description", "")):
        told = prometheus.instant(query % (workload.namespace, workload.name), at=end)
        labels = set(re.findall(r"\.Labels\.(\w+)", words))
        if not (labels and told and labels <= told[0]["metric"].keys()):
            yield f"{query}: {labels}"
