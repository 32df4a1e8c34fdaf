import functools
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from qc_consumer import ConfigurationError, Delivery, Handler, Reject, Retry, run_handler
from qc_consumer.handler import load_handler
from qc_consumer.log import JsonFormatter


def one(body: object) -> None: ...
def two(body: object, delivery: Delivery) -> None: ...
def three(a: object, b: object, c: object) -> None: ...
def none() -> None: ...
def raw(body: bytes) -> None: ...
async def later(body: object) -> None: ...


class Callable:
    async def __call__(self, body: object, delivery: Delivery) -> None: ...


@pytest.mark.parametrize(
    ("function", "understood"),
    [
        pytest.param(one, (False, False, False), id="body"),
        pytest.param(two, (True, False, False), id="body and delivery"),
        pytest.param(raw, (False, False, True), id="bytes"),
        pytest.param(later, (False, True, False), id="async"),
        pytest.param(Callable(), (True, True, False), id="object"),
        pytest.param(functools.partial(three, 1), (True, False, False), id="partial"),
        pytest.param(lambda *args: None, (True, False, False), id="any number"),  # noqa: ARG005 - what it is about
    ],
)
def test_a_handler_is_understood_by_its_signature(function: Any, understood: tuple[bool, bool, bool]) -> None:
    handler = Handler.of(function)
    assert (handler.takes_delivery, handler.is_async, handler.wants_bytes) == understood


@pytest.mark.parametrize("function", [three, none])
def test_a_handler_of_another_shape_is_refused(function: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"must take \(body\) or \(body, delivery\)"):
        Handler.of(function)


def test_handlers_are_found_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some_app.py").write_text("class Api:\n    @staticmethod\n    def handle(body): pass\nnumber = 5\n")
    (tmp_path / "broken_app.py").write_text("import not_installed_anywhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert load_handler("some_app:Api.handle").takes_delivery is False
    for path, text in {
        "some_app": "must look like app:handle",
        "some_app:": "must look like app:handle",
        "some_ap:handle": "there is no module 'some_ap'",
        "some_app:Apy": "is it 'Api'",
        "some_app:number": "is a int, not a function",
    }.items():
        with pytest.raises(ConfigurationError, match=text):
            load_handler(path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        load_handler("broken_app:handle")


def test_run_handler_shows_what_would_follow() -> None:
    def handle(order: dict[str, Any], delivery: Delivery) -> None:
        if not order["paid"]:
            raise Retry(after=30)
        if order.get("void"):
            raise Reject("void order")
        delivery.publish({"id": order["id"]}, "shipped")

    done = run_handler(handle, {"id": 7, "paid": True})
    assert done.acked
    assert [(message.routing_key, message.body) for message in done.published] == [("shipped", b'{"id": 7}')]
    assert run_handler(handle, {"paid": False}).delay == 30_000
    assert run_handler(handle, {"paid": False}, attempt=8).reason == "attempts_exhausted"
    assert run_handler(handle, {"paid": True, "void": True}).dead_lettered
    assert run_handler(handle, b"{", content_type="application/json").reason == "undecodable"


def test_run_handler_runs_async_ones() -> None:
    seen: list[object] = []

    async def handle(body: object) -> None:
        seen.append(body)

    assert run_handler(handle, "text").acked
    assert seen == ["text"]


def test_publishing_after_the_handler_has_returned_is_an_error() -> None:
    kept: list[Delivery] = []

    def handle(_body: object, delivery: Delivery) -> None:
        kept.append(delivery)

    run_handler(handle, 1)
    with pytest.raises(RuntimeError, match="would never be sent"):
        kept[0].publish(1, "q")


@pytest.mark.parametrize(
    "options", [{"headers": {"x": 1.5}}, {"routing_key": "x" * 256}, {"priority": "high"}, {"body": object()}]
)
def test_a_message_that_cannot_be_encoded_fails_in_the_handler(options: dict[str, Any]) -> None:
    def handle(_body: object, delivery: Delivery) -> None:
        arguments: dict[str, Any] = {"body": 1, "routing_key": "q"} | options
        delivery.publish(**arguments)

    assert isinstance(run_handler(handle, 1).error, ValueError | TypeError)


def test_a_log_line_is_json_with_its_fields() -> None:
    record = logging.LogRecord("qc_consumer", logging.INFO, "", 0, "message %s", ("acked",), None)
    record.fields = {"queue": "orders", "odd": object}
    line = JsonFormatter().format(record)
    entry = json.loads(line)
    assert (entry["message"], entry["level"], entry["queue"]) == ("message acked", "info", "orders")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, "CONSUMER_QUEUE is not set"),
        ({"CONSUMER_QUEUE": "q", "CONSUMER_HANDLER": "nowhere:handle"}, "there is no module 'nowhere'"),
        ({"CONSUMER_QUEUE": "q", "CONSUMER_HANDLER": "builtins:print", "RABBITMQ_URL": "x"}, "must start with amqp"),
    ],
)
def test_the_program_ends_with_2_and_a_sentence_if_a_setting_is_wrong(environ: dict[str, str], text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "qc_consumer"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("qc_consumer: ")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "qc_consumer"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(sys.path),
                "CONSUMER_QUEUE": "q",
                "CONSUMER_HANDLER": "builtins:print",
                "CONSUMER_METRICS_PORT": str(taken.getsockname()[1]),
            },
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "for metrics and probes cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr
