"""The cluster to play on: devcluster, or the current context of the kubeconfig."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubernetes import client, config

from devcluster import layout

from .commands import run
from .failure import DemoError
from .progress import Progress
from .settings import PROJECT, Settings

DEVCLUSTER = [sys.executable, "-m", "devcluster"]
UP_SECONDS = 30 * 60
"""On a machine without caches a Kubernetes is compiled first: about 15 minutes on two cores."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster and the programs to talk to it."""

    programs: Mapping[str, str]
    """Paths of kubectl and helm."""
    environment: Mapping[str, str]
    """For programs: has KUBECONFIG."""
    ours: bool
    """The demo brought it up, and so takes it down."""
    progress: Progress

    def api(self) -> client.ApiClient:
        """Connect to its API server."""
        api: client.ApiClient = config.new_client_from_config(config_file=self.environment.get("KUBECONFIG"))
        return api

    def kubectl(
        self,
        *arguments: str,
        purpose: str,
        timeout_seconds: float,
        stdin: str | None = None,
        quiet: bool = False,
    ) -> list[str]:
        """Run kubectl; the last lines that it printed. Raises DemoError when it fails."""
        return run(
            [self.programs["kubectl"], *arguments],
            purpose=purpose,
            environment=self.environment,
            progress=self.progress,
            timeout_seconds=timeout_seconds,
            stdin=stdin,
            quiet=quiet,
        )

    def helm(self, *arguments: str, purpose: str, timeout_seconds: float, quiet: bool = False) -> list[str]:
        """Run helm; the last lines that it printed. Raises DemoError when it fails."""
        return run(
            [self.programs["helm"], *arguments],
            purpose=purpose,
            environment=self.environment,
            progress=self.progress,
            timeout_seconds=timeout_seconds,
            quiet=quiet,
        )


def bring_up(settings: Settings, progress: Progress) -> Cluster:
    """Bring devcluster up, or look that the current context answers; raises DemoError."""
    if settings.current_cluster:
        return _current(progress)
    # Only where there was nothing at all is it the demo's to take down: a cluster that is damaged, or that somebody
    # is bringing up in this moment, is somebody's.
    ours = not layout.current().root.exists()
    progress.step("Cluster: devcluster" + (" comes up" if ours else " is there already, and will be left so"))
    environment = dict(os.environ)
    try:
        run(
            [*DEVCLUSTER, "up"],
            purpose="bringing the cluster up",
            environment=environment,
            progress=progress,
            timeout_seconds=UP_SECONDS,
        )
    except BaseException:
        if ours:
            # What came up before the failure must not stay behind.
            subprocess.run([*DEVCLUSTER, "down"], cwd=PROJECT, env=environment, check=False, stdout=subprocess.DEVNULL)
        raise
    tools = Path(_answer("tools"))
    environment |= {
        "KUBECONFIG": _answer("kubeconfig"),
        "PATH": f"{tools}{os.pathsep}{environment.get('PATH', os.defpath)}",
    }
    programs = {name: str(tools / name) for name in ("kubectl", "helm")}
    return Cluster(programs=programs, environment=environment, ours=ours, progress=progress)


def take_down(progress: Progress) -> None:
    """Take devcluster down."""
    run(
        [*DEVCLUSTER, "down"],
        purpose="taking the cluster down",
        environment=os.environ,
        progress=progress,
        timeout_seconds=180,
    )


def _current(progress: Progress) -> Cluster:
    programs = {}
    for name in ("kubectl", "helm"):
        path = shutil.which(name)
        if path is None:
            raise DemoError(f"DEMO_CLUSTER=current needs {name} on the PATH")
        programs[name] = path
    cluster = Cluster(programs=programs, environment=dict(os.environ), ours=False, progress=progress)
    context = cluster.kubectl(
        "config", "current-context", purpose="reading the kubeconfig", timeout_seconds=10, quiet=True
    )
    progress.step(f"Cluster: the current context, {context[-1]}")
    cluster.kubectl("version", purpose="talking to the API server", timeout_seconds=30)
    return cluster


def _answer(question: str) -> str:
    asked = subprocess.run(
        [*DEVCLUSTER, question], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    if asked.returncode:
        raise DemoError(f"`python -m devcluster {question}` failed", evidence=asked.stderr.splitlines()[-10:])
    return asked.stdout.strip()
