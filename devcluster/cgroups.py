"""The cgroups that hold the cluster's processes and its pods, in both versions of the cgroup file system.

``/queueconsumer-devcluster/system`` holds the components and the containers' shims, ``.../kubepods`` the pods (made by
the kubelet). Ending a cluster is ending every process below, whether or not anybody remembers starting it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from devcluster.failure import Failure
from devcluster.layout import NAME

_MOUNT = Path("/sys/fs/cgroup")
_KILL_SECONDS = 20.0


def _is_v2() -> bool:
    return (_MOUNT / "cgroup.controllers").exists()


def _roots() -> list[Path]:
    """Our folder in every hierarchy: one in version 2, one per controller in version 1."""
    if _is_v2():
        return [_MOUNT / NAME]
    hierarchies = [path for path in sorted(_MOUNT.iterdir()) if path.is_dir() and not path.is_symlink()]
    return [path / NAME for path in hierarchies if (path / "cgroup.procs").exists()]


def system() -> Path:
    """The cgroup that components are started in. In version 1 the pids hierarchy does the book-keeping."""
    return (_MOUNT if _is_v2() else _MOUNT / "pids") / NAME / "system"


def prepare() -> None:
    """Make our cgroups; the kubelet insists that its root cgroup exists under every controller."""
    for root in _roots():
        try:
            root.mkdir(exist_ok=True)
        except OSError as error:
            raise Failure(
                f"The cgroup {root} cannot be made ({error.strerror}): the cluster needs a writable cgroup file system."
            ) from None
        # A cpuset of version 1 starts empty and lets no process in before it has processors and memory nodes.
        for name in ("cpuset.cpus", "cpuset.mems"):
            own, parent = root / name, root.parent / name
            if not _is_v2() and own.exists() and not own.read_text().strip():
                own.write_text(parent.read_text())
        if _is_v2():
            _delegate(root)
    system().mkdir(parents=True, exist_ok=True)


def _delegate(root: Path) -> None:
    for level in (root.parent, root):
        for controller in (level / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                (level / "cgroup.subtree_control").write_text(f"+{controller}")


def processes() -> set[int]:
    """The pids of everything that belongs to a cluster of ours."""
    return {pid for root in _roots() for pid in _below(root)}


def _below(root: Path) -> Iterator[int]:
    for folder, _, _ in os.walk(root):
        with contextlib.suppress(OSError):
            yield from map(int, (Path(folder) / "cgroup.procs").read_text().split())


def kill_all() -> None:
    """End every process of the cluster and remove our cgroups. Safe to repeat.

    Raises Failure when a process does not go away.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while pids := processes():
        # Repeated until none is left: a process may fork between the reading and the killing.
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > deadline:
            raise Failure(f"These processes did not end on SIGKILL: {sorted(processes())}. They hang in the kernel.")
        time.sleep(0.05)
    for root in _roots():
        for folder, _, _ in os.walk(root, topdown=False):
            _remove(Path(folder), deadline=deadline)


def _remove(folder: Path, *, deadline: float) -> None:
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel takes a moment to let go of a cgroup whose last process has just ended.
            if time.monotonic() > deadline:
                raise Failure(f"The cgroup {folder} cannot be removed: {error.strerror}.") from None
            time.sleep(0.05)
        else:
            return
