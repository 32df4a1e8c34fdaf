"""What a person sees while a command works: one line per step, and a sign of life on long ones."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devcluster.failure import Failure

_HEARTBEAT_SECONDS = 15.0
_TAIL_LINES = 15


def say(message: str) -> None:
    """Tell the person what happens now. Standard output stays free for results such as paths."""
    print(f"==> {message}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 120,
) -> str:
    """Run a short command and return what it printed.

    Raises Failure, quoting the end of its output, when it fails or takes longer than *seconds*.
    """
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command, input=stdin, env=environment, text=True, capture_output=True, check=False, timeout=seconds
        )
    except FileNotFoundError:
        raise Failure(
            f"The program {command[0]} is not installed. Run `python3 -m devcluster packages` as root."
        ) from None
    except subprocess.TimeoutExpired:
        raise Failure(f"`{' '.join(command[:4])}` did not finish within {seconds:.0f} s.") from None
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_TAIL_LINES:])
        raise Failure(f"`{' '.join(command[:6])}` failed with status {done.returncode}:\n{tail}")
    return done.stdout


def run_long(
    argv: Sequence[str | Path],
    *,
    step: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> None:
    """Run a command that takes minutes: its output goes to *log*, the person sees that it is alive.

    Raises Failure, naming the log and quoting its end, when the command fails.
    """
    say(step)
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=directory,
        )
        try:
            _wait_showing_life(child=child, began=began, log=log)
        except BaseException:
            child.kill()
            child.wait()
            raise
    if child.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:])
        raise Failure(f"{step}: failed with status {child.returncode}. The whole output is in {log}; its end:\n{tail}")


def _wait_showing_life(*, child: subprocess.Popen[bytes], began: float, log: Path) -> None:
    terminal = sys.stderr.isatty()
    while True:
        try:
            child.wait(timeout=1.0 if terminal else _HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - began
            line = f"    {elapsed:4.0f} s  {_last_line(log)}"
            # On a terminal one line is rewritten; a file gets a new line now and then.
            text, end = (f"\r\033[K{line[:100]}", "") if terminal else (line, "\n")
            print(text, end=end, file=sys.stderr, flush=True)
        else:
            if terminal:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
            return


def _last_line(log: Path) -> str:
    with log.open("rb") as output:
        output.seek(max(0, log.stat().st_size - 4096))
        lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:80] if lines else ""
