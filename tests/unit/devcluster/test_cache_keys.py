"""What is built is named by its inputs: a change of any input builds anew, and nothing else does."""

import shutil
from pathlib import Path

import pytest

from devcluster import component, toolchain
from devcluster.failure import Failure
from devcluster.images import recipe


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small copy of what the operator's image is built from."""
    files = {
        "operator/Dockerfile": "FROM scratch",
        "operator/qc_operator/__main__.py": "print()",
        "requirements/operator.txt": "kopf==1",
        ".dockerignore": "*",
        "devcluster/images/base/Dockerfile": "FROM scratch",
        "devcluster/images/bootstrap.py": "",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def key(repository: Path) -> str:
    return recipe.key(recipe.find("operator"), repository=repository)


@pytest.mark.parametrize(
    "changed",
    [
        "operator/Dockerfile",
        "operator/qc_operator/__main__.py",
        "requirements/operator.txt",
        "devcluster/images/base/Dockerfile",
    ],
)
def test_an_image_is_built_anew_when_an_input_or_its_base_changes(repository: Path, changed: str) -> None:
    before = key(repository)
    (repository / changed).write_text("something else")

    assert key(repository) != before


def test_an_image_is_built_anew_when_a_file_is_added_renamed_or_made_executable(repository: Path) -> None:
    package = repository / "operator" / "qc_operator"
    seen = {key(repository)}
    (package / "scale.py").write_text("")
    seen.add(key(repository))
    (package / "scale.py").rename(package / "scaling.py")
    seen.add(key(repository))
    (package / "scaling.py").chmod(0o755)
    seen.add(key(repository))

    assert len(seen) == 4


def test_bytecode_and_unrelated_files_build_nothing(repository: Path) -> None:
    before = key(repository)
    (repository / "operator" / "qc_operator" / "__pycache__").mkdir()
    (repository / "operator" / "qc_operator" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (repository / "README.md").write_text("hello")

    assert key(repository) == before


def test_a_missing_input_is_named(repository: Path) -> None:
    shutil.rmtree(repository / "operator" / "qc_operator")

    with pytest.raises(Failure, match="qc_operator is missing"):
        key(repository)


def test_the_repository_has_every_input_of_every_image() -> None:
    keys = [recipe.key(recipe.find(name)) for name in recipe.NAMES]

    assert len(set(keys)) == len(recipe.NAMES)


def test_an_unknown_image_is_answered_with_the_known_ones() -> None:
    with pytest.raises(Failure, match="There are: pause, base, operator"):
        recipe.find("nginx")


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert toolchain.content_key("ab", "c") != toolchain.content_key("a", "bc")
    assert toolchain.content_key("a") == toolchain.content_key(b"a")


def test_a_component_is_another_one_when_its_configuration_changes() -> None:
    def command(*, settings: str) -> str:
        return component.Component(name="x", argv=("x",), settings=settings, ready=lambda: True).command

    assert command(settings="a") == command(settings="a") != command(settings="b")


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.19.8 linux/amd64", (1, 19, 8)),
        ("go version go1.27rc1 linux/amd64", (1, 27)),
        ("go version devel linux/amd64", ()),
    ],
)
def test_the_version_of_go_is_read_from_what_it_prints(printed: str, version: tuple[int, ...]) -> None:
    assert toolchain.go_version(printed) == version
