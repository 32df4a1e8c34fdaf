"""Removing what a cluster left on the machine outside of its processes: mounts, sockets, symbolic links, files.

The state folder itself is state_folder.py's.
"""

import contextlib
import ctypes
import os
from pathlib import Path

from devcluster import state_folder
from devcluster.failure import Failure
from devcluster.layout import NAME, Layout

_MNT_DETACH = 2


def mounts_below(folder: Path, *, mountinfo: str) -> list[Path]:
    """The mount points in and at *folder*, deepest and latest first; *mountinfo* as in /proc/self/mountinfo."""
    points = []
    for line in mountinfo.splitlines():
        # Spaces and the like are written as octal escapes (proc(5)).
        point = Path(line.split()[4].encode().decode("unicode_escape"))
        if point == folder or folder in point.parents:
            points.append(point)
    return points[::-1]


def unmount_below(folder: Path) -> None:
    """Unmount everything in *folder*: containers' roots, volumes, network namespaces."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mounts_below(folder, mountinfo=Path("/proc/self/mountinfo").read_text()):
        # Detached even when busy: its processes have been ended, and what holds it is on its way out.
        if libc.umount2(os.fsencode(point), _MNT_DETACH) != 0:
            number = ctypes.get_errno()
            if Path("/proc/self/mountinfo").read_text().find(f" {point} ") >= 0:
                raise Failure(f"{point} cannot be unmounted: {os.strerror(number)}.")


def remove(layout: Layout) -> None:
    """Remove the state folder and the few traces that fixed paths of containerd, CNI and kubelet make elsewhere."""
    _remove_shim_sockets(layout)
    _remove_network_results(Path("/var/lib/cni/results"))
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and layout.root in link.readlink().parents:
            link.unlink()
    state_folder.remove(layout)
    _remove_device_plugins(Path("/var/lib/kubelet"))
    for folder in (
        "/var/lib/cni/results",
        "/var/lib/cni",
        "/var/log/containers",
        "/run/containerd/s",
        "/run/containerd",
    ):
        _remove_if_empty(Path(folder))


def _remove_network_results(folder: Path) -> None:
    # containerd writes one file per pod for our network and one for its loopback interface, whose network has the same
    # name on every machine: NETWORK-SANDBOX-INTERFACE.
    for file in folder.glob(f"{NAME}-*"):
        sandbox = file.name.removeprefix(f"{NAME}-").partition("-")[0]
        for own in folder.glob(f"*-{sandbox}-*"):
            own.unlink(missing_ok=True)


def _remove_shim_sockets(layout: Layout) -> None:
    # Every shim's folder names its socket in /run/containerd/s, a path that containerd 1.6 does not let one choose.
    for address in (layout.root / "containerd-state").glob("io.containerd.runtime.v2.task/k8s.io/*/address"):
        with contextlib.suppress(OSError):
            Path(address.read_text().strip().removeprefix("unix://")).unlink()


def _remove_device_plugins(folder: Path) -> None:
    # The one path that the kubelet does not let one choose. Another kubelet of the machine keeps more here than that.
    with contextlib.suppress(OSError):
        if [entry.name for entry in folder.iterdir()] == ["device-plugins"]:
            for name in ("kubelet.sock", "kubelet_internal_checkpoint"):
                (folder / "device-plugins" / name).unlink(missing_ok=True)
            (folder / "device-plugins").rmdir()
    _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
