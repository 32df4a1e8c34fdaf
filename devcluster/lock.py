"""Keeping two commands from building the same thing, or from changing the cluster, at once."""

import contextlib
import fcntl
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from devcluster.progress import say

_SCRATCH = ".scratch-"


@contextlib.contextmanager
def of_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder in the cache, and remove what a build that was killed left in it.

    The kernel drops the lock with the process: a killed build locks nobody out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another command that builds in {folder}")
            fcntl.flock(file, fcntl.LOCK_EX)
        for left in folder.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a folder to build in, on the same file system as *folder*, so that the result can be renamed into place."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=_SCRATCH) as path:
        yield Path(path)


@contextlib.contextmanager
def of_cluster() -> Iterator[None]:
    """Hold the lock of this machine's cluster.

    It is a name in the abstract namespace of unix sockets (unix(7)): it leaves no file and dies with the process.
    """
    with socket.socket(socket.AF_UNIX) as name:
        told = False
        while True:
            try:
                name.bind("\0queueconsumer-devcluster")
            except OSError:
                if not told:
                    say("waiting for another devcluster command to finish")
                told = True
                time.sleep(0.2)
            else:
                break
        yield
