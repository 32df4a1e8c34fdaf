"""docs/operations.md lists everything that the operator may say, and nothing that it cannot."""

import ast
import inspect
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from qc_operator import brokers, limitation, readiness, restoration, secret_source, settings, transitions, unserved
from qc_operator.brokers import (
    amqp,
    both_lanes,
    declares,
    directory,
    entry,
    fast_lane,
    feed,
    feeds,
    issuer,
    latest_totals,
    management,
    node_metrics,
    oauth2,
    queue_list,
    reader,
    secret_watch,
    session,
    totals,
    totals_sources,
)
from qc_operator.scaling import pause, readings, trust
from tests.packaging.documents import DOCS, table, words
from tests.packaging.rendering import CHART, only, rendered

PAGE = DOCS / "operations.md"

# What can become the reason of a condition. Those of the slow lane become one where a pattern needs it.
SLOW_LANE = (
    both_lanes,
    directory,
    latest_totals,
    management,
    node_metrics,
    readings,
    queue_list,
    totals,
    totals_sources,
)
SOURCES = (
    amqp, brokers, declares, entry, fast_lane, feed, feeds, issuer, limitation, oauth2, readiness, reader,
    secret_source, secret_watch, session, trust, unserved, *SLOW_LANE,
)  # fmt: skip
TABLES = ("ready", "slow lane", "active", "limited", "objective", "others")
# CamelCase words in these files that are no reasons: conditions and their values, a field's value, HTTP's headers; and
# the cause of totals that are left out, which is told in a sentence only.
OTHER_WORDS = {
    "Ready", "Active", "ScalingLimited", "ObjectiveMet", "FallbackActive", "Observe",
    "True", "False", "Unknown", "ReadyAndUnacked",
    "Accept", "Authorization", "Host", "LeftOut",
}  # fmt: skip


def _camel_case(module: object) -> set[str]:
    tree = ast.parse(inspect.getsource(module))  # type: ignore[arg-type]
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in constants if isinstance(text, str) and re.fullmatch(r"[A-Z][a-z]+([A-Z][a-z]+)*", text)}


def test_every_reason_of_a_condition_is_explained() -> None:
    said = set().union(*map(_camel_case, SOURCES)) - OTHER_WORDS

    assert set().union(*(words(PAGE, table) for table in TABLES)) == said
    assert {"QueueMissing", "QueueWithoutLeader", "CertificateInvalid", "SingleActiveConsumer"} <= said


def test_what_the_slow_lane_lacks_has_a_table_of_its_own() -> None:
    assert words(PAGE, "slow lane") == set().union(*map(_camel_case, SLOW_LANE)) - OTHER_WORDS - {
        "ReaderFailed",
        "NotReadYet",
    }


@pytest.mark.parametrize(
    ("name", "column", "among_them"),
    [
        ("causes", 3, {"QueueWithoutLeader", "NodeDown", "QueueDown", "StreamNotSupported"}),
        ("faults", 1, {"QueueWithoutLeader", "NodeDown", "BrokerUnreachable", "ManagementUnreachable"}),
    ],
)
def test_what_reading_queues_tells_of_is_told_by_reasons_that_there_are(
    name: str, column: int, among_them: set[str]
) -> None:
    rows = table(DOCS / "reading-queues.md", name)
    told = {word for row in rows for word in re.findall(r"`([A-Z]\w+)`", row[column])}

    assert told <= words(PAGE, "ready") | words(PAGE, "slow lane")
    assert among_them <= told


@pytest.mark.parametrize("row", table(PAGE, "pauses"), ids=lambda row: row[0])
def test_each_pause_does_what_the_page_says(row: list[str]) -> None:
    name, value = row[0].strip("`").split("=")

    read = pause.parse({name: value})
    now = read.at(datetime(2026, 11, 27, tzinfo=UTC))

    assert not read.problems
    assert now is not None
    assert ("exactly 3" in row[1]) == (now.replicas == 3)
    assert ("until then" in row[1]) == (read.at(datetime(2026, 11, 28, tzinfo=UTC)) is None)


def test_the_page_names_every_annotation() -> None:
    named = {word.split("=")[0] for word in words(PAGE, "pauses")}

    assert {pause.PAUSED, pause.REPLICAS, pause.UNTIL} == named


def test_every_event_of_its_own_is_explained() -> None:
    source = inspect.getsource(transitions) + inspect.getsource(restoration)
    said = set(re.findall(r'"((?:Activated|Scaled|Recovered|FallbackActivated|Paused|Restore)\w*)"', source))

    assert words(PAGE, "events") == said
    assert len(said) == 10


def test_the_rights_are_those_of_the_chart(helm: Path) -> None:
    rules = only(rendered(helm), "ClusterRole", "queueconsumer-operator")["rules"]
    granted = [[rule["apiGroups"][0] or "core", rule["resources"], rule["verbs"]] for rule in rules]

    assert [[row[0], row[1].split(", "), row[2].split(", ")] for row in table(PAGE, "rights")] == granted


def test_the_rights_on_leases_are_those_of_the_chart(helm: Path) -> None:
    rules = only(rendered(helm), "Role")["rules"]
    granted = [[rule["apiGroups"][0], rule["resources"], rule["verbs"]] for rule in rules]
    rows = table(PAGE, "lease rights")

    assert [[row[0], row[1].split(", "), row[2].split(", ")] for row in rows] == granted
    assert "resourceNames" not in rules[0]
    name, *of_shards = rules[1]["resourceNames"]
    first, last = (int(of_shards[index].rpartition("-")[2]) for index in (0, -1))
    assert rows[1][3] == f"`{name}`, and one for each [shard](#sharding) of every number from {first} to {last}"


def test_every_setting_is_explained(helm: Path) -> None:
    source = inspect.getsource(settings)
    read = set(re.findall(r'environment\.get\("(\w+)"', source))
    (container,) = only(rendered(helm, "shards=1"), "Deployment")["spec"]["template"]["spec"]["containers"]

    assert words(PAGE, "settings") == read
    assert {variable["name"] for variable in container["env"]} <= read


def test_the_values_that_set_them_exist() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for row in table(PAGE, "settings"):
        for path in re.findall(r"`([\w.]+)`", row[1]):
            found = values
            for key in path.split("."):
                found = found[key]
