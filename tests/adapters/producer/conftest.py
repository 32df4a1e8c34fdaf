"""Producers that are closed, whatever a test does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qc_producer import Producer
from tests.rabbitmq_vhost import Vhost


@pytest.fixture
def producers() -> Iterator[Callable[..., Producer]]:
    made: list[Producer] = []

    def make(vhost: Vhost, **options: Any) -> Producer:
        made.append(Producer(vhost.url, **options))
        return made[-1]

    yield make
    for producer in made:
        producer.close(timeout=0)


@pytest.fixture
def producer(vhost: Vhost, producers: Callable[..., Producer]) -> Producer:
    return producers(vhost, timeout=10)
