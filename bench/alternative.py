"""Trials of the bare loop: a process of its own for each, so that nothing of it runs while the operator is timed."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote

from kubernetes import client

from bench.broker import Broker
from bench.failure import BenchError
from bench.machine import PROJECT
from bench.stage import Reaction, Stage

MOST_DELAY_SECONDS = 1.0
"""A random delay up to this, five polls of 200 ms, before each message: no trial may be in phase with the polls."""


def random_delay() -> None:
    """Wait for a part of MOST_DELAY_SECONDS."""
    time.sleep(random.uniform(0, MOST_DELAY_SECONDS))  # noqa: S311 - not a secret


def bare_trial(stage: Stage, *, broker: Broker, namespace: str) -> Reaction:
    """Time one message with the bare loop reading, and put replicas back to zero."""
    with _reading(stage.name, broker=broker, namespace=namespace):
        random_delay()
        reaction = stage.send()
    scale = {"spec": {"replicas": 0}}
    client.AppsV1Api().patch_namespaced_deployment_scale(stage.name, namespace, scale)
    stage.rest()
    return reaction


@contextlib.contextmanager
def _reading(queue: str, *, broker: Broker, namespace: str) -> Iterator[None]:
    """Run the bare loop for the block, which begins once it reads."""
    login = f"{quote(broker.login['username'], safe='')}:{quote(broker.login['password'], safe='')}"
    url = f"amqp://{login}@{broker.host}:{broker.port}/{quote(broker.login['vhost'], safe='')}"
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.bare_loop", queue, namespace],
        cwd=PROJECT,
        env=os.environ | {"AMQP_URL": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            if process.stdout is None or process.stdout.readline().strip() != "reading":
                raise BenchError("the bare loop ended before it read; what it said stands above")
            yield
        finally:
            process.terminate()
