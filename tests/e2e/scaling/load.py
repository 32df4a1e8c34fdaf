"""Messages that keep coming, for tests of rates."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.scaling.workload import Workload


@contextmanager
def steady_load(workload: Workload, *, per_second: int, seconds: float) -> Iterator[None]:
    """Publish so many messages each second, each meaning so many seconds of work, for as long as the block lasts."""
    stop = threading.Event()

    def publish() -> None:
        sent = 0
        began = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - began) * per_second)
            if due > sent:
                workload.publish(due - sent, seconds=seconds, first=sent)
                sent = due
            stop.wait(0.5)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        yield
    finally:
        stop.set()
        publisher.join()
