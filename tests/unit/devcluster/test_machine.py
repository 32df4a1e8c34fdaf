"""Ports in use, foreign Kubernetes nodes: what the machine may hold against a cluster."""

import os
import socket
from collections.abc import Iterator

import pytest

from devcluster import machine
from devcluster.component import Listener
from devcluster.failure import Failure


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_named_with_its_owner(taken_port: int) -> None:
    with pytest.raises(Failure) as failure:
        machine.require_free([Listener(address="127.0.0.1", port=taken_port)], used_by="etcd")

    sentence = str(failure.value)
    assert f"Port {taken_port} on 127.0.0.1, which etcd needs" in sentence
    assert f"process {os.getpid()}" in sentence
    assert "Stop that program" in sentence


def test_a_port_is_free_again_once_its_server_has_closed(taken_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass

    # Its last connection is still in TIME_WAIT, which does not hinder a server.
    machine.require_free([Listener(address="127.0.0.1", port=port)], used_by="etcd")
    assert port != taken_port


def test_programs_of_administrators_are_found_with_a_plain_users_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    machine.load_program_path()

    assert os.environ["PATH"] == "/usr/bin:/bin:/usr/sbin:/sbin"
