from collections.abc import Callable
from pathlib import Path

import pytest

from qc_consumer import Consumer
from tests.adapters.consumer.conftest import Program
from tests.rabbitmq_node import RabbitMQNode, until
from tests.rabbitmq_vhost import Vhost

Consumers = Callable[..., Consumer]
Programs = Callable[..., Program]
Ask = Callable[[int, str], tuple[int, str]]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_consuming_goes_on_after_a_restart_of_the_broker(
    own_rabbitmq: RabbitMQNode, own_vhost: Vhost, consumers: Consumers, ask: Ask, end: str
) -> None:
    own_vhost.declare("orders")
    bodies: list[int] = []
    consumer = consumers(own_vhost, bodies.append, metrics_port=0)
    assert consumer.health is not None
    # With ids: a crash may forget the acknowledgement, and then the first message must not be handled again.
    own_vhost.publish("orders", [b"1"], message_id="m-1")
    until(lambda: bodies == [1], what="the first message")
    getattr(own_rabbitmq, end)()
    until(lambda: ask(consumer.health.port, "/readyz")[0] == 503, what="not ready")
    assert ask(consumer.health.port, "/livez") == (200, "ok\n")
    own_rabbitmq.start()
    own_vhost.publish("orders", [b"2"], message_id="m-2")
    until(lambda: bodies == [1, 2], within=40, what="the second message")
    until(lambda: ask(consumer.health.port, "/readyz")[0] == 200, what="ready")


def test_a_queue_that_does_not_exist_yet_is_waited_for(vhost: Vhost, consumers: Consumers, ask: Ask) -> None:
    bodies: list[int] = []
    consumer = consumers(vhost, bodies.append, metrics_port=0)
    assert consumer.health is not None
    assert ask(consumer.health.port, "/readyz") == (503, "not consuming from orders\n")
    until(lambda: "queue_missing" in ask(consumer.health.port, "/metrics")[1], what="counted")
    assert ask(consumer.health.port, "/startupz") == (200, "ok\n")
    vhost.declare("orders")
    vhost.publish("orders", [b"1"])
    until(lambda: bodies == [1], what="consumed", within=15)


def test_a_queue_that_is_deleted_and_made_again_is_consumed_again(vhost: Vhost, consumers: Consumers) -> None:
    vhost.declare("orders")
    bodies: list[int] = []
    consumer = consumers(vhost, bodies.append)
    vhost.publish("orders", [b"1"])
    until(lambda: bodies == [1], what="the first message")
    vhost.delete("orders")
    until(consumer.unready, what="not ready")
    vhost.declare("orders")
    vhost.publish("orders", [b"2"])
    until(lambda: bodies == [1, 2], what="the second message", within=15)


def test_a_frozen_broker_and_its_return(own_rabbitmq: RabbitMQNode, own_vhost: Vhost, consumers: Consumers) -> None:
    own_vhost.declare("orders")
    bodies: list[int] = []
    consumers(own_vhost, bodies.append)
    own_vhost.publish("orders", [b"1"])
    until(lambda: bodies == [1], what="the first message")
    own_rabbitmq.pause()
    own_rabbitmq.resume()
    own_vhost.publish("orders", [b"2"])
    until(lambda: bodies == [1, 2], what="the second message")


def test_a_wrong_password_is_not_ready_heals_when_mended_and_is_never_logged(
    vhost: Vhost, program: Programs, tmp_path: Path
) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b"1"], message_id="m-1")
    binding = tmp_path / "bindings" / "shop"
    binding.mkdir(parents=True)
    secret = {"type": "rabbitmq", "host": vhost.host, "port": str(vhost.port), "username": vhost.username}
    for key, value in {**secret, "password": "wrong-password", "vhost": vhost.vhost}.items():
        (binding / key).write_text(value)
    running = program(
        vhost,
        "def handle(body): pass",
        RABBITMQ_URL="",
        RABBITMQ_PORT="tcp://10.0.0.1:5672",
        SERVICE_BINDING_ROOT=str(binding.parent),
    )
    running.until_logged("ACCESS_REFUSED")
    (binding / "password").write_text(vhost.password)
    until(lambda: running.outcomes("acked") == ["m-1"], what="consumed with the right password", within=20)
    running.terminate()
    assert running.process.wait(10) == 0
    assert "wrong-password" not in running.raw_log
    assert vhost.password not in running.raw_log
    assert vhost.username + ":" not in running.raw_log


def test_a_process_that_waits_for_its_broker_ends_at_once_when_told(program: Programs, vhost: Vhost) -> None:
    running = program(vhost, "def handle(body): pass", RABBITMQ_URL="amqp://guest@127.0.0.1:1")
    running.until_logged("no connection to RabbitMQ at 127.0.0.1:1, ")
    running.terminate()
    assert running.process.wait(5) == 0


def test_an_idle_process_is_small(program: Programs, vhost: Vhost) -> None:
    vhost.declare("orders")
    running = program(vhost, "def handle(body): pass")
    running.until_logged("consuming from orders")
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0])
    assert resident <= 40 * 1024, f"{resident} KiB"


def test_the_log_has_one_line_per_outcome_without_body_or_url(vhost: Vhost, program: Programs) -> None:
    vhost.declare("orders")
    vhost.publish("orders", [b'"body-of-the-message"'], message_id="m-1", correlation_id="c-1")
    running = program(vhost, "def handle(body): pass")
    until(lambda: running.outcomes("acked"), what="acknowledged", within=15)

    (line,) = [line for line in running.log if "outcome" in line]
    assert line["level"] == "info"
    assert (line["queue"], line["message_id"], line["correlation_id"], line["attempt"]) == ("orders", "m-1", "c-1", 1)
    assert "body-of-the-message" not in running.raw_log
    assert "amqp://" not in running.raw_log
