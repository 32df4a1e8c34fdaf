"""What the cluster needs of the machine: root, Debian packages, free ports, nobody else's kubelet."""

import contextlib
import importlib.util
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from devcluster import cgroups, layout
from devcluster.component import Listener
from devcluster.failure import Failure
from devcluster.progress import run_long

# Package -> a file that shows that it is there. Several of these programs lie in /usr/sbin, which is not on every PATH.
PACKAGES = {
    "buildah": "/usr/bin/buildah",
    "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
    "chromium": "/usr/bin/chromium",
    "conntrack": "/usr/sbin/conntrack",
    "containerd": "/usr/bin/containerd",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "debootstrap": "/usr/sbin/debootstrap",
    "faketime": "/usr/bin/faketime",
    "iproute2": "/usr/bin/ip",
    "iptables": "/usr/sbin/iptables",
    "openssl": "/usr/bin/openssl",
    "prometheus": "/usr/bin/promtool",
    "prometheus-alertmanager": "/usr/bin/amtool",
    "rabbitmq-server": "/usr/sbin/rabbitmq-server",
    "runc": "/usr/sbin/runc",
}
# Kubernetes itself, and distributions that have kubelet and kube-proxy in one program (k3s, RKE2, k0s, MicroK8s).
_NODE_PROGRAMS = {"kubelet", "kube-proxy", "k3s-server", "k3s-agent", "rke2", "k0s", "kubelite"}
_POLICY = "#!/bin/sh\n# Put here by devcluster while it installs packages.\nexit 101\n"
# For the tests, which run a broker, Prometheus and a browser on the host, from a virtual environment, and set clocks;
# the cluster itself does without.
_FOR_TESTS_ONLY = {"chromium", "faketime", "prometheus", "prometheus-alertmanager", "rabbitmq-server", "python3-venv"}


def missing_packages(*, root: Path = Path("/")) -> list[str]:
    """The Debian packages of PACKAGES that are not installed."""
    missing = [package for package, file in PACKAGES.items() if not (root / file.lstrip("/")).exists()]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")
    return missing


def require_root(why: str, *, user: int | None = None) -> None:
    """Raise Failure, saying *why*, unless the effective user is root."""
    if (os.geteuid() if user is None else user) != 0:
        raise Failure(f"{why}: run this as root, for example with sudo.")


def require_packages(missing: Iterable[str]) -> None:
    """Raise Failure naming the packages of *missing* that the cluster needs."""
    needed = sorted(set(missing) - _FOR_TESTS_ONLY)
    if needed:
        raise Failure(
            f"Not installed: {', '.join(needed)}. Run `python3 -m devcluster packages` as root, or install with "
            "your distribution's package manager."
        )


def install_packages() -> list[str]:
    """Install what is missing by apt-get, without starting any service, and return the names.

    Raises Failure when this is no Debian-like system or apt-get fails.
    """
    missing = missing_packages()
    if not missing:
        return []
    require_root("Only root may install packages")
    if not shutil.which("apt-get"):
        raise Failure(f"There is no apt-get here. Install with your package manager: {', '.join(missing)}.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another apt-get may be at work, unattended upgrades for example.
    options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    log = layout.cache() / "logs" / "packages.log"
    with _no_services_started():
        run_long(["apt-get", "update", "-q"], step="reading the package lists", log=log, environment=environment)
        run_long(
            ["apt-get", "install", *options, "--no-install-recommends", *missing],
            step=f"installing {', '.join(missing)}",
            log=log,
            environment=environment,
        )
    return missing


@contextlib.contextmanager
def _no_services_started() -> Iterator[None]:
    # invoke-rc.d asks this file; 101 means "not allowed". One that is there already is the machine owner's and stays,
    # unless it is ours and was left by a call that was killed.
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists() and policy.read_text() != _POLICY:
        yield
        return
    policy.write_text(_POLICY)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def require_free(listeners: Iterable[Listener], *, used_by: str) -> None:
    """Raise Failure, naming the port and its owner, when another program has one of the ports."""
    for listener in listeners:
        with socket.socket() as probe:
            # As servers do, so that a connection that is still closing down does not count as a listener.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.address, listener.port))
            except OSError as error:
                raise Failure(
                    f"Port {listener.port} on {listener.address}, which {used_by} needs, cannot be had "
                    f"({error.strerror}): {_owner(listener.port)}. Stop that program and try again."
                ) from None


def _owner(port: int) -> str:
    """Who listens on *port*, in words, from /proc/net/tcp (proc_net_tcp.txt: state 0A is LISTEN)."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(entry.readlink()) in inodes for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name}) listens there"
    return "a program that cannot be seen from here listens there"


def require_no_other_kubernetes() -> None:
    """Raise Failure when a node of another Kubernetes runs: they would fight over iptables rules."""
    other = other_kubernetes()
    if other:
        raise Failure(
            f"Another Kubernetes node runs on this machine: {other}. Two cannot share its iptables rules; stop that "
            "one first, or use it: KUBECONFIG=... DEMO_CLUSTER=current."
        )


def other_kubernetes() -> str | None:
    """The name and process of a kubelet or kube-proxy that is not ours, on the same network as this command."""
    ours = cgroups.processes()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name = (process / "comm").read_text().strip()
            if name in _NODE_PROGRAMS and int(process.name) not in ours and _in_our_namespace(process):
                return f"{name}, process {process.name}"
    return None


def _in_our_namespace(process: Path) -> bool:
    # A node inside a container (kind, for example) has a network of its own and is no trouble.
    return (process / "ns" / "net").readlink() == Path("/proc/self/ns/net").readlink()


def load_program_path() -> None:
    """Make programs in /usr/sbin findable, which a plain user's PATH (and so sudo's, sometimes) lacks."""
    path = os.environ.get("PATH", "")
    missing = [folder for folder in ("/usr/sbin", "/sbin") if folder not in path.split(":")]
    os.environ["PATH"] = ":".join([path, *missing])
