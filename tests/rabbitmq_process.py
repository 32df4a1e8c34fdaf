"""The processes of a test's RabbitMQ node: the Erlang VM and the port mapper (epmd) that its clients find it by."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.rabbitmq_release import SCRIPTS, Release
from tests.rabbitmq_settings import HOST


class NodeProcess:
    """A node of the given release and name, with all that it has in one folder."""

    def __init__(self, *, release: Release, name: str, distribution_port: int, epmd_port: int, cookie: str) -> None:
        self.release = release
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="qc-rabbitmq-"))
        self._distribution_port = distribution_port
        self._epmd_port = epmd_port
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        secret = self.folder / ".erlang.cookie"
        secret.write_text(cookie)
        # Erlang refuses a cookie that others may read.
        secret.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            # The server script then becomes the Erlang VM instead of waiting for it: one process to signal.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        # The kernel ends the child with the test run, even one that was killed with SIGKILL.
        guarded = ["setpriv", "--pdeathsig", "KILL", "--", *self.release.command(*command)]
        with (self.folder / "output").open("ab") as output:
            child = subprocess.Popen(
                guarded,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # A run that is killed before the child has asked for its signal would leave it behind.
        while child.poll() is None and Path("/proc", str(child.pid), "comm").read_text() == "setpriv\n":
            time.sleep(0.001)
        return child

    def launch(self, *, with_epmd: bool) -> None:
        """Start the processes that do not run."""
        if with_epmd and self._epmd is None:
            self._epmd = self._spawn("epmd", "-port", str(self._epmd_port), "-address", HOST)
        if not self.running:
            self._node = self._spawn(str(SCRIPTS / "rabbitmq-server"))

    @property
    def running(self) -> bool:
        """Whether the node's process exists (it may be paused)."""
        return self._node is not None and self._node.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the Erlang VM."""
        assert self._node is not None
        return self._node.pid

    def stop(self) -> None:
        """Stop the node in order: connections are closed, data is written."""
        if self._node is not None:
            self.resume()
            self._node.send_signal(signal.SIGTERM)
            try:
                self._node.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self._node = None

    def kill(self) -> None:
        """End the node with SIGKILL, as a crash or the loss of a machine would."""
        if self._node is not None:
            self._node.kill()
            self._node.wait(30)
            self._node = None

    def pause(self) -> None:
        """Freeze the node (SIGSTOP): its connections stay open and say nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen node go on."""
        if self.running:
            os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the node and its port mapper, and remove the folder."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(10)
            self._epmd = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Give what the node has written so far."""
        files = [self.folder / "output", self.folder / "log" / "node.log"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def tool(self, program: str, *arguments: str, seconds: float = 90) -> str:
        """Run one of RabbitMQ's command-line tools against the node and return its output; about half a second each.

        Beside four processes that keep two cores busy one has taken more than 30 s.

        Raises RuntimeError with the tool's own words when it fails.
        """
        done = subprocess.run(
            self.release.command(str(SCRIPTS / program), "--silent", *arguments),
            env=self._environment(), cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout
