"""The kernel's settings that a cluster changes: remembered before the first change, put back afterwards.

A setting is put back only where nobody can have come to rely on the new value: in the same boot, as an earlier boot's
values say nothing about this one's; if it still is what the cluster set; and, for those that let packets pass through
the machine, if there is nothing else whose packets do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devcluster import atomic, processes
from devcluster.layout import BRIDGE, Layout

# Set by us. Traffic between pods crosses the bridge; Services work for it only if iptables sees it there.
FORWARDING = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
# Set by the kubelet at its start (setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go).
_SET_BY_KUBELET = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
_OURS = {**FORWARDING, **_SET_BY_KUBELET}
# Interfaces of container engines, virtual machines and VPNs, as `ip -details link` calls their kinds.
_FORWARDED_KINDS = {"bridge", "veth", "tun", "wireguard", "vxlan"}


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """The settings' values before the cluster changed them."""

    boot: str  # /proc/sys/kernel/random/boot_id
    before: dict[str, str]  # by the path below /proc/sys


def remember(layout: Layout, *, sysctl: Path) -> None:
    """Write down the present values, unless that was done in this boot already."""
    boot = processes.boot_id()
    known = recall(layout)
    if known is None or known.boot != boot:
        before = {name: (sysctl / name).read_text().strip() for name in _OURS if (sysctl / name).exists()}
        atomic.write(layout.kernel_settings, json.dumps(asdict(Remembered(boot=boot, before=before)), indent=1))


def recall(layout: Layout) -> Remembered | None:
    """What was written down; None when there is nothing or it cannot be read."""
    try:
        return Remembered(**json.loads(layout.kernel_settings.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def restore(layout: Layout, *, sysctl: Path, forwarders: Iterable[str]) -> list[str]:
    """Put back what may be put back, and return the names of the settings that others seem to need as they are."""
    remembered = recall(layout)
    forwarders = list(forwarders)
    kept: list[str] = []
    if remembered and remembered.boot == processes.boot_id():
        now = {name: (sysctl / name).read_text().strip() for name in _OURS if (sysctl / name).exists()}
        wanted = restoration(before=remembered.before, now=now)
        kept = [name for name in wanted if name in FORWARDING and forwarders]
        for name, value in wanted.items():
            if name not in kept:
                (sysctl / name).write_text(value)
    # Only once: what is changed from now on is changed by others.
    layout.kernel_settings.unlink(missing_ok=True)
    return kept


def restoration(*, before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The settings to write, with their values: those that were other than now, and now are as the cluster set them."""
    return {
        name: before[name]
        for name, ours in _OURS.items()
        if name in before and before[name] != ours and now.get(name) == ours
    }


def forwarders(links: Iterable[Mapping[str, Any]]) -> list[str]:
    """The interfaces whose packets others have forwarded, of *links* as `ip -json -details link show` prints them."""
    return [
        str(link["ifname"])
        for link in links
        if link.get("linkinfo", {}).get("info_kind") in _FORWARDED_KINDS
        and BRIDGE not in (link["ifname"], link.get("master"))
    ]
