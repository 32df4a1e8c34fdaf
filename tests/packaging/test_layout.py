"""The layout of the repository and of what is shipped."""

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["operator/qc_operator", "consumer_image/qc_consumer", "producer/qc_producer"]
LOCK_FILES = sorted((ROOT / "requirements").glob("*.txt"))


def test_the_folder_operator_is_no_package() -> None:
    """With an __init__.py it would stand before the standard library's `operator`, and Python would not start."""
    assert (ROOT / "operator").is_dir()
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("options", [[], ["-S"]], ids=["as-usual", "without-site"])
def test_import_operator_gives_the_standard_library(options: list[str]) -> None:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import collections, operator; print(operator.__file__)"
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": ""},
    )

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_there_is_a_lock_file_for_each_extra() -> None:
    assert [lock_file.stem for lock_file in LOCK_FILES] == ["consumer", "dev", "operator", "producer"]


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda lock_file: lock_file.stem)
def test_every_requirement_is_locked_with_hashes(lock_file: Path) -> None:
    text = re.sub(r"\\\n", " ", lock_file.read_text())
    requirements = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]

    assert requirements
    assert [line for line in requirements if not re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ ", line)] == []
    assert [line for line in requirements if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock_file", LOCK_FILES, ids=lambda lock_file: lock_file.stem)
def test_no_lock_file_says_where_packages_come_from(lock_file: Path) -> None:
    """That belongs to the machine that installs: an index of its own, a mirror, a cache."""
    text = lock_file.read_text()

    assert re.findall(r"https?://\S+", text) == []
    assert re.findall(r"^--\S+", text, flags=re.MULTILINE) == []
    assert re.findall(r"^\s*--(?!hash=)\S+", text, flags=re.MULTILINE) == []


@pytest.mark.timeout(300)  # pip fetches hatchling
def test_the_wheel_has_exactly_the_three_packages(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", tmp_path, ROOT],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr

    (wheel,) = tmp_path.glob("queueconsumer-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert packed == {"qc_operator", "qc_consumer", "qc_producer"}
    assert {f"{package}/py.typed" for package in packed} <= set(names)
    assert [name for name in names if "__pycache__" in name] == []
