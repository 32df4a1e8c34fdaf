"""Which pod holds how many messages that are not acknowledged: the broker's channels, brought together with pods.

RabbitMQ knows the connections of clients and no pods. A channel belongs to the pod whose address its connection comes
from. Where a proxy or a translation of addresses stands between, it belongs to the pod that it is named after: by its
consumer's tag, or by its connection's client-provided name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv6Address, ip_address

import msgspec


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel of a broker holds."""

    unacknowledged: int
    """Messages that were delivered to it and are not acknowledged yet, those that only wait in the client, too."""
    host: str
    """The address that its connection comes from, as the broker sees it."""
    names: tuple[str, ...] = ()
    """What its consumers and its connection call themselves; asked for only where addresses say nothing."""


def told_by_hosts(*, pods: Mapping[str, Collection[str]], hosts: Iterable[str]) -> bool:
    """Whether the broker sees the pods' own addresses, as it does unless something translates them.

    `pods` is the addresses of each pod by its name. The pods of one target reach a broker in one way, so that it is
    enough to see one of them.
    """
    known = _by_address(pods)
    return any(_plain(host) in known for host in hosts)


def held(*, pods: Mapping[str, Collection[str]], holdings: Iterable[Holding]) -> dict[str, int]:
    """How many messages each pod holds; pods that hold none are left out.

    `pods` is the addresses of each pod by its name. An address that several pods have, as those in their node's network
    do, names none of them.
    """
    known, found = _by_address(pods), dict[str, int]()
    for holding in holdings:
        if holding.unacknowledged <= 0:
            continue
        named = (pod for name in holding.names if (pod := named_after(name, pods)) is not None)
        pod = known.get(_plain(holding.host)) or next(named, None)
        if pod is not None:
            found[pod] = found.get(pod, 0) + holding.unacknowledged
    return found


def named_after(name: str, pods: Collection[str]) -> str | None:
    """The pod that a client calls itself after: `POD`, `POD` and more behind a separator, `NAMESPACE/POD` or alike.

    The longest that fits: a pod `web-1` is not meant by `web-1-a` where there is a pod of that name.
    """
    for whole in (name, name.partition("/")[2]):
        if whole in pods:
            return whole
        for end in range(len(whole) - 1, 0, -1):
            if not whole[end].isalnum() and whole[:end] in pods:
                return whole[:end]
    return None


def _by_address(pods: Mapping[str, Collection[str]]) -> dict[str, str]:
    found, shared = dict[str, str](), set[str]()
    for pod, addresses in pods.items():
        for address in {_plain(address) for address in addresses}:
            if address in found:
                shared.add(address)
            found[address] = pod
    return {address: pod for address, pod in found.items() if address not in shared}


def _plain(address: str) -> str:
    """One spelling for each address, and that of IPv4 for an IPv4 address inside an IPv6 one (RFC 4291, 2.5.5.2)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(parsed)
