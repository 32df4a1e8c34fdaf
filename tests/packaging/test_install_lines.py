"""What documents tell people to type to install the chart: it renders, and names an image that there is."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from devcluster import images
from tests.packaging.documents import DOCS, ROOT, blocks, documents
from tests.packaging.rendering import CHART, IMAGE, only, run

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
    """None is published, so pods with another name would never come up, or run what somebody else has put there."""
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


@pytest.mark.parametrize("settings", [(), ("image.tag=dev",), (f"image.digest=sha256:{0:064}",)])
def test_whoever_names_no_image_is_refused_and_told_where_one_comes_from(helm: Path, settings: tuple[str, ...]) -> None:
    """A name of the chart's own would be anybody's to publish under, for pods that may read Secrets."""
    values = [word for setting in settings for word in ("--set", setting)]

    done = run(helm, "template", "queueconsumer", str(CHART), *values)

    assert done.returncode != 0
    assert (
        "image.repository must name the operator's image, for none is published: build one from operator/Dockerfile, "
        "push it to where your cluster pulls from, and name it by image.repository and image.tag (README.md, Install)"
    ) in done.stderr


def notes(helm: Path, *settings: str) -> str:
    """What Helm prints after an installation with these values."""
    values = [word for setting in settings for word in ("--set-json", setting)]
    done = run(
        helm, "install", "queueconsumer", str(CHART), "--namespace", "queueconsumer-system", "--dry-run=client",
        *IMAGE, *values,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:\n")[2]


@pytest.mark.parametrize(
    ("settings", "namespace"), [((), "shop"), (('watch.namespaces=["bank", "till"]',), "bank")], ids=["all", "some"]
)
def test_the_example_of_the_notes_can_be_pasted_and_is_served(
    helm: Path, settings: tuple[str, ...], namespace: str
) -> None:
    """With what follows it, of which a here-document without its end would swallow all; cat shows what kubectl gets."""
    told = notes(helm, *settings)
    block = told[told.index("kubectl apply -f - ") : told.index("Nothing to scale yet?")]

    done = subprocess.run(
        ["bash", "-euc", f"kubectl() {{ cat; }}\n{block}\necho '---'; echo 'then: typed'"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    applied, after = yaml.safe_load_all(done.stdout)
    assert (applied["kind"], applied["metadata"]) == ("QueueConsumer", {"name": "receipts", "namespace": namespace})
    assert after == {"then": "typed"}
    assert f"kubectl -n {namespace} describe queueconsumer receipts" in told


def test_whoever_has_nothing_to_scale_is_led_to_the_quickstart(helm: Path) -> None:
    (page,) = re.findall(r"Nothing to scale yet\? (\S+) has a broker and a consumer", notes(helm))

    assert ROOT / page == DOCS / "quickstart.md"
    assert (ROOT / page).is_file()


@pytest.mark.parametrize(
    ("settings", "brokers", "others"),
    [
        ((), "brokers at the ports 5671, 5672, 15671, 15672, 15691, 15692 only", "nothing but its metrics"),
        (
            ("networkPolicy.brokers.ports=[5671]", 'networkPolicy.page.from=[{"podSelector": {}}]'),
            "brokers at the ports 5671 only",
            "nothing but its metrics and its page",
        ),
        (
            ("networkPolicy.brokers.ports=[]", "networkPolicy.metrics.from=[]"),
            "no brokers, as networkPolicy.brokers.ports is empty",
            "nothing",
        ),
    ],
    ids=["default", "page-open", "closed"],
)
def test_the_notes_say_what_the_network_policy_lets_through(
    helm: Path, settings: tuple[str, ...], brokers: str, others: str
) -> None:
    said = f"A NetworkPolicy lets the operator reach {brokers}, and lets others reach {others}: see networkPolicy"

    assert said in plain(notes(helm, *settings))
