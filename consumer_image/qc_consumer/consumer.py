"""The consumer: puts the parts together, runs until told to stop, and goes away in order.

Three kinds of threads: one talks to the broker and holds all state, workers run the handler, and the main thread
waits for signals. Workers and signal handlers only post to the first.
"""

import dataclasses
import logging
import math
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from qc_consumer.connection import Connection
from qc_consumer.consuming import Consuming
from qc_consumer.delivery import Delivery
from qc_consumer.flow import Flow
from qc_consumer.handler import Handler
from qc_consumer.health import HealthServer
from qc_consumer.io_loop import IoLoop
from qc_consumer.metrics import Metrics
from qc_consumer.publishing import Publishing
from qc_consumer.retry import Backoff
from qc_consumer.settings import DEFAULT_BACKOFF, Settings
from qc_consumer.settlement import Settlement
from qc_consumer.workers import workers_for

log = logging.getLogger("qc_consumer")

GOODBYE_SECONDS = 2.0
"""How long the broker may take, in all, to take in the last acknowledgements and to confirm the connections' end."""

TURN_SECONDS = 0.5
"""How long a signal that the kernel gave to another thread may go unnoticed by the main thread."""

LIVE_SECONDS = 60.0
"""Three heartbeats: an I/O loop that has not turned for so long will not turn again."""


