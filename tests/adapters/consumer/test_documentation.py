"""The code in docs/producers.md and docs/consumers.md runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rabbitmq_vhost import Vhost

DOCS = Path(__file__).resolve().parents[3] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def run(vhost: Vhost, folder: Path, source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "RABBITMQ_URL": vhost.url, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        cwd=folder, capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("source", blocks("producers.md"), ids=["hello", "outcome unknown"])
def test_producers(vhost: Vhost, tmp_path: Path, source: str) -> None:
    vhost.declare("orders")
    run(vhost, tmp_path, source)
    assert vhost.ready("orders") == 1


def test_consumers(vhost: Vhost, tmp_path: Path) -> None:
    app, trial = blocks("consumers.md")
    (tmp_path / "app.py").write_text(app)
    run(vhost, tmp_path, trial)
