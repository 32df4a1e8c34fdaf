"""The host's side of the pod network: bridge, kernel settings, iptables rules; and undoing all of it."""

import json
import re
import shutil
from pathlib import Path

from devcluster import atomic
from devcluster.failure import Failure
from devcluster.layout import BRIDGE, HOST_ADDRESS, NAME, POD_NETWORK, Layout
from devcluster.progress import run

_PREFIX_LENGTH = POD_NETWORK.partition("/")[2]
# Set by us. Traffic between pods crosses the bridge; Services work for it only if iptables sees it there.
_SETTINGS = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
# Set by the kubelet and kube-proxy; remembered and put back like ours.
_SET_BY_OTHERS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/vs/conntrack",
)
_SYSCTL = Path("/proc/sys")
_RULES = (
    ("nat", "POSTROUTING", ["-s", POD_NETWORK, "!", "-d", POD_NETWORK, "-j", "MASQUERADE"]),
    # A host with a firewall or a container engine often drops what it forwards.
    ("filter", "FORWARD", ["-i", BRIDGE, "-j", "ACCEPT"]),
    ("filter", "FORWARD", ["-o", BRIDGE, "-j", "ACCEPT"]),
)
_OURS = re.compile(rf'(-j (KUBE|CNI)-)|(--comment "?{NAME}"?)')


def prepare(layout: Layout) -> None:
    """Make bridge, kernel settings and rules; what is there already stays."""
    _remember_settings(layout)
    for name, value in _SETTINGS.items():
        path = _SYSCTL / name
        if not path.exists():
            _load_bridge_filter()
        path.write_text(value)
    if not (Path("/sys/class/net") / BRIDGE).exists():
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
    if layout.root.exists() or (Path("/sys/class/net") / BRIDGE).exists():
        return True
    return shutil.which("iptables-save") is not None and NAME in run(["iptables-save"])


def require_no_foreign_chains() -> None:
    """Raise Failure when another Kubernetes has chains in iptables; kube-proxies use the same names for theirs."""
    found = sorted(set(re.findall(r"^:(KUBE-\S+)", run(["iptables-save"]), flags=re.MULTILINE)))
    if found:
        raise Failure(
            f"Another Kubernetes has rules on this machine ({', '.join(found[:3])} in iptables), and two cannot share "
            "them. Use that cluster (KUBECONFIG=... DEMO_CLUSTER=current), or remove it together with its rules."
        )


def clean(layout: Layout) -> None:
    """Remove the bridge, what hangs on it, and every rule and chain of ours; put kernel settings back."""
    for link in json.loads(run(["ip", "-json", "link", "show", "type", "veth"])):
        if link.get("master") == BRIDGE:
            run(["ip", "link", "delete", link["ifname"]])
    if (Path("/sys/class/net") / BRIDGE).exists():
        run(["ip", "link", "delete", BRIDGE])
    for program in ("iptables", "ip6tables"):
        for table in ("nat", "filter", "mangle", "raw"):
            commands = removal(run([f"{program}-save", "-t", table]))
            if commands:
                script = "\n".join([f"*{table}", *commands, "COMMIT", ""])
                run([f"{program}-restore", "--noflush", "-w"], stdin=script)
    _restore_settings(layout)


def removal(saved: str) -> list[str]:
    """The iptables-restore lines that take our rules and chains out of a table, given as iptables-save prints it."""
    chains = [line.split()[0][1:] for line in saved.splitlines() if re.match(r":(KUBE|CNI)-", line)]
    rules = [line for line in saved.splitlines() if line.startswith("-A ") and line.split()[1] not in chains]
    return [
        # Emptied first: a chain that another one still jumps to cannot be deleted.
        *(f"-F {chain}" for chain in chains),
        *(f"-D {rule[3:]}" for rule in rules if _OURS.search(rule)),
        *(f"-X {chain}" for chain in chains),
    ]


def _load_bridge_filter() -> None:
    # Part of some kernels, a module of others; the module's loader is not installed everywhere.
    try:
        run(["modprobe", "br_netfilter"])
    except Failure:
        raise Failure(
            "The kernel does not let iptables see bridged traffic: load its module br_netfilter (package kmod)."
        ) from None


def _remember_settings(layout: Layout) -> None:
    remembered = layout.root / "kernel-settings.json"
    if not remembered.exists():
        before = {
            name: (_SYSCTL / name).read_text().strip()
            for name in (*_SETTINGS, *_SET_BY_OTHERS)
            if (_SYSCTL / name).exists()
        }
        atomic.write(remembered, json.dumps(before, indent=1))


def _restore_settings(layout: Layout) -> None:
    try:
        before = json.loads((layout.root / "kernel-settings.json").read_text())
    except FileNotFoundError:
        return
    for name, value in before.items():
        path = _SYSCTL / name
        if path.exists() and path.read_text().strip() != value:
            path.write_text(value)
