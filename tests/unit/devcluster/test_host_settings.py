"""Reading the machine's own settings and tables: apt, pip, mounts, image archives."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from devcluster import atomic, leftovers
from devcluster.failure import Failure
from devcluster.images import bootstrap, loading, pip_settings


@pytest.mark.parametrize(
    "text",
    [
        "deb http://mirror.test/debian bookworm main\n",
        "# deb http://old.test bullseye main\ndeb [signed-by=/k.gpg] http://mirror.test/debian bookworm main contrib\n",
        "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main\nSigned-By: /k.gpg\n",
        "deb-src http://src.test/debian bookworm main\ndeb http://mirror.test/debian bookworm main\n",
        (
            "Types: deb\nURIs: http://other.test\nSuites: x\nComponents: extra\n\n"
            "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\nComponents: main\n"
        ),
    ],
)
def test_the_mirror_comes_from_either_format_of_apts_sources(text: str) -> None:
    assert list(bootstrap.archives_in(text)) == [("http://mirror.test/debian", "bookworm")]


def test_every_suite_of_a_stanza_is_an_archive() -> None:
    text = "Types: deb deb-src\nURIs: http://m.test\nSuites: bookworm bookworm-updates\nComponents: main\n"

    assert list(bootstrap.archives_in(text)) == [("http://m.test", "bookworm"), ("http://m.test", "bookworm-updates")]


def test_pips_environment_wins_over_its_files(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = http://file.test\ntimeout = 3\n[install]\nfind-links = /a\n  /b\n[list]\nformat = x\n"
    )

    options = pip_settings.host_options(
        environment={"PIP_INDEX_URL": "http://environment.test", "PIP_DEFAULT_TIMEOUT": "9"}, files=[file]
    )

    assert options == {"index-url": "http://environment.test", "timeout": "9", "find-links": "/a\n/b"}


def test_a_broken_pip_configuration_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("no section")

    assert pip_settings.host_options(environment={}, files=[tmp_path / "pip.conf", tmp_path / "none"]) == {}


def test_mounts_are_undone_from_the_innermost() -> None:
    lines = [
        "1 0 8:1 / / rw - ext4 /dev/sda rw",
        "2 1 0:1 / /state/run rw - tmpfs tmpfs rw",
        "3 2 0:2 / /state/run/a\\040b rw - tmpfs tmpfs rw",
        "4 1 0:3 / /state-of-others rw - tmpfs tmpfs rw",
        "5 1 0:4 / /state rw - tmpfs tmpfs rw",
    ]

    assert leftovers.mounts_below(Path("/state"), mountinfo="\n".join(lines)) == [
        Path("/state"),
        Path("/state/run/a b"),
        Path("/state/run"),
    ]


def test_the_load_command_of_another_cluster_is_filled_in() -> None:
    words = loading.load_command("kind load image-archive '{archive}' --name x", archive=Path("/a b.tar"), image="i")

    assert words == ["kind", "load", "image-archive", "/a b.tar", "--name", "x"]


def archive(path: Path, index: object) -> Path:
    data = json.dumps(index).encode()
    entry = tarfile.TarInfo("index.json")
    entry.size = len(data)
    with tarfile.open(path, "w") as tar:
        tar.addfile(entry, io.BytesIO(data))
    return path


def test_name_and_digest_are_read_from_an_archive(tmp_path: Path) -> None:
    manifest = {"digest": "sha256:1", "annotations": {"org.opencontainers.image.ref.name": "localhost/x:dev"}}

    assert loading.archived_image(archive(tmp_path / "x.tar", {"manifests": [manifest]})) == (
        "localhost/x:dev",
        "sha256:1",
    )


@pytest.mark.parametrize("index", [{}, {"manifests": []}, {"manifests": [{"digest": "sha256:1"}]}])
def test_a_file_that_is_no_image_archive_is_named(index: object, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"x\.tar is no OCI archive"):
        loading.archived_image(archive(tmp_path / "x.tar", index))


def test_a_torn_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"torn")

    with pytest.raises(Failure, match=r"x\.tar is no OCI archive"):
        loading.archived_image(tmp_path / "x.tar")


def test_a_file_with_the_wanted_content_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "settings"
    atomic.write(file, "a", mode=0o600)
    before = file.stat()
    atomic.write(file, "a", mode=0o600)
    assert file.stat().st_ino == before.st_ino
    assert file.stat().st_mode & 0o777 == 0o600

    atomic.write(file, "b", mode=0o600)

    assert file.read_text() == "b"
    assert [entry.name for entry in file.parent.iterdir()] == ["settings"]
