"""The brokers of the other tests are what these take them for: of both releases, alone and as a cluster."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rabbitmq_fleet import Fleet, calm
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

OF_A_RUN_THAT_IS_KILLED = """
import sys, time
from tests.rabbitmq_node import RabbitMQNode
node = RabbitMQNode(release=sys.argv[1])
node.start(wait=False)
print(node.pid, node._epmd.pid, node.folder, flush=True)
time.sleep(60)
"""


def test_a_node_is_of_the_release_that_was_asked_for(any_rabbitmq: RabbitMQNode, release: str) -> None:
    version = any_rabbitmq.api("GET", "/api/overview")["rabbitmq_version"]
    assert tuple(map(int, version.split("."))) == any_rabbitmq.release.version
    assert any_rabbitmq.release.version[0] >= int(release.partition(".")[0])


def test_another_release_is_mounted_for_itself_alone(fleet: Fleet) -> None:
    node = fleet.node("shared", "4")
    mounted = [Path("/proc", str(pid), "mountinfo").read_text() for pid in (node.pid, os.getpid())]
    assert [node.release.usr.name in mounts for mounts in mounted] == [True, False]


def test_messages_survive_a_crash(own_any_rabbitmq: RabbitMQNode, own_any_vhost: Vhost) -> None:
    own_any_vhost.publish(own_any_vhost.declare("orders"), [b"1", b"2"])
    own_any_rabbitmq.settle_metadata()
    own_any_rabbitmq.kill()
    own_any_rabbitmq.start()
    assert own_any_vhost.ready("orders") == 2


def test_a_test_is_given_a_node_that_is_calm(own_any_rabbitmq: RabbitMQNode) -> None:
    own_any_rabbitmq.set_memory_alarm(True)
    until(lambda: own_any_rabbitmq.alarmed, what="the alarm is in force")
    own_any_rabbitmq.disable_plugin("rabbitmq_management")
    with pytest.raises(OSError, match="refused"):
        own_any_rabbitmq.api("GET", "/api/overview")
    own_any_rabbitmq.pause()
    calm(own_any_rabbitmq)
    assert not own_any_rabbitmq.alarmed


def test_metrics_are_served(any_rabbitmq: RabbitMQNode) -> None:
    with urllib.request.urlopen(f"{any_rabbitmq.metrics_uri}/metrics", timeout=5) as answer:  # noqa: S310 - http on loopback
        assert b"rabbitmq_identity_info" in answer.read()


@pytest.fixture
def killed_run(release: str) -> Iterator[list[str]]:
    """What a run that started a node said before it was killed with SIGKILL: two process ids and a folder."""
    run = subprocess.Popen([sys.executable, "-c", OF_A_RUN_THAT_IS_KILLED, release], stdout=subprocess.PIPE, text=True)
    with run:
        assert run.stdout is not None
        said = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
    yield said
    shutil.rmtree(said[2])


def test_nothing_runs_on_after_a_run_that_was_killed(killed_run: list[str]) -> None:
    until(lambda: not any(Path("/proc", pid).exists() for pid in killed_run[:2]), what="node and port mapper end")


def test_two_nodes_are_one_broker(any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost) -> None:
    first, second = any_cluster
    there = any_cluster_vhost.through(second)
    there.publish(there.declare("orders"), [b"1"])
    assert any_cluster_vhost.ready("orders") == 1
    running = {node["name"]: node["running"] for node in first.api("GET", "/api/nodes")}
    assert running == {first.name: True, second.name: True}


def test_a_cluster_comes_back_whichever_node_was_lost(
    any_cluster: tuple[RabbitMQNode, RabbitMQNode], any_cluster_vhost: Vhost
) -> None:
    any_cluster_vhost.publish(any_cluster_vhost.declare("orders", x_queue_type="quorum"), [b"1"])
    for node in any_cluster:
        node.settle_quorum_queues()
        node.settle_metadata()
    for node in any_cluster:
        node.kill()
    calm(*any_cluster)
    until(lambda: any_cluster_vhost.ready("orders") == 1, what="the quorum queue has a leader again")
