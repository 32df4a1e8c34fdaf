"""Starting, finding and stopping the cluster's processes.

Two records make this safe after a ``kill -9`` of anything at any moment:

* a file per component with its pid, its start time and the boot it belongs to, so that a pid which the kernel has given
  to another program since is never taken for ours;
* one cgroup that every component is started in and that its children (the containers' shims) inherit, so that
  ``down`` finds even a process whose record was never written.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from devcluster import atomic
from devcluster.failure import Failure

_STOP_SECONDS = 10.0
# The shell enters the cgroup before it becomes the program: there is no moment at which the program, or a child of it,
# is outside. Containers inherit the limit of open files, and 1,024 would end a broker at 832 connections; much more
# than 65,536 makes some programs reserve gigabytes for their tables.
_ENTER = """
limit=$(ulimit -H -n)
if [ "$limit" = unlimited ] || [ "$limit" -gt 65536 ]; then limit=65536; fi
ulimit -S -n "$limit"
echo $$ > "$0" && exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What identifies a process for good: a pid alone is reused by the kernel."""

    pid: int
    started: int  # clock ticks since boot, field 22 of /proc/PID/stat
    boot: str  # /proc/sys/kernel/random/boot_id
    command: str  # a hash of the command line and its configuration


def boot_id() -> str:
    """Which boot of the machine this is; process records of an earlier one mean nothing."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int, *, proc: Path = Path("/proc")) -> int | None:
    """When process *pid* was started, in clock ticks since boot; None if there is none or it has ended."""
    try:
        stat = (proc / str(pid) / "stat").read_text()
        threads = sum(1 for _ in (proc / str(pid) / "task").iterdir())
    except OSError:
        return None
    # The second field is the program's name in parentheses and may hold anything: count from its end.
    fields = stat.rpartition(")")[2].split()
    # A zombie with threads is still ending: its files and ports are not free yet.
    ended = fields[0] in {"Z", "X"} and threads <= 1
    return None if ended else int(fields[19])


def environment_of(pid: int) -> dict[str, str]:
    """The environment that a process was started with; empty when it has ended."""
    try:
        entries = Path("/proc", str(pid), "environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return {name: value for entry in entries for name, found, value in [entry.partition("=")] if found}


def read_record(path: Path) -> Record | None:
    """The record in *path*; None when there is none or it is torn (written during a kill -9)."""
    try:
        return Record(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_alive(record: Record | None) -> bool:
    """Whether the very process of the record runs: same boot, same pid, same start time."""
    return record is not None and record.boot == boot_id() and start_time(record.pid) == record.started


def start(
    *, argv: Sequence[str], command: str, record: Path, log: Path, cgroup: Path, environment: Mapping[str, str]
) -> Record:
    """Start a program in a session of its own, so that it outlives this command, and write its record."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _ENTER, str(cgroup / "cgroup.procs"), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
    started = start_time(child.pid)
    if started is None:
        raise Failure(f"{argv[0]} ended at once; see {log}.")
    # The process is to outlive this one: Popen need not warn that nobody waited for it.
    child.returncode = 0
    entry = Record(pid=child.pid, started=started, boot=boot_id(), command=command)
    atomic.write(record, json.dumps(asdict(entry)))
    return entry


def stop(records: Iterable[Record], *, seconds: float = _STOP_SECONDS) -> None:
    """End the processes of the records: SIGTERM to all, SIGKILL to those that are still there after *seconds*."""
    alive = [record for record in records if is_alive(record)]
    _signal(alive, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [record for record in alive if is_alive(record)]
    _signal(alive, signal.SIGKILL)
    deadline = time.monotonic() + seconds
    while any(is_alive(record) for record in alive):
        if time.monotonic() > deadline:
            raise Failure(f"Process {alive[0].pid} did not end on SIGKILL; it hangs in the kernel.")
        time.sleep(0.05)


def _signal(records: Iterable[Record], number: signal.Signals) -> None:
    for record in records:
        try:
            # Opened before the check, the descriptor means this process even if its pid is reused in between.
            descriptor = os.pidfd_open(record.pid)
        except ProcessLookupError:
            continue
        try:
            if is_alive(record):
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(descriptor)
        # A child of this very command stays a zombie until it is waited for.
        reap(record.pid)


def reap(pid: int) -> None:
    """Collect the exit status of *pid* if it is a child of this command that has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
