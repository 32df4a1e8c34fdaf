"""docs/operations.md lists everything that the operator may say, and nothing that it cannot."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from qc_operator import readiness, reporting, runtime
from qc_operator.brokers import amqp, feeds, reader
from qc_operator.metrics import Metrics
from tests.packaging.documents import DOCS, table, words
from tests.packaging.rendering import only, rendered

PAGE = DOCS / "operations.md"

# What can become the reason of Ready or Active. The slow lane's causes (management.py) never do: they are told as
# sentences in status.queues.
SOURCES = (readiness, amqp, feeds, reader, runtime)
# CamelCase words in these files that are no reasons.
OTHER_WORDS = {"Ready", "Active", "True", "False", "Unknown", "ReadyAndUnacked"}


def _camel_case(module: object) -> set[str]:
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in constants if isinstance(text, str) and re.fullmatch(r"[A-Z][a-z]+([A-Z][a-z]+)*", text)}


def test_every_reason_of_a_condition_is_explained() -> None:
    said = set().union(*map(_camel_case, SOURCES)) - OTHER_WORDS

    assert words(PAGE, "ready") | words(PAGE, "active") == said
    assert "QueueMissing" in said


def test_every_event_of_its_own_is_explained() -> None:
    source = inspect.getsource(reporting.events) + inspect.getsource(reporting._scaled)
    said = set(re.findall(r'"((?:Activated|Scaled|Recovered)\w*)"', source))

    assert words(PAGE, "events") == said
    assert len(said) == 5


def test_every_metric_is_explained_with_its_labels() -> None:
    registered = {}
    for collector in Metrics().registry._collector_to_names:
        assert isinstance(collector, Gauge | Counter | Histogram)
        (family,) = collector.describe()
        name = f"{family.name}_total" if isinstance(collector, Counter) else family.name
        registered[name] = ", ".join(collector._labelnames)

    assert {row[0].strip("`"): row[1] for row in table(PAGE, "metrics")} == registered


def test_the_rights_are_those_of_the_chart(helm: Path) -> None:
    rules = only(rendered(helm), "ClusterRole")["rules"]
    granted = [[rule["apiGroups"][0] or "core", rule["resources"], rule["verbs"]] for rule in rules]

    assert [[row[0], row[1].split(", "), row[2].split(", ")] for row in table(PAGE, "rights")] == granted


@pytest.mark.parametrize("expression", re.findall(r"expr: (.+)", PAGE.read_text()))
def test_alerts_use_metrics_that_exist(expression: str) -> None:
    (metric,) = re.findall(r"queueconsumer_\w+", expression)

    assert metric in words(PAGE, "metrics")


def test_every_key_of_the_secret_that_the_operator_reads_is_explained() -> None:
    source = Path(inspect.getfile(amqp)).with_name("credentials.py").read_text()
    read = set(re.findall(r'values(?:\.get\(|\[)"([\w.-]+)"', source)) | {"uri", "connection_string", "management_uri"}
    explained = set(re.findall(r"`([\w.-]+)`", "".join("".join(row) for row in table(PAGE, "secret"))))

    assert read <= explained
