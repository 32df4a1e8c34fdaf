"""docs/metrics.md has every metric that is served and no other, and queries that Prometheus understands."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from qc_operator.metric_families import FAMILIES
from qc_operator.metrics import Metrics
from tests.packaging.documents import DOCS, blocks, table, words

PAGE = DOCS / "metrics.md"
QUERIES = [block.text for block in blocks(PAGE) if block.language == "promql"]
PARTS = ("_bucket", "_count", "_sum")
"""What the samples of a histogram are called after its name."""


def _collected() -> dict[str, str]:
    """The names and types of all metrics of a process, of which those of others are left out."""
    metrics = Metrics()
    metrics.watch_brokers(lambda: [("rabbitmq:5672", True)])
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    theirs = {family.name for family in registry.collect()}
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family.type
        for family in metrics.process.collect()
        if family.name not in theirs
    }


def test_every_metric_of_the_process_is_there_with_its_type() -> None:
    assert {row[0].strip("`"): row[1] for row in table(PAGE, "process metrics")} == _collected()


def test_every_metric_of_an_object_is_there_with_its_labels() -> None:
    rows = {row[0].strip("`"): (row[1], row[2]) for row in table(PAGE, "object metrics")}

    assert rows == {family.name: (family.type, ", ".join(family.labels)) for family in FAMILIES}


@pytest.mark.parametrize("query", QUERIES)
def test_queries_use_metrics_and_labels_that_exist(query: str) -> None:
    known = words(PAGE, "object metrics") | words(PAGE, "process metrics")
    used = re.findall(r"queueconsumer_\w+", query)

    assert used
    assert {name if name in known else re.sub(f"({'|'.join(PARTS)})$", "", name) for name in used} <= known


def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    rules = [{"record": f"question:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": rules}]}))

    done = subprocess.run(["promtool", "check", "rules", file], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert f"{len(QUERIES)} rules found" in done.stdout
    assert len(QUERIES) >= 8
