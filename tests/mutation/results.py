"""What came of the mutants: a table, and those that nothing noticed."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

SCALING: Final = Path("src/qc_operator/scaling")
SURVIVED: Final = frozenset({"survived", "no tests"})
"""What no test notices, or no test runs."""
NOTICED: Final = frozenset({"killed", "timeout"})


def told(*, at: Path, least: float) -> int:
    """Print the table of all modules; returns the exit status: 1 when less than `least` of the mutants were killed."""
    print("| module | mutants | killed | timed out | survived | killed |\n|---|---|---|---|---|---|")
    together: Counter[str] = Counter()
    for path, document in _results(at):
        counts = Counter(status_by_exit_code[code] for code in document["exit_code_by_key"].values())
        counts.pop("not checked", None)
        if counts:
            print(_row(f"`{path.stem}`", counts))
        together += counts
    print(_row("all", together))
    return 0 if _part(together) >= least else 1


def show(*, at: Path, modules: Sequence[str]) -> None:
    """Print what survived in these modules, or in all of them: the line as it is, and as it was changed to."""
    for path, document in _results(at):
        if modules and path.stem not in modules:
            continue
        for name, code in document["exit_code_by_key"].items():
            if status_by_exit_code[code] in SURVIVED:
                with contextlib.chdir(at):
                    lines = get_diff_for_mutant(name, path=SCALING / path.name).splitlines()[2:]
                print(f"{name.removeprefix('qc_operator.scaling.')}: {status_by_exit_code[code]}")
                print("\n".join(line for line in lines if line.startswith(("+", "-"))))


def forget_survivors(*, at: Path) -> None:
    """Have those that survived tried again, as after a change of a test, and have it seen anew which tests run what."""
    (at / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path, document in _results(at):
        codes = document["exit_code_by_key"]
        for name, code in codes.items():
            if status_by_exit_code[code] not in NOTICED:
                codes[name] = None
        _meta(path, at=at).write_text(json.dumps(document, indent=4))


def _row(name: str, counts: Counter[str]) -> str:
    survived = sum(counts[status] for status in SURVIVED)
    columns = [counts.total(), counts["killed"], counts["timeout"], survived, f"{_part(counts):.1%}"]
    return f"| {name} | " + " | ".join(map(str, columns)) + " |"


def _part(counts: Counter[str]) -> float:
    return sum(counts[status] for status in NOTICED) / max(1, counts.total())


def _results(at: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for source in sorted((at / SCALING).glob("*.py")):
        meta = _meta(source, at=at)
        if meta.exists():
            yield source, json.loads(meta.read_text())


def _meta(source: Path, *, at: Path) -> Path:
    return at / "mutants" / SCALING / f"{source.name}.meta"
