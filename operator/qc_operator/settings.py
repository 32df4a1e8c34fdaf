"""Settings of the operator process. Every field says its unit; the defaults are what the chart installs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qc_operator.sharding import Shard

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123 label, as the API server asks of a namespace's name."""
HOST = re.compile(rf"(?=.{{1,253}}$){NAMESPACE.pattern}(\.{NAMESPACE.pattern})*")
"""RFC 1123 subdomain: the name of a host in small letters, without a port."""


class SettingsError(ValueError):
    """An environment variable of the process is wrong; the message names it, the rule and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSettings:
    """How often queues are read. Times in seconds."""

    fast_interval: float = 0.2
    """Between two passive declares of a queue whose target is at zero or whose depth is moving."""
    steady_interval: float = 1.0
    """Between two passive declares of any other queue that can be read."""
    moving_for: float = 10.0
    """How long a queue counts as moving after its depth last changed."""
    retry_first: float = 5.0
    """The first pause before a missing or failing queue is read again; it doubles."""
    retry_most: float = 60.0
    """The longest such pause."""
    declare_timeout: float = 2.0
    """After which an unanswered declare counts as failed and its channel is given up."""
    channels: int = 4
    """Channels per connection, each with many declares under way. A queue that is slow to answer holds up one."""
    declares_per_second: float = 11_500.0
    """At most so many per broker, over all vhosts; with more queues the intervals grow evenly. A declare costs the
    broker 15 to 35 us, so this is about a quarter of a core."""
    steady_declares_per_second: float = 1_700.0
    """At most so many of them for queues whose target is not at zero and whose depth does not move; with more such
    queues their interval grows: 5,000 are read every 2.9 s."""
    tell_interval: float = 0.9
    """Between two decisions on readings that say the same as before; one that says something else is decided on at
    once."""
    rest_interval: float = 10.0
    """The same for a target at zero that waits for nothing but a message. A decision takes about 200 us with all that
    is around it: each second those of 10,000 such objects would take two cores, and now they take a fifth of one."""
    totals_interval: float = 5.0
    """Between two reads of the management API's totals, one request per vhost."""
    totals_timeout: float = 4.0
    """For one such read."""
    metrics_above: int = 3000
    """Queues in a vhost beyond which the nodes' metrics are read instead, where the Secret names `metrics_uri`."""
    secret_interval: float = 30.0
    """Between two reads of a Secret; a refusal by the broker has it read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSettings:
    """How often things are written and re-read at the API server. Times in seconds."""

    numbers_interval: float = 15.0
    """At most this often are numbers written that move all the time. Transitions are written at once."""
    scale_max_age: float = 5.0
    """After which the target's scale is read again before it is decided upon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """Which QueueConsumers a process serves: those of its shard, in its namespaces."""

    namespaces: tuple[str, ...] = ()
    """Only these are watched; all of them when empty."""
    namespace_selector: str = ""
    """Only QueueConsumers in namespaces with these labels are served, such as `team in (shop, bank)`. Needs a watch of
    all namespaces."""
    shard: Shard = field(default_factory=Shard)
    """Which part of them."""

    def __str__(self) -> str:
        where = "all namespaces"
        if self.namespaces:
            where = f"namespaces {', '.join(self.namespaces)}"
        elif self.namespace_selector:
            where = f"namespaces with labels {self.namespace_selector!r}"
        return f"shard {self.shard} of {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the process is told from outside, and everything it is not."""

    reading: ReadingSettings = field(default_factory=ReadingSettings)
    status: StatusSettings = field(default_factory=StatusSettings)
    serving: ServingSettings = field(default_factory=ServingSettings)
    port: int = 8080
    """TCP port of /metrics, /healthz and /readyz."""
    page_port: int = 0
    """TCP port of the live page; 0 is none. Whoever reaches it may read all that the page shows."""
    page_hosts: tuple[str, ...] = ()
    """Names by which the page may be asked for besides the Service's, such as that of an Ingress."""
    log_level: str = "INFO"
    name: str = "queueconsumer-operator"
    """Of the installation: its Leases are named after it."""
    pod: str = ""
    """Name of the process's pod; empty outside a cluster."""
    pod_namespace: str = ""
    """Where the Leases are. Without one no other process is expected, and none is asked for leave."""

    @property
    def identity(self) -> str:
        """Who writes: `namespace/pod`, shown by the broker's connection list and by events."""
        return f"{self.pod_namespace}/{self.pod}" if self.pod and self.pod_namespace else self.name


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the `QC_` variables that docs/operations.md lists, `POD_NAMESPACE` and `POD_NAME`.

    Raises `SettingsError` for a value that cannot be used.
    """
    level = environment.get("QC_LOG_LEVEL", "INFO").upper()
    if level not in LOG_LEVELS:
        raise SettingsError(f"QC_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)} (is {level!r})")
    port = environment.get("QC_PORT", "8080")
    if not port.isdigit() or not 0 < int(port) < 65536:  # noqa: PLR2004 - TCP's range
        raise SettingsError(f"QC_PORT must be a TCP port, 1 to 65535 (is {port!r})")
    page_port = environment.get("QC_PAGE_PORT", "") or "0"
    if not page_port.isdigit() or not int(page_port) < 65536 or page_port == port:  # noqa: PLR2004 - TCP's range
        raise SettingsError(
            f"QC_PAGE_PORT must be a TCP port other than QC_PORT, or 0 for no live page (is {page_port!r})"
        )
    return Settings(
        port=int(port),
        page_port=int(page_port),
        page_hosts=_page_hosts(environment),
        log_level=level,
        serving=_serving(environment),
        name=environment.get("QC_NAME", "") or "queueconsumer-operator",
        pod=environment.get("POD_NAME", ""),
        pod_namespace=environment.get("POD_NAMESPACE", ""),
    )


def _page_hosts(environment: Mapping[str, str]) -> tuple[str, ...]:
    hosts = _listed(environment.get("QC_PAGE_HOSTS", "").lower())
    for host in hosts:
        if not HOST.fullmatch(host):
            raise SettingsError(
                f"QC_PAGE_HOSTS must be names of hosts, without ports, with commas between them (has {host!r})"
            )
    return hosts


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _serving(environment: Mapping[str, str]) -> ServingSettings:
    namespaces = _listed(environment.get("QC_NAMESPACES", ""))
    for name in namespaces:
        if not NAMESPACE.fullmatch(name):
            raise SettingsError(f"QC_NAMESPACES must be names of namespaces with commas between them (has {name!r})")
    selector = environment.get("QC_NAMESPACE_SELECTOR", "").strip()
    if namespaces and selector:
        raise SettingsError("QC_NAMESPACES and QC_NAMESPACE_SELECTOR exclude each other: set one of them")
    try:
        shard = Shard.parse(environment.get("QC_SHARD", "") or "1/1")
    except ValueError as error:
        raise SettingsError(f"QC_SHARD {error}") from None
    return ServingSettings(namespaces=tuple(dict.fromkeys(namespaces)), namespace_selector=selector, shard=shard)
