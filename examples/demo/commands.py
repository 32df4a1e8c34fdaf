"""Run a program, show what it says, and keep the last lines for the case that it fails."""

import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from .failure import DemoError
from .progress import Progress
from .settings import PROJECT

TAIL_LINES = 25


def run(
    command: Sequence[str],
    *,
    purpose: str,
    environment: Mapping[str, str],
    progress: Progress,
    timeout_seconds: float,
    stdin: str | None = None,
    quiet: bool = False,
) -> list[str]:
    """Run to the end; the lines that it printed (the last ones, if there were many).

    Raises:
        DemoError: it is missing, failed or took too long; says what it was for and what it said last.

    """
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    late = threading.Event()
    try:
        # charts/, examples/ and `python -m devcluster` are found from the project's folder.
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=dict(environment),
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        raise DemoError(f"{purpose} needs the program {command[0]!r}, which is not on the PATH") from error

    def give_up() -> None:
        late.set()
        process.terminate()

    alarm = threading.Timer(timeout_seconds, give_up)
    alarm.start()
    with process:
        try:
            _talk(process, stdin=stdin, tail=tail, progress=None if quiet else progress)
        finally:
            alarm.cancel()
            _end(process)
    if process.returncode:
        how = f"took longer than {timeout_seconds:.0f} s" if late.is_set() else f"ended with {process.returncode}"
        raise DemoError(f"{purpose} failed: `{shlex.join(command)}` {how}", evidence=tail)
    return list(tail)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program that still runs because Ctrl-C came in between; it got that as well and may be cleaning up."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def _talk(process: subprocess.Popen[str], *, stdin: str | None, tail: deque[str], progress: Progress | None) -> None:
    if process.stdin is not None:
        process.stdin.write(stdin or "")
        process.stdin.close()
    for raw in process.stdout or ():
        line = raw.rstrip()
        tail.append(line)
        if progress is not None:
            progress.detail(line)
    process.wait()
