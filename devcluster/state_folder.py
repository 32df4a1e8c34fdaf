"""The folder of the cluster's state: made with a mark in it, and emptied and removed only if it has the mark.

Its path comes from the environment. A slip there, such as a folder with somebody's data, must not cost the data.
"""

import contextlib
import os
import shutil
import time

from devcluster.failure import Failure
from devcluster.layout import Layout

_REMOVAL_SECONDS = 10.0


def is_ours(layout: Layout) -> bool:
    """Whether the folder is there and was made by us."""
    return layout.marker.is_file()


def require_not_anothers(layout: Layout) -> None:
    """Raise Failure when something is at the folder's path that is not ours: anything but an empty folder."""
    root = layout.root
    if is_ours(layout) or not os.path.lexists(root):
        return
    # A disk that is mounted there is somebody's, even while it is empty.
    if not root.is_dir() or os.path.ismount(root) or any(root.iterdir()):
        raise Failure(
            f"{root} is not devcluster's (there is no {layout.marker.name} in it); name a folder of its own by "
            "QC_DEVCLUSTER_STATE. Nothing was changed."
        )


def create(layout: Layout) -> None:
    """Make the folder with its mark; what is there already stays. Raises Failure when the folder is not ours."""
    require_not_anothers(layout)
    layout.root.mkdir(parents=True, exist_ok=True)
    layout.root.chmod(0o711)
    # In one step, and before anything else: a kill -9 leaves an empty folder or one with the mark.
    layout.marker.touch()


def remove(layout: Layout) -> None:
    """Remove the folder, its mark last, so that a removal that was killed can be continued.

    Raises Failure when the folder is not ours, or when something in it cannot be removed.
    """
    require_not_anothers(layout)
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while layout.root.exists():
        try:
            _remove_once(layout)
        except FileNotFoundError:
            continue
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failure(f"{error.filename or layout.root} cannot be removed: {error.strerror}.") from None
            time.sleep(0.1)


def _remove_once(layout: Layout) -> None:
    for entry in layout.root.iterdir():
        if entry == layout.marker:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    with contextlib.suppress(FileNotFoundError):
        layout.marker.unlink()
    layout.root.rmdir()
