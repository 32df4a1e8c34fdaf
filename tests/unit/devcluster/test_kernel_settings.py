"""Kernel settings are put back only where nobody can have come to rely on what the cluster set."""

import json
from pathlib import Path
from typing import Any

import pytest

from devcluster import kernel_settings, processes
from devcluster.layout import Layout

FORWARD = "net/ipv4/ip_forward"
PANIC = "kernel/panic"


@pytest.fixture
def sysctl(tmp_path: Path) -> Path:
    """A folder like /proc/sys in which forwarding is off."""
    folder = tmp_path / "sys"
    for name, value in {FORWARD: "0", PANIC: "0"}.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(f"{value}\n")
    return folder


@pytest.fixture
def layout(tmp_path: Path, sysctl: Path) -> Layout:
    """The layout of a cluster that was brought up there: both settings were remembered, then changed."""
    layout = Layout(root=tmp_path / "state")
    kernel_settings.remember(layout, sysctl=sysctl)
    (sysctl / FORWARD).write_text("1\n")
    (sysctl / PANIC).write_text("10\n")
    return layout


def values(sysctl: Path) -> tuple[str, str]:
    return (sysctl / FORWARD).read_text().strip(), (sysctl / PANIC).read_text().strip()


def test_what_the_cluster_changed_is_put_back(layout: Layout, sysctl: Path) -> None:
    assert kernel_settings.restore(layout, sysctl=sysctl, forwarders=[]) == []

    assert values(sysctl) == ("0", "0")


def test_a_repair_does_not_take_our_values_for_the_machines(layout: Layout, sysctl: Path) -> None:
    kernel_settings.remember(layout, sysctl=sysctl)

    kernel_settings.restore(layout, sysctl=sysctl, forwarders=[])

    assert values(sysctl) == ("0", "0")


def test_an_earlier_boots_values_are_not_put_back(
    layout: Layout, sysctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "boot_id", lambda: "another")

    kernel_settings.restore(layout, sysctl=sysctl, forwarders=[])

    assert values(sysctl) == ("1", "10")


def test_after_a_boot_the_values_are_remembered_anew(
    layout: Layout, sysctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "boot_id", lambda: "another")
    (sysctl / PANIC).write_text("5\n")

    kernel_settings.remember(layout, sysctl=sysctl)

    remembered = kernel_settings.recall(layout)
    assert remembered is not None
    assert remembered.boot == "another"
    assert remembered.before[PANIC] == "5"


def test_forwarding_stays_on_while_others_forward(layout: Layout, sysctl: Path) -> None:
    assert kernel_settings.restore(layout, sysctl=sysctl, forwarders=["docker0"]) == [FORWARD]

    assert values(sysctl) == ("1", "0")


def test_what_somebody_else_changed_since_stays(layout: Layout, sysctl: Path) -> None:
    (sysctl / PANIC).write_text("30\n")

    kernel_settings.restore(layout, sysctl=sysctl, forwarders=[])

    assert values(sysctl) == ("0", "30")


def test_values_are_put_back_once(layout: Layout, sysctl: Path) -> None:
    kernel_settings.restore(layout, sysctl=sysctl, forwarders=[])
    (sysctl / FORWARD).write_text("1\n")

    kernel_settings.restore(layout, sysctl=sysctl, forwarders=[])

    assert values(sysctl) == ("1", "0")


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({FORWARD: "0"})])
def test_a_record_that_cannot_be_read_changes_nothing(text: str, layout: Layout, sysctl: Path) -> None:
    layout.kernel_settings.write_text(text)

    assert kernel_settings.recall(layout) is None
    assert kernel_settings.restore(layout, sysctl=sysctl, forwarders=[]) == []
    assert values(sysctl) == ("1", "10")


def test_bridges_of_others_and_tunnels_forward_and_our_own_and_cards_do_not() -> None:
    links: list[dict[str, Any]] = [
        {"ifname": "lo"},
        {"ifname": "eth0", "linkinfo": {}},
        {"ifname": "ifb0", "linkinfo": {"info_kind": "ifb"}},
        {"ifname": "qcdev0", "linkinfo": {"info_kind": "bridge"}},
        {"ifname": "veth1", "master": "qcdev0", "linkinfo": {"info_kind": "veth"}},
        {"ifname": "docker0", "linkinfo": {"info_kind": "bridge"}},
        {"ifname": "veth2", "master": "docker0", "linkinfo": {"info_kind": "veth"}},
        {"ifname": "wg0", "linkinfo": {"info_kind": "wireguard"}},
    ]

    assert kernel_settings.forwarders(links) == ["docker0", "veth2", "wg0"]
