"""The end of the demo: everything is taken away again, or left to be looked at."""

import contextlib
import os
import signal
import sys
import threading

from kubernetes import client
from kubernetes.config import ConfigException

from . import live_page, release, shop
from .cluster import Cluster, take_down
from .leader import Leader
from .service_proxy import UnreachableError
from .settings import Settings
from .windows import Windows

MORE_ORDERS = (
    f"kubectl -n {shop.NAMESPACE} port-forward service/orders 8080 &",
    "curl --retry 5 --retry-connrefused -X PUT localhost:8080/rate -d '{\"perSecond\": 20}'   # orders; 0 stops them",
)


class Ending:
    """Knows what was there before the demo, which is not the demo's to take away."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        """Look before anything is installed. Raises DemoError."""
        self._cluster = cluster
        self._settings = settings
        self._progress = cluster.progress
        self._release_stays = not cluster.ours and release.is_installed(cluster)
        self._told = False

    def come(self) -> None:
        """Clean up, or say what stays. Raises DemoError."""
        if not self._settings.keep:
            self._clean_up()
        elif not self._told:
            self._tell_what_stays("To look around:")
            with contextlib.suppress(UnreachableError, ConfigException, client.ApiException):
                pod = Leader(self._cluster.api(), namespace=release.NAMESPACE, lease=release.NAME).pod()
                forward = f"kubectl -n {release.NAMESPACE} port-forward pod/{pod} {live_page.PORT}"
                self._progress.detail(f"{forward}   # the live page, at http://127.0.0.1:{live_page.PORT}/")

    @property
    def holds_open(self) -> bool:
        """Whether the windows are there after the summary, until somebody presses Ctrl-C."""
        return self._settings.keep and sys.stdin.isatty() and self._progress.console.is_terminal

    def hold_open(self, windows: Windows) -> None:
        """With DEMO_KEEP, keep the windows open until Ctrl-C, if there is a person at a terminal to press it."""
        if not (self.holds_open and windows.addresses()):
            return
        self._tell_what_stays("To look around, in another terminal:")
        for line in windows.addresses():
            self._progress.highlight(line)
        self._progress.detail("are open until you press Ctrl-C; all else stays")
        self._told = True
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()

    def _tell_what_stays(self, how: str) -> None:
        cluster, tell = self._cluster, self._progress.detail
        self._progress.step(f"Everything is left running, as DEMO_KEEP asks. {how}")
        tell(f"export KUBECONFIG={cluster.environment.get('KUBECONFIG', '')}")
        tell(f"export PATH={os.path.dirname(cluster.programs['kubectl'])}:$PATH")  # noqa: PTH120 - text for a shell
        tell(f"kubectl -n {shop.NAMESPACE} get queueconsumers,deployments,pods")
        for line in MORE_ORDERS:
            tell(line)
        if cluster.ours:
            tell("python3 -m devcluster down   # the end of it")
        else:
            tell(f"kubectl delete namespace {shop.NAMESPACE}   # the end of it")
            if not self._release_stays:
                tell(f"helm uninstall {release.RELEASE} -n {release.NAMESPACE}")

    def _clean_up(self) -> None:
        # From here on Ctrl-C would leave things behind, and that is all that it could speed up.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._progress.step("Cleaning up")
        if self._cluster.ours:
            # The cluster goes as a whole, and everything in it.
            take_down(self._progress)
            return
        shop.close_shop(self._cluster)
        if self._release_stays:
            self._progress.detail(f"the Helm release {release.RELEASE} was there before and stays")
        else:
            release.uninstall(self._cluster)
