"""The chart's values: documented, and refused where they are wrong."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.rendering import CHART, run


@pytest.mark.parametrize(
    ("setting", "blamed"),
    [
        pytest.param("imagee.tag=1", "imagee", id="unknown"),
        pytest.param("image.name=x", "name", id="unknown-in-image"),
        pytest.param("crds.enabled=true", "enabled", id="unknown-in-crds"),
        pytest.param("crds.keep=yes", "keep", id="not-a-boolean"),
        pytest.param("logLevel=debug", "logLevel", id="log-level-in-lower-case"),
        pytest.param("image.pullPolicy=Sometimes", "pullPolicy", id="pull-policy"),
        pytest.param("image.repository=", "repository", id="no-repository"),
        pytest.param("image.tag=a b", "tag", id="tag-with-space"),
        pytest.param("replicas=11", "replicas", id="too-many-operators"),
        pytest.param("shards=0", "shards", id="no-shard"),
        pytest.param("shards=17", "shards", id="too-many-shards"),
        pytest.param("watch.namespaces={Shop}", "namespaces", id="no-name-of-a-namespace"),
        pytest.param("resources.limits.memory=lots", "memory", id="not-a-quantity"),
        pytest.param("resources.limit.memory=1Gi", "limit", id="unknown-in-resources"),
        pytest.param("tolerations[0].keys=x", "keys", id="unknown-in-a-toleration"),
        pytest.param("rbac.scaleTargets[0].resource=rollouts", "apiGroup", id="target-without-group"),
        pytest.param("nodeSelector.disk=1", "disk", id="label-not-a-string"),
    ],
)
def test_a_wrong_value_is_refused(helm: Path, setting: str, blamed: str) -> None:
    done = run(helm, "template", "queueconsumer", str(CHART), "--set", setting)

    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
    assert blamed in done.stderr


BOTH = (
    "watch.namespaces and watch.namespaceSelector exclude each other: name the namespaces, or choose them by their "
    'labels; set the other one to [] or ""'
)
NO_SELECTOR = (
    "watch.namespaceSelector must be a label selector as kubectl takes it, such as team=shop or team in (shop, bank) "
)


@pytest.mark.parametrize(
    ("watch", "sentence"),
    [
        ({"namespaces": ["shop"], "namespaceSelector": "team=shop"}, BOTH),
        ({"namespaceSelector": "team in ("}, NO_SELECTOR + '(is "team in (")'),
        ({"namespaceSelector": "team shop"}, NO_SELECTOR + '(is "team shop")'),
        ({"namespaceSelector": "team=shop,"}, NO_SELECTOR + '(is "team=shop,")'),
        ({"namespaceSelector": "team=a/b"}, NO_SELECTOR + '(is "team=a/b")'),
    ],
)
def test_namespaces_that_cannot_be_chosen_so_are_refused_in_words(
    helm: Path, tmp_path: Path, watch: dict[str, Any], sentence: str
) -> None:
    done = _with_values(helm, tmp_path, {"watch": watch})

    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "selector",
    [
        "team=shop", "team == shop", "team!=shop", "team", "!team", "team in (shop, bank)", "team notin (shop)",
        "example.org/team in (shop),tier!=test, !legacy", "team=", "size>3,size<9",
    ],
)  # fmt: skip
def test_every_form_of_a_label_selector_is_taken(helm: Path, tmp_path: Path, selector: str) -> None:
    done = _with_values(helm, tmp_path, {"watch": {"namespaceSelector": selector}})

    assert done.returncode == 0, done.stderr


def test_a_namespace_whose_name_is_a_number_is_still_a_name(helm: Path, tmp_path: Path) -> None:
    done = _with_values(helm, tmp_path, {"watch": {"namespaces": ["123"]}})

    places = [(found or {}).get("metadata", {}).get("namespace") for found in yaml.safe_load_all(done.stdout)]
    assert places.count("123") == 2


def _with_values(helm: Path, folder: Path, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    return run(helm, "template", "queueconsumer", str(CHART), "--values", str(folder / "values.yaml"))


def test_no_object_of_the_schema_takes_unknown_values() -> None:
    """Kubernetes' own words (labels, affinity terms) and a parent chart's globals are theirs to check."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    del schema["properties"]["affinity"]["properties"]
    del schema["properties"]["global"]

    open_objects = [path for path, part in _objects(schema, "") if part.get("additionalProperties", True) is True]

    assert open_objects == []


def test_every_value_is_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    assert _without_schema(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "") == []


def _objects(schema: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        return [found for index, part in enumerate(schema) for found in _objects(part, f"{path}[{index}]")]
    if not isinstance(schema, dict):
        return []
    here = [(path, schema)] if schema.get("type") == "object" else []
    return here + [found for key, part in schema.items() for found in _objects(part, f"{path}.{key}")]


def _without_schema(values: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    missing = []
    for key, value in values.items():
        known = schema.get("properties", {}).get(key)
        if known is None:
            missing.append(f"{path}{key}")
        elif isinstance(value, dict) and "$ref" not in known and value:
            missing += _without_schema(value, known, f"{path}{key}.")
    return missing
