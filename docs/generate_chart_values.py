# ruff: noqa: INP001 - a script beside the pages that it writes, not a package
"""Write the table of values into the chart's README, from the `# --` sentences of its values.yaml.

`--check` writes nothing and exits with 1 when the table is out of date.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).parent.parent / "charts" / "queueconsumer-operator"
BEGIN: Final = "<!-- values: written by `make generate` -->\n"
END: Final = "<!-- end of values -->\n"


def table(text: str) -> str:
    """Return the table for the text of a values.yaml. ValueError names a value without a sentence."""
    sentences = dict(_sentences(text))
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for name, default in _values(yaml.safe_load(text), sentences=sentences):
        rows.append(f"| `{name}` | `{json.dumps(default)}` | {sentences[name]} |")
    return "\n".join(rows) + "\n"


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """Each value's path and the sentence above it, which starts with `# --` and may go on below."""
    parents: list[str] = []
    sentence = ""
    for line in text.splitlines():
        comment = re.match(r" *# (-- )?(.*)", line)
        key = re.match(r"( *)([A-Za-z]+):", line)
        if comment:
            sentence = comment[2] if comment[1] else f"{sentence} {comment[2]}" if sentence else ""
        elif key:
            parents[len(key[1]) // 2 :] = [key[2]]
            if sentence:
                yield ".".join(parents), sentence
            sentence = ""


def _values(values: dict[str, Any], *, sentences: dict[str, str], path: str = "") -> Iterator[tuple[str, object]]:
    """Each value that has a sentence; without one it must be a group of values that do."""
    for key, value in values.items():
        name = f"{path}{key}"
        if name in sentences:
            yield name, value
        elif isinstance(value, dict) and value:
            yield from _values(value, sentences=sentences, path=f"{name}.")
        else:
            raise ValueError(f"values.yaml: {name} has no sentence; write one above it that begins with `# --`")


def main() -> int:
    """Write the table, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    readme = CHART / "README.md"
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}{table((CHART / 'values.yaml').read_text())}{END}{after}"
    if not check:
        readme.write_text(wanted)
        return 0
    if text == wanted:
        return 0
    sys.stderr.write(f"{CHART.name}/README.md does not say what values.yaml says; `make generate` writes it again\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
