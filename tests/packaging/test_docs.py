"""The documents hold what they promise: links lead somewhere, commands exist, examples are valid."""

import ast
import re
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from qc_operator import resource
from qc_operator.brokers.binding import KEYS, from_secret
from tests.packaging.documents import DOCS, ROOT, Block, blocks, documents

PAGES = documents()
BLOCKS = [block for page in PAGES for block in blocks(page)]
SHELL = {"sh", "bash", "console"}

# Words that have no place in a document for users, and hosts that packages and images come from: those belong to the
# settings of the machine that fetches.
BANNED = re.compile(
    r"\b(session|helper)s?\b"
    r"|\b(docker\.io|ghcr\.io|quay\.io|gcr\.io|registry\.k8s\.io|pypi\.org|proxy\.golang\.org|files\.pythonhosted\.org)\b",
    re.IGNORECASE,
)
# Links of the README to what may still be missing.


def _named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _prose(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        target, _, anchor = link.partition("#")
        file = page if not target else page.parent / target
        if re.match(r"[a-z]+:", link):
            continue
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            lost.append(link)

    assert lost == []


def test_every_page_of_the_documentation_is_in_the_table_of_the_readme() -> None:
    linked = re.findall(r"\]\((docs/[\w-]+\.md)\)", (ROOT / "README.md").read_text())

    assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} <= set(linked)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    typed = "".join(block.text for block in blocks(page) if block.language in SHELL)
    named = set(re.findall(r"`make ([a-z-]+)", _prose(page)) + re.findall(r"\bmake ([a-z-]+)", typed))

    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_no_banned_words(page: Path) -> None:
    assert [found[0] for found in BANNED.finditer(page.read_text())] == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language in SHELL], ids=str)
def test_shell_blocks_parse(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


FORWARDED = [block for block in BLOCKS if re.search(r"port-forward .*&\n", block.text)]


@pytest.mark.parametrize("block", FORWARDED, ids=str)
def test_what_is_asked_through_a_forward_in_the_background_waits_until_it_is_there(block: Block) -> None:
    """Whoever pastes both lines at once is refused otherwise."""
    _, _, asked = block.text.partition("port-forward ")

    assert [line for line in asked.splitlines() if "curl" in line and "--retry-connrefused" not in line] == []


def test_curl_says_why_it_failed_where_another_program_reads_its_answer() -> None:
    """That program could only say that there is nothing to read."""
    lines = [line for block in BLOCKS for line in block.text.replace("\\\n", " ").splitlines()]
    piped = [line for line in lines if re.match(r" *curl .*\|", line)]

    assert piped
    assert [line for line in piped if not {"--silent", "--show-error"} <= set(line.split())] == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_python_blocks_compile(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "yaml"], ids=str)
def test_yaml_blocks_are_valid_and_so_is_every_queueconsumer(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        if isinstance(document, dict) and document.get("kind") == "QueueConsumer":
            _check(document)


def _is_secret(block: Block) -> bool:
    # In secrets.md certificates are dots: test_secrets_page.py reads those with real ones in their place.
    return "kind: Secret" in block.text and block.document.name != "secrets.md"


@pytest.mark.parametrize("block", [block for block in BLOCKS if _is_secret(block)], ids=str)
def test_every_secret_of_a_broker_is_one_that_the_operator_takes(block: Block) -> None:
    values = yaml.safe_load(block.text)["stringData"]
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}

    from_secret(data=data, secret="shop/shop-rabbitmq", vhost=None)

    # `type` is the Service Binding's own; any other key that nobody reads is a slip of the pen.
    assert values.keys() - {"type"} <= set(KEYS)


def _check(manifest: dict[str, Any]) -> None:
    resource.parse(manifest["spec"])

    assert manifest["apiVersion"] == f"{resource.GROUP}/{resource.VERSION}"


def test_the_quickstart_shows_the_files_that_it_uses() -> None:
    shown = {block.text for block in blocks(DOCS / "quickstart.md") if block.language in {"python", "yaml"}}
    folder = ROOT / "examples" / "quickstart"
    files = {file.name: file.read_text() for file in folder.iterdir() if file.suffix in {".py", ".yaml"}}

    # The shell's pod says nothing that the consumer's does not say.
    assert {name for name, text in files.items() if text not in shown} == {"shell.yaml"}
    assert len(shown) == len(files) - 1
