"""The tables of docs/hpa-comparison.md, from the cases and what was recorded."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.e2e.hpa.cases import CASES, Case
from tests.e2e.hpa.recording import Recordings, Sync
from tests.e2e.hpa.replay import replayed

PAGE: Final = Path(__file__).parents[3] / "docs" / "hpa-comparison.md"


def differing(*, case: Case, syncs: Sequence[Sync]) -> list[int]:
    """The numbers of the syncs after which we have other replicas than the HPA."""
    ours = replayed(case=case, syncs=syncs)
    return [number for number, sync in enumerate(syncs) if sync.replicas != ours[number]]


def tables(recordings: Recordings) -> Mapping[str, list[str]]:
    """The rows of each table by its name."""
    rows: dict[str, list[str]] = {"same": [], "different": []}
    for name, case in CASES.items():
        syncs = recordings[name]
        replicas = [case.replicas, *(sync.replicas for sync in syncs)]
        steps = sum(before != after for before, after in pairwise(replicas))
        if case.differs is None:
            rows["same"].append(f"| `{name}` | {case.about} | {len(syncs)} | {steps} |")
        else:
            count = len(differing(case=case, syncs=syncs))
            rows["different"].append(f"| `{name}` | {case.about} | {count} of {len(syncs)} | {case.differs.why} |")
    return rows


def written(name: str) -> list[str]:
    """The rows of a table of the page, without its head."""
    return _parts(name, PAGE.read_text())[1].splitlines()[2:]


def write(recordings: Recordings) -> None:
    """Put the tables into the page."""
    text = PAGE.read_text()
    for name, rows in tables(recordings).items():
        before, table, after = _parts(name, text)
        text = before + "".join(f"{line}\n" for line in [*table.splitlines()[:2], *rows]) + after
    PAGE.write_text(text)


def _parts(name: str, text: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = text.partition(begin)
    table, also, after = rest.partition(end)
    assert found, f"{PAGE} has no table {name}"
    assert also, f"the table {name} of {PAGE} does not end"
    return before + begin, table, end + after
