"""What mutmut works on: a copy in the cache, as it writes its mutants beside what it mutates.

The package lies in `src/` there, a place whose name mutmut leaves out of a module's: `operator/` is none of those, and
the mutants of `operator.qc_operator.scaling` would never be met by tests that import `qc_operator.scaling`.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]

UNIT_TESTS: Final = Path("tests/unit/operator")
SLOW: Final = frozenset(
    {
        "test_closed_loops.py",
        "test_guards_loops.py",
        "test_learning_loops.py",
        "test_learning_throughput.py",
        "test_stories.py",
        "test_undecided_loops.py",
    }
)
"""Simulations of many minutes: seconds for each mutant, and what they tell of a decision others tell, too."""
ELSEWHERE: Final = (
    *("qc_operator.brokers", "qc_operator.cluster", "qc_operator.target", "qc_operator.settings"),
    *(
        "qc_operator.exposition",
        "qc_operator.metrics",
        "qc_operator.page",
        "qc_operator.live_page",
        "tests.openmetrics",
    ),
)
"""A test that imports one of these is about something else."""

OTHERS: Final = (
    "pyproject.toml",
    "crds/queueconsumers.queueconsumer.dev.yaml",
    "docs/hpa-comparison.md",
    "tests/guarded_target.py",
)
FOLDERS: Final = ("devcluster", "tests/e2e/hpa")
"""What the HPA was recorded to do is replayed, and that needs its page and the release's number."""

REMEMBERED: Final = re.compile(rb"^@lru_cache\(.*\)\n(?=def (?!_plan\())", re.MULTILINE)
"""Functions whose answers are only remembered go without that in the copy: mutmut leaves alone what is decorated, and a
mutant would be given the answers that were right when mutmut looked which tests run what. `_plan` is nothing but what
it remembers; `forgetting` empties it."""


def cache() -> Path:
    """The folder in which everything built is kept, as in the Makefile."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("QC_CACHE") or Path(home) / "queueconsumer")


def made(*, at: Path) -> bool:
    """Bring the copy up to date; returns whether anything has changed, so that survivors may be none any more.

    Only what differs is written: mutmut goes by the time of a file, and keeps the results of functions that have not
    changed.
    """
    wanted = dict(_sources()) | dict(_tests())
    changed = False
    for target, source in wanted.items():
        content = source.read_bytes()
        if target.parent == Path("src/qc_operator/scaling"):
            content = REMEMBERED.sub(b"", content)
        if _written(content, at / target):
            changed = True
    for root in (at, at / "mutants"):
        for folder in ("src", "tests"):
            for file in (root / folder).rglob("*.py"):
                if file.relative_to(root) not in wanted:
                    file.unlink()
                    file.with_name(f"{file.name}.meta").unlink(missing_ok=True)
    return changed


def _sources() -> Iterator[tuple[Path, Path]]:
    package = PROJECT / "operator" / "qc_operator"
    for file in package.rglob("*.py"):
        yield Path("src", "qc_operator") / file.relative_to(package), file
    for name in OTHERS:
        yield Path(name), PROJECT / name


def _tests() -> Iterator[tuple[Path, Path]]:
    yield Path("tests", "conftest.py"), PROJECT / "tests" / "mutation" / "forgetting.py"
    for folder in FOLDERS:
        for file in (PROJECT / folder).rglob("*"):
            if file.suffix in {".py", ".json", ".toml", ".txt", ".yaml"}:
                yield file.relative_to(PROJECT), file
    for file in (PROJECT / UNIT_TESTS).glob("*.py"):
        if file.name not in SLOW and not any(module in file.read_text() for module in ELSEWHERE):
            yield file.relative_to(PROJECT), file


def _written(content: bytes, target: Path) -> bool:
    if target.exists() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True


def removed(*, at: Path) -> None:
    """Throw the copy away, with every result."""
    shutil.rmtree(at, ignore_errors=True)
