"""The processes of one pod, seen from its node.

Runs in the tests, and as `python -c` in a pod on the node: it needs nothing but the standard library.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path


def kill(*, uid: str, command: Sequence[str]) -> int:
    """Send SIGKILL to the processes with this command line in the pod of this UID; returns how many there were.

    The kubelet names a pod's cgroup after its UID: `pod1a2b-3c...` with the driver cgroupfs, and with systemd, to which
    a dash is a separator, `pod1a2b_3c...`. The same program elsewhere on the machine is nobody's business here.
    """
    names = ("pod" + uid, "pod" + uid.replace("-", "_"))
    killed = 0
    for process in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            if not process.name.isdigit() or _words(process / "cmdline") != list(command):
                continue
            groups = (process / "cgroup").read_text()
            if any(name in groups for name in names):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
    return killed


def _words(command_line: Path) -> list[str]:
    return command_line.read_bytes().decode(errors="replace").rstrip("\0").split("\0")


if __name__ == "__main__":
    if kill(uid=sys.argv[1], command=sys.argv[2:]) == 0:
        sys.exit(f"no process {' '.join(sys.argv[2:])} of pod {sys.argv[1]} is here")