class Consumer:
    """Consumes one queue; the parameters are those of `Settings`.

    handler: function of (body) or (body, delivery), plain or async.
    url: AMQP URL; if not given, the environment or a mounted Service Binding tells (see `endpoint`).
    """

    def __init__(
        self,
        *,
        queue: str,
        handler: Callable[..., Any] | Handler,
        concurrency: int = 1,
        prefetch: int = 0,
        retry: Backoff | None = DEFAULT_BACKOFF,
        dead_letter_queue: str = "",
        shutdown_timeout: float = 25.0,
        metrics_port: int | None = 9090,
        identity: str = "",
        url: str | None = None,
    ) -> None:
        self.settings = settings = Settings(
            queue=queue,
            concurrency=concurrency,
            prefetch=prefetch,
            retry=retry,
            dead_letter_queue=dead_letter_queue,
            shutdown_timeout=shutdown_timeout,
            metrics_port=metrics_port,
            identity=identity,
        )
        name = settings.consumer
        self.metrics = Metrics(queue)
        self.metrics.concurrency.set(concurrency)
        self._loop = IoLoop(on_crash=self._abort_connections)
        self._flow = Flow(settings, self.metrics, on_idle=self._on_idle)
        self._consuming = Consuming(self._loop, self._flow, queue=queue, prefetch=settings.window, tag=name)
        self._consuming.on_active = self._on_active
        self._consuming.on_quiet = self._on_idle
        self._consuming.on_broker_timeout = self.metrics.broker_timeouts.inc
        self._connection = Connection(
            self._loop,
            url=url,
            name=name,
            on_open=self._consuming.connected,
            on_lost=self._consuming.disconnected,
        )
        self._publishing = Publishing(self._loop, url=url, name=f"{name} publisher")
        handler = handler if isinstance(handler, Handler) else Handler.of(handler)
        self._workers = workers_for(handler, concurrency=concurrency, result=self._post_result)
        self._flow.consuming = self._consuming
        self._flow.settlement = Settlement(self._loop, self._publishing, settings, ack=self._flow.acknowledge)
        self._flow.workers = self._workers
        self._draining = False
        self._closing = False
        self._finished = threading.Event()
        self._stops = 0
        self.health: HealthServer | None = None
        self.stuck = False
        """At the end: whether a handler was still running when the time for shutting down had passed."""

    @classmethod
    def of(cls, settings: Settings, handler: Handler) -> Self:
        """Make a consumer from settings as read from the environment."""
        options = {entry.name: getattr(settings, entry.name) for entry in dataclasses.fields(settings)}
        return cls(handler=handler, **options)

    # -- from other threads -------------------------------------------------------------------------------------

    def run(self) -> None:
        """Consume until SIGTERM or SIGINT (in the main thread) or `stop`; returns once drained."""
        previous = self._catch_signals()
        try:
            self.start()
            self.wait()
        finally:
            for number, action in previous.items():
                signal.signal(number, action)

    def start(self) -> None:
        """Start all threads and return; `stop` and `wait` end them."""
        if self.settings.metrics_port is not None:
            self.metrics.oldest.set_function(self._flow.oldest_seconds)
            self.health = HealthServer(self.settings.metrics_port, self, self.metrics.registry)
            self.health.start()
        self._workers.start()
        self._loop.start()
        self._loop.call(self._connection.start)

    def stop(self) -> None:
        """Begin to drain; a second call gives up the handlers that still run."""
        self._stops += 1
        self._loop.call(self._drain if self._stops == 1 else self._give_up)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end and clean up; False if it has not come in time."""
        deadline = math.inf if seconds is None else time.monotonic() + seconds
        # In turns: the kernel may give a signal to any thread, and Python's half of the handler runs in the main
        # thread only, which a wait without an end would keep from it until somebody sends a second one.
        while not self._finished.wait(max(0.0, min(TURN_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
        self._workers.stop(cancel=True)
        self.stuck = not self._workers.join(0.5)
        self._loop.join(GOODBYE_SECONDS)
        if self.health is not None:
            self.health.stop()
            self.health = None
        return True

    def _catch_signals(self) -> dict[int, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}
        numbers = (signal.SIGTERM, signal.SIGINT)
        return {number: signal.signal(number, lambda _number, _frame: self.stop()) for number in numbers}

    def _post_result(self, delivery: Delivery, error: BaseException | None, seconds: float) -> None:
        self._loop.call(lambda: self._flow.handled(delivery, error, seconds))

    # -- probes -------------------------------------------------------------------------------------------------

    def dead(self) -> str:
        """Say why the process should be restarted; empty if it should not."""
        age = time.monotonic() - self._loop.last_tick
        if age > LIVE_SECONDS:
            return f"the I/O loop has not turned for {age:.0f} s"
        return "" if self._workers.alive or self._closing else "a worker thread has died"

    def unready(self) -> str:
        """Say why no messages are taken; empty if they are."""
        if self._draining:
            return "draining"
        return "" if self._consuming.active else f"not consuming from {self.settings.queue}"

    # -- in the I/O thread --------------------------------------------------------------------------------------

    def _on_active(self) -> None:
        self._connection.settled()
        self.metrics.connected.set(1)

    def _abort_connections(self) -> None:
        self._connection.abort()
        self._publishing.connection.abort()

    def _drain(self) -> None:
        """Take nothing more, give back what was not started, and let finish what runs."""
        running, waiting = self._flow.counts
        log.info("draining: %d running, %d not started", running, waiting)
        self._draining = True
        self.metrics.draining.set(1)
        self.metrics.connected.set(0)
        self._loop.later(self.settings.shutdown_timeout, self._give_up)
        # First of all, so that no delivery follows the ones that are given back.
        self._consuming.cancel()
        self._flow.stop_taking()

    def _give_up(self) -> None:
        """End now: what still runs goes to another consumer, before its thread ends (twice is better than never)."""
        self._draining = True
        if count := self._flow.give_back_all():
            log.warning("gave back %d messages whose handlers still run", count)
        self._close()

    def _on_idle(self) -> None:
        if self._draining and self._flow.idle and self._consuming.quiet:
            self._close()

    def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.later(GOODBYE_SECONDS, self._finish)
        self._consuming.when_taken_in(self._say_goodbye)

    def _say_goodbye(self) -> None:
        still_open = [self._connection, self._publishing.connection]

        def closed(connection: Connection) -> None:
            still_open.remove(connection)
            if not still_open:
                self._finish()

        for connection in still_open:
            connection.close(lambda connection=connection: closed(connection))  # type: ignore[misc]

    def _finish(self) -> None:
        if not self._finished.is_set():
            self._abort_connections()
            # One more turn of the loop, in which the sockets of aborted connections are closed.
            self._loop.later(0.05, self._loop.stop)
            self._finished.set()
