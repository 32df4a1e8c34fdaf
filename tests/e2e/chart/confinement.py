"""A NetworkPolicy put into force on devcluster, whose network (a bridge) does not do so itself.

The rules go into the network namespace of a pod, as filters on what it sends and receives, and are gone with it. Ports
are compared as the pod sees them: those of Services, not of the pods behind them. What a kubelet sends is let through,
as every network must.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from devcluster.layout import HOST_ADDRESS, POD_NETWORK

ALL_PODS: Final[list[dict[str, Any]]] = [{"namespaceSelector": {}}]
"""The one peer that is understood here."""


def possible() -> bool:
    """Whether the cluster is devcluster, whose node this machine is; another one's network may do it itself."""
    return os.environ.get("DEMO_CLUSTER") != "current"


def confine(pod: str, *, policy: dict[str, Any]) -> None:
    """Let the operator's pod send and receive what the policy allows. `restart` it then: older connections are cut off,
    for the kernel did not follow them.
    """
    network = f"--net=/proc/{_process(pod)}/ns/net"
    for rule in _filters(policy["spec"]):
        subprocess.run(["nsenter", network, "iptables", "-w", *rule], check=True, capture_output=True)


def restart(pod: str) -> None:
    """End the operator in its pod. The kubelet starts it again, in the same network namespace, with no connection."""
    os.kill(_process(pod), signal.SIGTERM)


def _process(pod: str) -> int:
    """Its first process, by the name that the chart puts into its environment."""
    wanted = f"POD_NAME={pod}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process of pod {pod}")


def _filters(spec: dict[str, Any]) -> Iterator[list[str]]:
    for chain, interface in (("INPUT", "-i"), ("OUTPUT", "-o")):
        # kubectl port-forward comes by loopback.
        yield ["-A", chain, interface, "lo", "-j", "ACCEPT"]
        yield ["-A", chain, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"]
    yield ["-A", "INPUT", "-s", HOST_ADDRESS, "-j", "ACCEPT"]
    for rule in spec.get("ingress", ()):
        assert rule["from"] == ALL_PODS
        for port in rule["ports"]:
            yield ["-A", "INPUT", "-s", POD_NETWORK, *_port(port), "-j", "ACCEPT"]
    for rule in spec["egress"]:
        assert "to" not in rule
        for port in rule["ports"]:
            yield ["-A", "OUTPUT", *_port(port), "-j", "ACCEPT"]
    for chain in ("INPUT", "OUTPUT"):
        yield ["-A", chain, "-j", "REJECT"]


def _port(port: dict[str, Any]) -> tuple[str, ...]:
    return "-p", port["protocol"].lower(), "--dport", str(port["port"])
