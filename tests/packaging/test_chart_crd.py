"""The CRD in the chart: the same as the source, and safe from `helm uninstall`."""

from pathlib import Path

import pytest
import yaml

from tests.packaging.rendering import CHART, CRD, only, rendered


def test_the_chart_has_a_true_copy() -> None:
    copy = CHART / "files" / CRD.name

    assert copy.read_text() == CRD.read_text(), "`make generate` copies the CRD into the chart"


@pytest.mark.parametrize("keep", ["true", "false"])
def test_the_definition_is_rendered_as_it_is(helm: Path, keep: str) -> None:
    definition = only(rendered(helm, f"crds.keep={keep}"), "CustomResourceDefinition")

    assert definition["spec"] == yaml.safe_load(CRD.read_text())["spec"]


def test_uninstall_keeps_the_definition(helm: Path) -> None:
    definition = only(rendered(helm), "CustomResourceDefinition")

    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_uninstall_deletes_the_definition_when_told_so(helm: Path) -> None:
    definition = only(rendered(helm, "crds.keep=false"), "CustomResourceDefinition")

    assert "annotations" not in definition["metadata"]


def test_the_definition_can_be_left_to_others(helm: Path) -> None:
    kinds = {manifest["kind"] for manifest in rendered(helm, "crds.install=false")}

    assert "CustomResourceDefinition" not in kinds
