"""Writers as processes, and what the tests do to them."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from qc_operator.sharding import Shard
from tests.e2e.hpa.control_plane import HOST
from tests.e2e.leadership.audit import History
from tests.e2e.leadership.audited_plane import OPERATOR, AuditedPlane
from tests.e2e.leadership.writer import INSTALLATION, Settings

PATIENCE = 30.0


def until(condition: Callable[[], object], *, what: str, seconds: float = PATIENCE) -> float:
    """Wait for something; how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began


class Writers:
    """The writers of one test, and its part of the audit log."""

    def __init__(self, plane: AuditedPlane, folder: Path, *, prefix: str) -> None:
        self.plane = plane
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder
        self._prefix = prefix
        self._shards: dict[str, str] = {}
        self._began = len(plane.notes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait(10)

    def start(self, name: str, *, port: int | None = None, shard: str = "1/1") -> str:
        """Start one; returns its identity. `port` is that of another way to the API server."""
        identity = f"{self._prefix}-{name}"
        settings = Settings(
            identity=identity,
            server=f"https://{HOST}:{port or self.plane.port}",
            authority=str(self.plane.authority_file),
            token=self.plane.tokens[OPERATOR],
            shard=shard,
        )
        self._shards[identity] = shard
        with self.log(identity).open("ab") as log:
            self.processes[identity] = subprocess.Popen(
                # The kernel ends it with the test run, even one that was killed with SIGKILL.
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "--",
                    sys.executable,
                    "-m",
                    "tests.e2e.leadership.writer",
                    settings.dump(),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return identity

    def log(self, identity: str) -> Path:
        """What it has said."""
        return self._folder / f"{identity}.log"

    def history(self, shard: str = "1/1") -> History:
        """What has been written so far."""
        return History(
            self.plane.notes()[self._began :],
            lease=Shard.parse(shard).lease(INSTALLATION),
            name=self._settings_name(shard),
            writers=[identity for identity, of in self._shards.items() if of == shard],
        )

    def numbers(self) -> list[int]:
        """By which numbers of shards was written, one after the other."""
        writes = sorted(
            (write.version, Shard.parse(shard).count)
            for shard in set(self._shards.values())
            for write in self.history(shard).writes
        )
        return [number for number, _ in itertools.groupby(number for _, number in writes)]

    def until_writing(self, identity: str, *, seconds: float = PATIENCE) -> float:
        """Wait until it writes, and nobody after it; how many seconds that took."""
        shard = self._shards[identity]
        return until(lambda: self.history(shard).turns()[-1:] == [identity], what=f"{identity} writes", seconds=seconds)

    def end(self, identity: str) -> float:
        """Tell it to end; how many seconds that took."""
        began = time.monotonic()
        self.processes[identity].terminate()
        self.until_ended(identity)
        return time.monotonic() - began

    def until_ended(self, identity: str) -> None:
        """Wait until it has ended as it was told. Told again meanwhile, it could die of the signal on its way out."""
        assert self.processes[identity].wait(PATIENCE) == 0

    def said(self, identity: str, level: str) -> list[str]:
        """What its log has at a level."""
        lines = self.log(identity).read_text().splitlines()
        return [line.partition(": ")[2] for line in lines if f" {level} " in line]

    def until_standing_by(self, identity: str) -> None:
        """Wait until it knows who leads."""
        until(lambda: "stands by" in self.log(identity).read_text(), what=f"{identity} stands by")

    @staticmethod
    def _settings_name(shard: str) -> str:
        return Settings(identity="", server="", authority="", token="", shard=shard).objects
