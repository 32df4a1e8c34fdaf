"""The host's side of the pod network: bridge, kernel settings, iptables rules; and undoing all of it."""

import contextlib
import json
import shutil
from pathlib import Path

from devcluster import firewall, kernel_settings, machine, processes, state_folder
from devcluster.failure import Failure
from devcluster.layout import BRIDGE, HOST_ADDRESS, NAME, POD_NETWORK, Layout
from devcluster.progress import run, say

_PREFIX_LENGTH = POD_NETWORK.partition("/")[2]
_SYSCTL = Path("/proc/sys")
_RULES = (
    ("nat", "POSTROUTING", ["-s", POD_NETWORK, "!", "-d", POD_NETWORK, "-j", "MASQUERADE"]),
    # A host with a firewall or a container engine often drops what it forwards.
    ("filter", "FORWARD", ["-i", BRIDGE, "-j", "ACCEPT"]),
    ("filter", "FORWARD", ["-o", BRIDGE, "-j", "ACCEPT"]),
)


def prepare(layout: Layout) -> None:
    """Make bridge, kernel settings and rules; what is there already stays."""
    kernel_settings.remember(layout, sysctl=_SYSCTL)
    for name, value in kernel_settings.FORWARDING.items():
        path = _SYSCTL / name
        if not path.exists():
            _load_bridge_filter()
        path.write_text(value)
    if not _has_bridge():
        run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "replace", f"{HOST_ADDRESS}/{_PREFIX_LENGTH}", "brd", "+", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
    for table, chain, rule in _RULES:
        tagged = [*rule, "-m", "comment", "--comment", NAME]
        try:
            run(["iptables", "-w", "-t", table, "-C", chain, *tagged])
        except Failure:
            run(["iptables", "-w", "-t", table, "-I", chain, *tagged])


def is_ours(layout: Layout) -> bool:
    """Whether a cluster of ours left anything on this machine's network, even if its state folder was deleted."""
    if state_folder.is_ours(layout) or _has_bridge():
        return True
    return shutil.which("iptables-save") is not None and firewall.has_ours(run(["iptables-save"]))


def require_no_foreign_chains() -> None:
    """Raise Failure when another Kubernetes has chains in iptables; kube-proxies use the same names for theirs."""
    found = firewall.kubernetes_chains(run(["iptables-save"]))
    if found:
        raise Failure(
            f"Another Kubernetes has rules on this machine ({', '.join(found[:3])} in iptables), and two cannot share "
            "them. Use that cluster (KUBECONFIG=... DEMO_CLUSTER=current), or remove it together with its rules."
        )


def clean(layout: Layout) -> None:
    """Remove the bridge, what hangs on it, and every rule and chain of ours; put kernel settings back."""
    for link in json.loads(run(["ip", "-json", "link", "show", "type", "veth"])):
        if link.get("master") == BRIDGE:
            # A killed pod's network namespace goes a moment later, and its link goes by itself, maybe just now.
            with contextlib.suppress(Failure):
                run(["ip", "link", "delete", link["ifname"]])
    kubernetes = _made_in_this_boot(layout) and machine.other_kubernetes() is None
    for program in ("iptables", "ip6tables"):
        for table in ("nat", "filter", "mangle", "raw"):
            commands = firewall.removal(run([f"{program}-save", "-t", table]), kubernetes=kubernetes)
            if commands:
                script = "\n".join([f"*{table}", *commands, "COMMIT", ""])
                run([f"{program}-restore", "--noflush", "-w"], stdin=script)
    # After the rules: while it is there, they are known to be of this boot.
    if _has_bridge():
        run(["ip", "link", "delete", BRIDGE])
    others = kernel_settings.forwarders(json.loads(run(["ip", "-json", "-details", "link", "show"])))
    for name in kernel_settings.restore(layout, sysctl=_SYSCTL, forwarders=others):
        say(f"{name} stays as it is: {', '.join(others[:3])} may need it")


def _made_in_this_boot(layout: Layout) -> bool:
    """Whether our kube-proxy can have run since the machine was booted; if not, its chains are another's."""
    remembered = kernel_settings.recall(layout)
    # A bridge lives no longer than the boot: it is a proof even when the state folder was deleted by hand.
    return (remembered is not None and remembered.boot == processes.boot_id()) or _has_bridge()


def _has_bridge() -> bool:
    return (Path("/sys/class/net") / BRIDGE).exists()


def _load_bridge_filter() -> None:
    # Part of some kernels, a module of others; the module's loader is not installed everywhere.
    try:
        run(["modprobe", "br_netfilter"])
    except Failure:
        raise Failure(
            "The kernel does not let iptables see bridged traffic: load its module br_netfilter (package kmod)."
        ) from None
