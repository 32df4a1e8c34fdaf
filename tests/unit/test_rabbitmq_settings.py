from pathlib import Path

import pytest

from tests import rabbitmq_settings
from tests.certificates import Authority, ServerTls
from tests.rabbitmq_settings import Ports


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def written(
    folder: Path,
    *,
    plugins: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
    tls: ServerTls | None = None,
    cluster: tuple[str, ...] = (),
) -> list[str]:
    ports = Ports(amqp=1, amqps=2, management=3, management_tls=4, metrics=5, distribution=6)
    rabbitmq_settings.write(
        folder, ports=ports, password="secret", plugins=plugins, extra=extra, tls=tls, cluster=cluster
    )
    return (folder / "rabbitmq.conf").read_text().splitlines()


def test_what_a_test_sets_wins(tmp_path: Path) -> None:
    lines = written(tmp_path, extra=("collect_statistics_interval = 5000", "listeners.tcp.2=::1:7"))
    assert [line for line in lines if "interval" in line or "listeners" in line] == [
        "listeners.tcp.1 = 127.0.0.1:1",
        "collect_statistics_interval = 5000",
        "listeners.tcp.2 = ::1:7",
    ]


def test_plugins_come_on_top_of_management(tmp_path: Path) -> None:
    lines = written(tmp_path, plugins=("rabbitmq_prometheus",))
    assert (tmp_path / "enabled_plugins").read_text() == "[rabbitmq_management,rabbitmq_prometheus].\n"
    assert "prometheus.tcp.port = 5" in lines


def test_a_plain_node_has_neither_tls_nor_cluster(tmp_path: Path) -> None:
    assert not [line for line in written(tmp_path) if "ssl" in line or "cluster" in line]


def test_the_nodes_of_a_cluster_know_each_other(tmp_path: Path) -> None:
    lines = written(tmp_path, cluster=("qc-1@localhost", "qc-2@localhost"))
    assert lines[-3:] == [
        "cluster_formation.peer_discovery_backend = classic_config",
        "cluster_formation.classic_config.nodes.1 = qc-1@localhost",
        "cluster_formation.classic_config.nodes.2 = qc-2@localhost",
    ]


@pytest.mark.parametrize(
    ("clients", "verify", "refuse"),
    [
        pytest.param("ignored", "verify_none", "false", id="ignored"),
        pytest.param("asked", "verify_peer", "false", id="asked"),
        pytest.param("required", "verify_peer", "true", id="required"),
    ],
)
def test_clients_are_asked_for_their_certificate(
    tmp_path: Path, authority: Authority, clients: str, verify: str, refuse: str
) -> None:
    tls = ServerTls(authority=authority, certificate=authority.server(), clients=clients)  # type: ignore[arg-type]
    lines = written(tmp_path, tls=tls)
    assert f"ssl_options.verify = {verify}" in lines
    assert f"ssl_options.fail_if_no_peer_cert = {refuse}" in lines
    assert not [line for line in lines if line.startswith("management.ssl")]
