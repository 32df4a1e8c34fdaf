"""The code in docs/producers.md and docs/consumers.md, and what a runbook has typed, runs as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from qc_consumer import Consumer, Reject
from tests.rabbitmq_node import until
from tests.rabbitmq_vhost import Vhost

DOCS = Path(__file__).resolve().parents[3] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def run(vhost: Vhost, folder: Path, source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "RABBITMQ_URL": vhost.url, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        cwd=folder, capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("source", blocks("producers.md"), ids=["hello", "outcome unknown"])
def test_producers(vhost: Vhost, tmp_path: Path, source: str) -> None:
    vhost.declare("orders")
    run(vhost, tmp_path, source)
    assert vhost.ready("orders") == 1


def test_consumers(vhost: Vhost, tmp_path: Path) -> None:
    app, trial = blocks("consumers.md")
    (tmp_path / "app.py").write_text(app)
    run(vhost, tmp_path, trial)


def test_the_runbook_shows_why_a_message_is_a_dead_letter_and_leaves_it_there(
    any_vhost: Vhost, consumers: Callable[..., Consumer]
) -> None:
    def handle(_body: object) -> None:
        raise Reject("void order")

    any_vhost.declare("orders")
    consumers(any_vhost, handle)
    any_vhost.publish("orders", [b'{"id": 7}'], message_id="m-1")
    page = (DOCS / "runbooks" / "QueueConsumerDeadLettersGrowing.md").read_text()
    (command,) = re.findall(r"^(curl .*?)\n```$", page, re.DOTALL | re.MULTILINE)
    values = {
        "--user USER": f"--user {shlex.quote(f'{any_vhost.username}:{any_vhost.password}')}",
        "http://BROKER:15672": any_vhost.management_uri,
        "VHOST/QUEUE.dlq": f"{quote(any_vhost.vhost, safe='')}/orders.dlq",
    }
    for word, value in values.items():
        assert word in command
        command = command.replace(word, value)

    def look(typed: str) -> Any:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", typed], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        # Before the queue is there it is an error, and for a moment after each look the queue may be empty.
        return answer if isinstance(answer, list) else None

    # More often than RabbitMQ 4 has a quorum queue deliver a message before it throws it away.
    for _ in range(22):
        until(lambda: look(command.partition(" | ")[0]), what="a dead letter")
    (shown,) = until(lambda: look(command), what="a dead letter")

    headers = shown["properties"]["headers"]
    assert (headers["x-reason"], headers["x-error-message"], shown["payload"]) == (
        "rejected",
        "void order",
        '{"id": 7}',
    )
    assert headers["x-error-class"] == "Reject"
    assert "x-consumer" in headers
