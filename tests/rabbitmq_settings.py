"""The files from which a test's RabbitMQ node learns what it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Certificate, ServerTls
from tests.ports import free_ports

HOST = "127.0.0.1"
USERNAME = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a node listens; those of things that it does not have stay unused."""

    amqp: int
    amqps: int
    management: int
    management_tls: int
    metrics: int
    distribution: int
    """For other nodes and for rabbitmqctl."""

    @classmethod
    def choose(cls) -> "Ports":
        """Choose free ones."""
        amqp, amqps, management, management_tls, metrics, distribution = free_ports(6)
        return cls(
            amqp=amqp,
            amqps=amqps,
            management=management,
            management_tls=management_tls,
            metrics=metrics,
            distribution=distribution,
        )


def write(
    folder: Path,
    *,
    ports: Ports,
    password: str,
    plugins: Iterable[str],
    extra: Iterable[str],
    tls: ServerTls | None,
    cluster: Iterable[str],
) -> None:
    """Write the configuration of a node into its folder.

    `extra` are lines of rabbitmq.conf, which win over ours; `cluster` the names of all its nodes, if it is one.
    """
    enabled = ["rabbitmq_management", *plugins]
    (folder / "enabled_plugins").write_text(f"[{','.join(dict.fromkeys(enabled))}].\n")
    settings = _basics(ports=ports, password=password)
    for number, name in enumerate(cluster, start=1):
        settings["cluster_formation.peer_discovery_backend"] = "classic_config"
        settings[f"cluster_formation.classic_config.nodes.{number}"] = name
    if "rabbitmq_prometheus" in enabled:
        settings |= {"prometheus.tcp.ip": HOST, "prometheus.tcp.port": str(ports.metrics)}
    if "rabbitmq_auth_mechanism_ssl" in enabled:
        settings |= {"auth_mechanisms.1": "PLAIN", "auth_mechanisms.2": "EXTERNAL"}
        settings["ssl_cert_login_from"] = "common_name"
    if tls is not None:
        write_certificate(folder, tls.certificate)
        (folder / "clients-ca.pem").write_text(tls.authority.certificate)
        settings |= _tls(folder, ports=ports, tls=tls)
    settings |= {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in extra)}
    (folder / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    # Erlang's own port listens on all addresses unless told; rabbitmq.conf has no word for it.
    interface = "[{kernel, [{inet_dist_use_interface, {127, 0, 0, 1}}]}].\n"
    (folder / "advanced.config").write_text(interface)


def write_certificate(folder: Path, certificate: Certificate) -> None:
    """Write the node's own certificate and key."""
    (folder / "server.pem").write_text(certificate.certificate)
    (folder / "server-key.pem").write_text(certificate.key)


def _basics(*, ports: Ports, password: str) -> dict[str, str]:
    return {
        "listeners.tcp.1": f"{HOST}:{ports.amqp}",
        "management.tcp.ip": HOST,
        "management.tcp.port": str(ports.management),
        "default_user": USERNAME,
        "default_pass": password,
        # Statistics every second instead of every five: connections and consumers are seen sooner.
        "collect_statistics_interval": "1000",
        "log.file": "node.log",
        "log.file.level": "info",
        "log.console": "false",
        "disk_free_limit.absolute": "50MB",
    }


def _tls(folder: Path, *, ports: Ports, tls: ServerTls) -> dict[str, str]:
    options = {
        "cacertfile": str(folder / "clients-ca.pem"),
        "certfile": str(folder / "server.pem"),
        "keyfile": str(folder / "server-key.pem"),
        "verify": "verify_none" if tls.clients == "ignored" else "verify_peer",
        "fail_if_no_peer_cert": str(tls.clients == "required").lower(),
    }
    settings = {"listeners.ssl.1": f"{HOST}:{ports.amqps}"}
    settings |= {f"ssl_options.{name}": value for name, value in options.items()}
    if tls.management:
        settings |= {"management.ssl.ip": HOST, "management.ssl.port": str(ports.management_tls)}
        settings |= {f"management.ssl.{name}": value for name, value in options.items()}
    return settings
