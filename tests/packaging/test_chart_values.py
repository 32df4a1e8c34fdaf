"""The chart's values: documented, and refused where they are wrong."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.rendering import CHART, IMAGE, rendered, run


@pytest.mark.parametrize(
    ("setting", "blamed"),
    [
        pytest.param("imagee.tag=1", "imagee", id="unknown"),
        pytest.param("image.name=x", "name", id="unknown-in-image"),
        pytest.param("crds.enabled=true", "enabled", id="unknown-in-crds"),
        pytest.param("crds.keep=yes", "keep", id="not-a-boolean"),
        pytest.param("logLevel=debug", "logLevel", id="log-level-in-lower-case"),
        pytest.param("image.pullPolicy=Sometimes", "pullPolicy", id="pull-policy"),
        pytest.param("image.tag=a b", "tag", id="tag-with-space"),
        pytest.param("image.digest=sha256:abc", "digest", id="half-a-digest"),
        pytest.param("replicas=11", "replicas", id="too-many-operators"),
        pytest.param("shards=0", "shards", id="no-shard"),
        pytest.param("shards=17", "shards", id="too-many-shards"),
        pytest.param("watch.namespaces={Shop}", "namespaces", id="no-name-of-a-namespace"),
        pytest.param("resources.limits.memory=lots", "memory", id="not-a-quantity"),
        pytest.param("resources.limit.memory=1Gi", "limit", id="unknown-in-resources"),
        pytest.param("tolerations[0].keys=x", "keys", id="unknown-in-a-toleration"),
        pytest.param("rbac.scaleTargets[0].resource=rollouts", "apiGroup", id="target-without-group"),
        pytest.param("nodeSelector.disk=1", "disk", id="label-not-a-string"),
        pytest.param("page.port=70000", "port", id="no-port"),
        pytest.param("page.hosts={queues.example.com:443}", "hosts", id="host-with-a-port"),
        pytest.param("page.hosts={*.example.com}", "hosts", id="host-with-a-star"),
        pytest.param("networkPolicy.egres[0].ports[0].port=1", "egres", id="unknown-in-network-policy"),
        pytest.param("networkPolicy.brokers.ports={amqp}", "ports", id="port-by-name"),
        pytest.param("networkPolicy.page.from[0].podselector.matchLabels.a=b", "podselector", id="unknown-peer"),
        pytest.param("networkPolicy.dns.to[0].ipBlock.cidr=10.96.0.10", "cidr", id="address-without-prefix"),
        pytest.param("serviceMonitor.honorLabels=false", "honorLabels", id="unknown-in-a-monitor"),
        pytest.param("podMonitor.interval=30", "interval", id="interval-without-unit"),
        pytest.param("prometheusRule.runbookUrl=docs/runbooks", "runbookUrl", id="no-address"),
        pytest.param("prometheusRule.disabled={QueueConsumerFlaping}", "disabled", id="no-name-of-an-alert"),
        pytest.param("dashboards.namespace=Grafana", "namespace", id="no-name-of-a-namespace-for-dashboards"),
        pytest.param("affinity.podAffinity.required=1", "required", id="unknown-in-affinity"),
        pytest.param("test.broker=x", "broker", id="unknown-in-test"),
        pytest.param("nameOverride=Foo_Bar", "nameOverride", id="no-part-of-a-name"),
        pytest.param("fullnameOverride=foo.bar", "fullnameOverride", id="no-name-of-an-object"),
        pytest.param("fullnameOverride=1foo", "fullnameOverride", id="no-name-of-a-service"),
    ],
)
def test_a_wrong_value_is_refused(helm: Path, setting: str, blamed: str) -> None:
    done = run(helm, "template", "queueconsumer", str(CHART), *IMAGE, "--set", setting)

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

    places = {found["metadata"].get("namespace") for found in yaml.safe_load_all(done.stdout) if found}
    assert places == {None, "default", "123"}


def _with_values(helm: Path, folder: Path, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    return run(helm, "template", "queueconsumer", str(CHART), *IMAGE, "--values", str(folder / "values.yaml"))


BOTH_MONITORS = (
    "serviceMonitor.enabled and podMonitor.enabled exclude each other: both would have every pod scraped twice; set "
    "one of them to false"
)
NO_CONSUMERS = (
    "consumers.podMonitor.selector must say which pods are consumers, such as "
    "{matchLabels: {app.kubernetes.io/part-of: shop}}: without one, every pod that has a port metrics would be scraped"
)
PORT_OF_METRICS = (
    "page.port: 8080 is the port of the metrics and the probes; give the live page another one, such as 8081"
)
NOT_SERVED = (
    'test.namespace must be one of watch.namespaces, bank, till (is "shop"): nothing is scaled in others, so helm test '
    "would wait in vain"
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, BOTH_MONITORS),
        ({"consumers": {"podMonitor": {"enabled": True}}}, NO_CONSUMERS),
        ({"page": {"port": 8080}}, PORT_OF_METRICS),
        ({"watch": {"namespaces": ["bank", "till"]}, "test": {"namespace": "shop"}}, NOT_SERVED),
    ],
)
def test_what_cannot_go_together_is_refused_in_words(
    helm: Path, tmp_path: Path, values: dict[str, Any], sentence: str
) -> None:
    done = _with_values(helm, tmp_path, values)

    assert done.returncode != 0
    assert sentence in done.stderr


LABELS = (
    "podLabels",
    "serviceMonitor.labels",
    "podMonitor.labels",
    "consumers.podMonitor.labels",
    "prometheusRule.labels",
    "dashboards.labels",
)


@pytest.mark.parametrize("value", LABELS)
def test_a_label_of_the_charts_own_cannot_be_given_a_second_time(helm: Path, value: str) -> None:
    """A key that is twice in an object is no YAML; which one counts would be the reader's choice."""
    pods = [found["spec"]["template"] for found in rendered(helm, "shards=2") if found["kind"] == "Deployment"]
    own = {label for pod in pods for label in pod["metadata"]["labels"]}
    assert "queueconsumer.dev/shard" in own

    for label in own:
        setting = f"{value}.{label.replace('.', chr(92) + '.')}=x"
        done = run(helm, "template", "queueconsumer", str(CHART), *IMAGE, "--set", setting)

        assert done.returncode != 0
        assert f"{value}: the chart itself sets the label {label}, and no object can have it twice" in done.stderr
    assert run(helm, "template", "queueconsumer", str(CHART), *IMAGE, "--set", f"{value}.team=a").returncode == 0


def test_alerts_that_can_be_left_out_are_those_that_there_are() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]

    names = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    known = schema["properties"]["prometheusRule"]["properties"]["disabled"]["items"]["enum"]
    assert sorted(known) == sorted(names)


def test_no_object_of_the_schema_takes_unknown_values() -> None:
    """A parent chart's globals are its own to check."""
    schema = json.loads((CHART / "values.schema.json").read_text())
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
