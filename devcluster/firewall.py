"""What of the machine's iptables is the cluster's: decided on the text that iptables-save prints.

Others' rules have names like ours. Every Kubernetes calls its chains KUBE-..., and everything that publishes
containers' ports by CNI (podman, nerdctl) shares CNI-HOSTPORT-..., in which a rule for each container jumps to a chain
CNI-DN-... of its own. A chain of the latter kind is ours only if the jump carries our network's name.
"""

import re
from collections.abc import Iterable

from devcluster.layout import NAME

_COMMENT = re.compile(r'--comment ("(?:[^"\\]|\\.)*"|\S+)')
# The comment of our own rules, and those of CNI's plugins: dnat name: "NETWORK" id: "CONTAINER".
_OUR_COMMENT = re.compile(rf'{NAME}|"{NAME}"|"(dnat )?name: \\"{NAME}\\".*"')
_TARGET = re.compile(r"(?:-j|-g) (\S+)")
# What CNI's plugin portmap puts there before the first port: neither a mark nor masquerading tells of one in use.
_SHARED = ("CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ")
_SHARED_ALWAYS_HOLDS = ("MARK", "MASQUERADE")
_SHARED_ALWAYS_IN = ("PREROUTING", "OUTPUT", "POSTROUTING")


def removal(saved: str, *, kubernetes: bool) -> list[str]:
    """The iptables-restore lines that take our rules and chains out of one table, given as iptables-save prints it.

    With *kubernetes*, every KUBE- chain is taken for ours: to be said only when no other Kubernetes can have made them.
    """
    chains = _chains(saved)
    rules = [line for line in saved.splitlines() if line.startswith("-A ")]
    doomed = {_target(rule) for rule in rules if _is_ours(rule) and _target(rule).startswith("CNI-")} - {*_SHARED}
    if kubernetes:
        doomed |= {name for name in chains if name.startswith("KUBE-")}
    staying = [rule for rule in rules if not _goes(rule, doomed)]
    if not _shared_in_use(staying):
        doomed |= {name for name in chains if name in _SHARED}
    in_order = [name for name in chains if name in doomed]
    return [
        # Emptied first: a chain that another one still jumps to cannot be deleted.
        *(f"-F {name}" for name in in_order),
        *(f"-D {rule[3:]}" for rule in rules if _goes(rule, doomed) and _holder(rule) not in doomed),
        *(f"-X {name}" for name in in_order),
    ]


def kubernetes_chains(saved: str) -> list[str]:
    """The chains that some Kubernetes made."""
    return sorted({name for name in _chains(saved) if name.startswith("KUBE-")})


def has_ours(saved: str) -> bool:
    """Whether a rule carries our name."""
    return any(_is_ours(line) for line in saved.splitlines())


def _chains(saved: str) -> list[str]:
    return [line.split()[0][1:] for line in saved.splitlines() if line.startswith(":")]


def _is_ours(rule: str) -> bool:
    return any(_OUR_COMMENT.fullmatch(comment) for comment in _COMMENT.findall(rule))


def _holder(rule: str) -> str:
    return rule.split()[1]


def _target(rule: str) -> str:
    # A comment may hold anything, even what looks like a jump.
    found = _TARGET.search(_COMMENT.sub("", rule))
    return found[1] if found else ""


def _goes(rule: str, doomed: Iterable[str]) -> bool:
    return _is_ours(rule) or _holder(rule) in doomed or _target(rule) in doomed


def _shared_in_use(rules: Iterable[str]) -> bool:
    """Whether others still publish ports: by a rule in the shared chains, or by a jump to them from their own."""
    return any(
        (_holder(rule) in _SHARED and _target(rule) not in _SHARED_ALWAYS_HOLDS)
        or (_target(rule) in _SHARED and _holder(rule) not in _SHARED_ALWAYS_IN)
        for rule in rules
    )
