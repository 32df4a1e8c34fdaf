"""Where the cluster's things lie and which names, addresses and ports it uses: all constants in one place."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.failure import Failure

# One name marks everything that is ours on the machine: cgroups, the CNI network, comments of iptables rules.
NAME = "queueconsumer-devcluster"
NODE = "devcluster"
BRIDGE = "qcdev0"

# Pods live in one bridged /24; the host is its gateway. All servers listen on the gateway's address or on loopback,
# so nothing of the cluster is reachable from outside of this machine.
POD_NETWORK = "10.244.0.0/24"
HOST_ADDRESS = "10.244.0.1"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"
CLUSTER_DOMAIN = "cluster.local"

# A unix socket's path may have 107 bytes (sys/un.h); the longest one below the state folder needs 26 of them.
_LONGEST_STATE_PATH = 80


@dataclass(frozen=True, kw_only=True)
class Ports:
    """TCP ports, away from the usual ones so that they do not collide with another cluster's on the same machine."""

    api_server: int = 16443
    etcd_client: int = 12379
    etcd_peer: int = 12380
    etcd_metrics: int = 12381
    controller_manager: int = 20257
    scheduler: int = 20259
    kubelet: int = 20250
    kubelet_health: int = 20248
    proxy_health: int = 20256
    proxy_metrics: int = 20249
    dns: int = 20053
    dns_health: int = 20080


PORTS = Ports()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The state folder of a cluster and the paths in it. Everything in it is gone after ``down``."""

    root: Path
    ports: Ports = field(default=PORTS)

    @property
    def marker(self) -> Path:
        """Says that the folder was made by us and may be removed; see state_folder.py."""
        return self.root / "made-by-devcluster"

    @property
    def kernel_settings(self) -> Path:
        """The kernel's settings before the cluster changed them; see kernel_settings.py."""
        return self.root / "kernel-settings.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """Configuration files of the components and their kubeconfigs."""
        return self.root / "config"

    @property
    def logs(self) -> Path:
        """One log per component."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process records, see processes.py."""
        return self.root / "run"

    @property
    def containerd_socket(self) -> Path:
        """Where our containerd listens."""
        return self.root / "containerd.sock"

    @property
    def complete(self) -> Path:
        """Exists once the cluster was up; holds the fingerprint of what it was made of."""
        return self.root / "complete"


def current() -> Layout:
    """The layout that the environment asks for: QC_DEVCLUSTER_STATE, else a folder in /var/lib.

    Raises Failure when the folder's path is relative or too long for the sockets in it.
    """
    given = Path(os.environ.get("QC_DEVCLUSTER_STATE") or f"/var/lib/{NAME}")
    # Mounts are listed by their real paths: one that is not found there would be emptied instead of unmounted.
    root = given.resolve()
    if not given.is_absolute() or root == Path("/"):
        raise Failure(f"QC_DEVCLUSTER_STATE is {str(given)!r}: give an absolute path of a folder of its own.")
    if len(os.fsencode(root)) > _LONGEST_STATE_PATH:
        raise Failure(
            f"QC_DEVCLUSTER_STATE is longer than {_LONGEST_STATE_PATH} bytes, too long for the sockets in it: "
            "choose a shorter path."
        )
    return Layout(root=root)


def cache() -> Path:
    """Where things that are slow to build are kept, each under a hash of what it was built from: QC_CACHE."""
    chosen = os.environ.get("QC_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "queueconsumer"
