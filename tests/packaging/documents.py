"""Reading the documents: their tables, their fenced blocks, their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

# What tools leave in a work tree is no document of ours.
_FOREIGN = {".git", ".venv", "node_modules"}


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    found = ROOT.rglob("*.md")
    return sorted(
        path
        for path in found
        if not any(part in _FOREIGN or part.startswith(".") for part in path.relative_to(ROOT).parts)
    )


def table(document: Path, name: str) -> list[list[str]]:
    """The rows of the table between `<!-- name -->` and `<!-- end of name -->`, without its head."""
    text = document.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    assert begin in text, f"{document.name} has no {begin!r}"
    lines = text.split(begin)[1].split(end)[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(document: Path, name: str) -> set[str]:
    """The first column of a table: a set of `words`."""
    rows = [row[0] for row in table(document, name)]
    assert len(set(rows)) == len(rows), f"{name} of {document.name} has a row twice"
    return {row.strip("`") for row in rows}


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: its language, its text, and the paragraph before it."""

    document: Path
    line: int
    language: str
    text: str
    before: str

    def __str__(self) -> str:
        """Where it is, for a test's name."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    """The fenced blocks of a document, indented ones too, in their order."""
    lines = document.read_text().splitlines()
    start: int | None = None
    indent, language, before = "", "", ""
    for number, line in enumerate(lines):
        fence = re.match(r"( *)```(\w*)$", line)
        if start is None:
            if fence:
                start, indent, language = number, fence[1], fence[2]
            elif line.strip():
                before = line.strip()
        elif line == f"{indent}```":
            text = "\n".join(inner.removeprefix(indent) for inner in lines[start + 1 : number]) + "\n"
            yield Block(document=document, line=start + 1, language=language, text=text, before=before)
            start = None
    assert start is None, f"{document}: the block of line {(start or 0) + 1} has no end"
