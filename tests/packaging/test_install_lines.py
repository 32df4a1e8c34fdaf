"""What documents tell people to type to install the chart: it renders, and names an image that there is."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from devcluster import images
from tests.packaging.documents import DOCS, ROOT, blocks, documents
from tests.packaging.rendering import CHART, only, run

SHELL: Final = {"sh", "bash", "console"}
LOADED: Final = images.reference("operator")
"""What `devcluster load operator` brings into the cluster."""
A_REGISTRY: Final = "registry.example.com/"
"""Stands for the reader's own."""


@dataclass(frozen=True, kw_only=True)
class Install:
    """A command that installs or upgrades a release, as its words; `loads` if images were loaded into devcluster."""

    page: Path
    line: int
    words: tuple[str, ...]
    loads: bool

    def __str__(self) -> str:
        """Where it is, for a test's name."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def chart(self) -> str:
        """The folder that it names, after the release."""
        (_, chart) = [word for word in self._arguments() if not word.startswith("-")][:2]
        return chart

    def rendered(self, helm: Path) -> str:
        """Its objects as YAML, made with its own flags. AssertionError has what Helm says against them."""
        arguments = [str(ROOT / word) if word == self.chart else word for word in self._arguments()]
        done = run(helm, "template", "--skip-tests", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _arguments(self) -> list[str]:
        return [word for word in self.words[2:] if word not in {"--install", "--wait"}]


def installs() -> list[Install]:
    """Every one of every document, and `helm upgrade` without a chart is none."""
    found = []
    for page in documents():
        loads = False
        for block in blocks(page):
            if block.language not in SHELL:
                continue
            for line in block.text.replace("\\\n", " ").splitlines():
                loads |= re.search(r"devcluster load .*\boperator\b", line) is not None
                if re.search(r"\bhelm (install|upgrade) ", line):
                    words = tuple(shlex.split(line.removeprefix("$ "), comments=True))
                    found.append(Install(page=page, line=block.line, words=words, loads=loads))
    return found


INSTALLS: Final = installs()
EACH = pytest.mark.parametrize("install", INSTALLS, ids=str)


def test_the_pages_that_tell_how_to_install_are_these() -> None:
    assert {str(install.page.relative_to(ROOT)) for install in INSTALLS} >= {
        "README.md",
        "charts/queueconsumer-operator/README.md",
        "docs/operations.md",
        "docs/quickstart.md",
        "examples/shop/README.md",
    }


@EACH
def test_each_names_the_chart_and_values_that_it_takes(helm: Path, install: Install) -> None:
    assert install.words[0] == "helm"
    assert ROOT / install.chart == CHART
    assert "kind: Deployment" in install.rendered(helm)


@EACH
def test_each_names_an_image_that_the_cluster_can_have(helm: Path, install: Install) -> None:
    """None is published under the chart's default name, so its pods would never come up."""
    manifests = [found for found in yaml.load_all(install.rendered(helm), Loader=yaml.CSafeLoader) if found]
    (container,) = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]

    assert container["image"] == LOADED or container["image"].startswith(A_REGISTRY)
    if install.loads:
        assert container["image"] == LOADED


def test_whoever_takes_the_local_image_loads_it_before_and_types_what_is_run_on_a_real_cluster() -> None:
    """tests/e2e/test_quickstart.py runs that of the quickstart."""
    (run_for_real,) = [install.words for install in INSTALLS if install.page == DOCS / "quickstart.md"]
    local = {str(install): install for install in INSTALLS if LOADED.partition(":")[0] in " ".join(install.words)}

    assert {place: install.words for place, install in local.items()} == dict.fromkeys(local, run_for_real)
    assert [place for place, install in local.items() if not install.loads] == []
    assert {place.partition(":")[0] for place in local} == {
        "README.md",
        "docs/quickstart.md",
        "examples/shop/README.md",
    }


NO_IMAGE: Final = (
    "No image is published: build one from operator/Dockerfile, with the project's folder as its context, push it to "
    "where your cluster pulls from, and name it by image.repository and image.tag."
)


def plain(text: str) -> str:
    """Markdown without its links and marks, in one line."""
    return " ".join(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "").split())


@pytest.mark.parametrize("page", [ROOT / "README.md", CHART / "README.md"], ids=["project", "chart"])
def test_before_the_lines_it_is_said_where_the_image_comes_from(page: Path) -> None:
    before = page.read_text().partition("helm upgrade --install")[0]

    assert NO_IMAGE in plain(before)


def notes(helm: Path, *settings: str) -> str:
    """What Helm prints after an installation with these values, in one line."""
    values = [word for setting in settings for word in ("--set", setting)]
    done = run(
        helm, "install", "queueconsumer", str(CHART), "--namespace", "queueconsumer-system", "--dry-run=client", *values
    )
    assert done.returncode == 0, done.stderr
    return plain(done.stdout.partition("NOTES:\n")[2])


def test_whoever_names_no_image_is_told_which_one_it_is_and_where_it_comes_from(helm: Path) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]

    assert f"Its image is queueconsumer/operator:{version}. {NO_IMAGE} Next, tell it" in notes(helm)


@pytest.mark.parametrize(
    "setting", ["image.repository=registry.example.com/team/operator", f"image.digest=sha256:{0:064}"]
)
def test_whoever_names_an_image_is_not_told_at_each_upgrade_that_there_is_none(helm: Path, setting: str) -> None:
    told = notes(helm, setting)

    assert "rollout status deployment/queueconsumer-operator Next, tell it" in told
    assert "image is" not in told
