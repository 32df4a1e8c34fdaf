"""The page's files: small, complete, without a word from elsewhere, and what was vendored is what was published."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

from qc_operator.page import files
from tests.packaging.documents import ROOT

STATIC = ROOT / "operator" / "qc_operator" / "page" / "static"
VENDORED = json.loads((STATIC / "uPlot.json").read_text())
OWN = [path for path in sorted(STATIC.iterdir()) if not path.name.startswith("uPlot")]


def test_what_was_vendored_is_what_was_published() -> None:
    """The checksums are those of the files in the registry's archive, of which `integrity` is npm's own."""
    assert ("uplot", "1.6.32", "MIT") == (VENDORED["package"], VENDORED["version"], VENDORED["license"])
    assert {path.name for path in STATIC.glob("uPlot.*")} == {*VENDORED["files"], "uPlot.json"}
    for name, file in VENDORED["files"].items():
        assert file["sha256"] == hashlib.sha256((STATIC / name).read_bytes()).hexdigest(), name
    assert "The MIT License" in (STATIC / "uPlot.LICENSE").read_text()
    assert f"v{VENDORED['version']}" in (STATIC / "uPlot.iife.min.js").read_text()[:200]


def test_all_of_it_is_less_than_sixty_kilobytes() -> None:
    sizes = {name: len(file.packed) for name, file in files.load().items()}

    assert sum(sizes.values()) < 60_000, sizes
    assert {name: len(gzip.compress((STATIC / name).read_bytes(), mtime=0)) for name in sizes} == sizes


def test_nothing_is_asked_for_elsewhere() -> None:
    found = {
        (path.name, url)
        for path in OWN
        for url in re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]+[^\s\"'`)]*", path.read_text())
    }

    assert {("icon.svg", "http://www.w3.org/2000/svg"), ("words.js", "http://www.w3.org/2000/svg")} == found


def test_no_text_is_made_to_be_html() -> None:
    words = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|javascript:|\bon\w+="
    )
    scripts = {path.name: path.read_text() for path in STATIC.iterdir() if path.suffix in {".js", ".html"}}

    assert {} == {name: found for name, text in scripts.items() if (found := words.findall(_code(text)))}


def test_what_the_page_names_is_there() -> None:
    page = (STATIC / "index.html").read_text()
    named = set(re.findall(r'(?:src|href)="([\w.]+\.\w+)"', page))
    imported = {name for path in OWN for name in re.findall(r'from "\./([\w.]+)"', path.read_text())}

    assert named | imported | {files.INDEX} == set(files.load())


def test_every_script_and_style_has_the_number_of_its_answer() -> None:
    page = (STATIC / "index.html").read_text()
    tags = re.findall(r'<(?:script|link rel="stylesheet")[^>]*>', page)

    assert 4 == len(tags) == sum('nonce="{nonce}"' in tag for tag in tags)
    assert [] == re.findall(r"<style|style=", page)


def _code(text: str) -> str:
    """Without what is assigned on an object, such as `source.onerror = ...`."""
    return re.sub(r"\.on\w+=", "", text)


def test_the_files_are_in_the_package() -> None:
    """They are found next to the code, wherever that is installed."""
    assert Path(files.__file__).parent / "static" == STATIC
