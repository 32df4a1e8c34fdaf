"""A folder that the environment names by a slip costs nobody's data."""

import os
from pathlib import Path

import pytest

from devcluster import cgroups, cluster, leftovers, machine, network, state_folder
from devcluster import layout as layouts
from devcluster.failure import Failure
from devcluster.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A layout whose folder is not there yet."""
    return Layout(root=tmp_path / "parent" / "state")


def test_the_folder_that_was_made_is_ours_and_is_removed_whole(layout: Layout, tmp_path: Path) -> None:
    state_folder.create(layout)
    state_folder.create(layout)
    (layout.root / "pki").mkdir()
    (layout.root / "pki" / "ca.crt").touch()
    (layout.root / "link").symlink_to(tmp_path)

    state_folder.require_not_anothers(layout)
    assert state_folder.is_ours(layout)
    assert layout.root.stat().st_mode & 0o777 == 0o711

    state_folder.remove(layout)

    assert not layout.root.exists()
    assert tmp_path.exists()


@pytest.mark.parametrize("step", [state_folder.create, state_folder.remove, state_folder.require_not_anothers])
@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_is_not_ours_is_refused_and_stays(step: object, kind: str, layout: Layout) -> None:
    layout.root.parent.mkdir()
    if kind == "folder":
        layout.root.mkdir()
        (layout.root / "thesis").touch()
    elif kind == "file":
        layout.root.touch()
    else:
        layout.root.symlink_to("nowhere")
    assert callable(step)

    with pytest.raises(Failure, match=r"state is not devcluster's .* name a folder of its own"):
        step(layout)

    assert not state_folder.is_ours(layout)
    assert os.path.lexists(layout.root / "thesis" if kind == "folder" else layout.root)


def test_a_disk_that_is_mounted_there_is_refused_even_if_it_is_empty(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.root.mkdir(parents=True)
    state_folder.require_not_anothers(layout)
    monkeypatch.setattr("os.path.ismount", lambda path: path == layout.root)

    with pytest.raises(Failure, match="is not devcluster's"):
        state_folder.require_not_anothers(layout)


def test_up_and_down_refuse_before_they_touch_anything(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    layout.root.mkdir(parents=True)
    (layout.root / "thesis").touch()
    monkeypatch.setattr(machine, "require_packages", lambda _: None)
    monkeypatch.setattr(machine, "require_no_other_kubernetes", lambda: None)
    touched: list[str] = []
    monkeypatch.setattr(cgroups, "kill_all", lambda: touched.append("processes"))
    monkeypatch.setattr(leftovers, "unmount_below", lambda _: touched.append("mounts"))
    monkeypatch.setattr(network, "clean", lambda _: touched.append("network"))

    for command in (cluster.up, cluster.down):
        with pytest.raises(Failure, match="is not devcluster's"):
            command(layout)

    assert touched == []
    assert (layout.root / "thesis").exists()


def test_the_mark_goes_last_so_that_a_killed_removal_can_go_on(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    state_folder.create(layout)
    for name in ("a", "z"):
        (layout.root / name).touch()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refusing_after(1))
        with pytest.raises(KeyboardInterrupt):
            state_folder.remove(layout)
    assert state_folder.is_ours(layout)

    state_folder.remove(layout)

    assert not layout.root.exists()


def refusing_after(times: int) -> object:
    """Path.unlink as of a process that is killed after so many files."""
    unlink = Path.unlink
    left = [times]

    def limited(path: Path, *, missing_ok: bool = False) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        unlink(path, missing_ok=missing_ok)

    return limited


@pytest.mark.parametrize("root", ["//", "/usr/..", "/usr/lib/../../"])
def test_the_root_is_refused_however_it_is_written(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", root)

    with pytest.raises(Failure, match="folder of its own"):
        layouts.current()


def test_the_folder_is_known_by_its_real_path_as_mounts_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", str(tmp_path / "link" / "s"))
    monkeypatch.setattr(layouts, "_LONGEST_STATE_PATH", 4096)

    assert layouts.current().root == tmp_path / "real" / "s"
