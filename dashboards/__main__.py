"""`python -m dashboards`: write the dashboards as JSON into the chart's files; `--check` only compares."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import alerting, detail, fleet, operation
from dashboards.board import Board

FOLDER: Final = Path(__file__).parent.parent / "charts" / "queueconsumer-operator" / "files" / "dashboards"
BOARDS: Final = {
    "fleet": fleet.board,
    "detail": detail.board,
    "operator": operation.board,
    "alerts": alerting.board,
}


def rendered(board: Board) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    model: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(board.build()))
    return model


def texts() -> dict[str, str]:
    """The text of each file by its name."""
    return {
        f"{name}.json": json.dumps(rendered(make()), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for name, make in BOARDS.items()
    }


def main() -> int:
    """Write the files, or compare them; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    stale = [name for name, text in texts().items() if not _same(FOLDER / name, text, write=not check)]
    for name in stale if check else ():
        sys.stderr.write(f"{name} is not what dashboards/ says; `python -m dashboards` writes it again\n")
    return 1 if check and stale else 0


def _same(file: Path, text: str, *, write: bool) -> bool:
    same = file.exists() and file.read_text() == text
    if write:
        file.write_text(text)
    return same


if __name__ == "__main__":
    sys.exit(main())
