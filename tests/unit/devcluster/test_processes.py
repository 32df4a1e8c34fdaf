"""A process is known by its start time, so that a reused pid is never taken for ours."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster import processes
from devcluster.failure import Failure
from devcluster.processes import Record


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        yield child
        child.kill()


def record_of(pid: int) -> Record:
    started = processes.start_time(pid)
    assert started is not None
    return Record(pid=pid, started=started, boot=processes.boot_id(), command="")


def test_a_running_process_is_alive_and_ends_on_stop(sleeper: subprocess.Popen[bytes]) -> None:
    record = record_of(sleeper.pid)
    assert processes.is_alive(record)

    processes.stop([record])

    assert not processes.is_alive(record)


def test_a_reused_pid_is_neither_alive_nor_killed(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = dataclasses.replace(record_of(sleeper.pid), started=record_of(sleeper.pid).started - 1)

    assert not processes.is_alive(earlier)
    processes.stop([earlier])

    assert sleeper.poll() is None


def test_a_record_of_an_earlier_boot_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert not processes.is_alive(dataclasses.replace(record_of(sleeper.pid), boot="another"))


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as child:  # our own program
        deadline = time.monotonic() + 10
        while not ready.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        record = record_of(child.pid)

        processes.stop([record], seconds=0.2)

        assert not processes.is_alive(record)


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "[]", '{"pid": 1, "more": 2}'])
def test_a_torn_record_is_no_record(content: str, tmp_path: Path) -> None:
    (tmp_path / "etcd.pid").write_text(content)

    assert processes.read_record(tmp_path / "etcd.pid") is None


def test_a_zombie_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    record = record_of(sleeper.pid)
    sleeper.kill()
    # Ended, but its exit status is not collected.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert not processes.is_alive(record)


@pytest.mark.parametrize("name", ["plain", "with space", "a) S 1 ("])
def test_the_start_time_is_read_behind_whatever_the_program_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / "7" / "task" / "7").mkdir(parents=True)
    after_name = ["S", *["0"] * 18, "4711", "0"]
    (tmp_path / "7" / "stat").write_text(f"7 ({name}) {' '.join(after_name)}\n")

    assert processes.start_time(7, proc=tmp_path) == 4711


def test_a_zombie_with_threads_still_holds_its_ports(tmp_path: Path) -> None:
    for thread in ("7", "8"):
        (tmp_path / "7" / "task" / thread).mkdir(parents=True)
    (tmp_path / "7" / "stat").write_text(f"7 (etcd) Z {' '.join(['0'] * 18)} 4711 0\n")

    assert processes.start_time(7, proc=tmp_path) == 4711


def test_a_started_program_is_recorded_in_its_cgroup_and_outlives_the_starter(tmp_path: Path) -> None:
    record = processes.start(
        argv=["sleep", "600"],
        command="abc",
        record=tmp_path / "run" / "sleep.pid",
        log=tmp_path / "logs" / "sleep.log",
        cgroup=tmp_path,
        environment={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
    )
    try:
        assert processes.read_record(tmp_path / "run" / "sleep.pid") == record
        assert json.loads((tmp_path / "run" / "sleep.pid").read_text())["command"] == "abc"
        assert os.getsid(record.pid) == record.pid != os.getsid(0)
        deadline = time.monotonic() + 10
        while not (tmp_path / "cgroup.procs").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (tmp_path / "cgroup.procs").read_text() == f"{record.pid}\n"
        assert processes.environment_of(record.pid)["HOME"] == "/nowhere"
    finally:
        os.kill(record.pid, signal.SIGKILL)
        os.waitpid(record.pid, 0)


def test_a_program_that_does_not_exist_leaves_a_dead_record_and_a_log(tmp_path: Path) -> None:
    try:
        record = processes.start(
            argv=["no-such-program"],
            command="",
            record=tmp_path / "x.pid",
            log=tmp_path / "x.log",
            cgroup=tmp_path,
            environment={"PATH": os.environ["PATH"]},
        )
    except Failure as failure:
        assert str(tmp_path / "x.log") in str(failure)  # noqa: PT017  # whether it ends before it is looked at is a race
    else:
        os.waitpid(record.pid, 0)
        assert not processes.is_alive(record)
    assert "no-such-program" in (tmp_path / "x.log").read_text()
