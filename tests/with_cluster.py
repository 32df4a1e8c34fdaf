"""`python -m tests.with_cluster COMMAND...`: run a command with a cluster, brought up for it if there is none.

The command finds the cluster by KUBECONFIG and kubectl and helm on PATH. A cluster that was there already is left
there; with DEMO_CLUSTER=current the one of the current KUBECONFIG is used, whatever it is.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

DEVCLUSTER = (sys.executable, "-m", "devcluster")


def main(command: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    if os.environ.get("DEMO_CLUSTER") == "current":
        return subprocess.run(command, check=False).returncode
    # SIGTERM as Ctrl-C: what was brought up is taken down on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ours = subprocess.run([*DEVCLUSTER, "status"], capture_output=True, check=False).returncode != 0
    try:
        if subprocess.run([*DEVCLUSTER, "up"], check=False).returncode:
            return 1
        return subprocess.run(command, env=_environment(), check=False).returncode
    finally:
        if ours:
            subprocess.run([*DEVCLUSTER, "down"], check=False)


def _environment() -> Mapping[str, str]:
    tools = _answer("tools")
    return os.environ | {
        "KUBECONFIG": _answer("kubeconfig"),
        "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def _answer(question: str) -> str:
    return subprocess.run([*DEVCLUSTER, question], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
