"""`python -m tests.with_cluster COMMAND...`: run a command with a cluster, brought up for it if there is none.

The command finds the cluster by KUBECONFIG and kubectl and helm on PATH, and in it the images of this checkout: they
are built here, where one sees the progress and no test's deadline runs. A cluster that was there already is left
there; with DEMO_CLUSTER=current the one of the current KUBECONFIG is used, whatever it is.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

DEVCLUSTER = (sys.executable, "-m", "devcluster")
IMAGES = ("operator", "consumer", "rabbitmq")

TIDY_SECONDS = 180.0
"""For a command that was interrupted to undo what it has made; the tests uninstall the operator, in about 15 s."""


def main(command: Sequence[str]) -> int:
    """Run the command; returns its exit status, 130 after Ctrl-C and 143 after SIGTERM."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        if os.environ.get("DEMO_CLUSTER") == "current":
            return _run([*DEVCLUSTER, "load", *IMAGES]) or _run(command)
        return _with_devcluster(command)
    except KeyboardInterrupt:
        return 130


def _terminated(*_: object) -> None:
    sys.exit(143)


def _with_devcluster(command: Sequence[str]) -> int:
    ours = subprocess.run([*DEVCLUSTER, "status"], capture_output=True, check=False).returncode != 0
    try:
        for preparation in ("up",), ("load", *IMAGES):
            if status := _run([*DEVCLUSTER, *preparation]):
                return status
        return _run(command, environment=_environment())
    finally:
        if ours:
            # From here on Ctrl-C would leave things behind, and that is all that it could speed up.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            subprocess.run([*DEVCLUSTER, "down"], check=False)


def _run(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
    """Run a command to its end, also when this program is interrupted: nobody may use a cluster that goes down."""
    child = subprocess.Popen(command, env=environment)
    try:
        return child.wait()
    except SystemExit:
        # Ctrl-C reaches the child from the terminal, SIGTERM only us. It tidies up on Ctrl-C.
        child.send_signal(signal.SIGINT)
        raise
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(TIDY_SECONDS)
    finally:
        # It takes too long, or somebody has pressed Ctrl-C once more.
        child.kill()
        child.wait()


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
