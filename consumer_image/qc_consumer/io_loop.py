"""The one thread that talks to the broker, and the loop that all connections of the process share.

pika's objects are not thread-safe; only `add_callback_threadsafe` of the loop is. Workers hand their results over
by it. The loop outlives connections, so a result that arrives while there is none is not lost.
"""

import logging
import threading
import time
from collections.abc import Callable

from pika.adapters.select_connection import IOLoop

log = logging.getLogger("qc_consumer")

TICK_SECONDS = 1.0


class IoLoop:
    """pika's loop in a thread of its own, with callbacks that cannot end it."""

    def __init__(self, *, on_crash: Callable[[], None]) -> None:
        self._loop = IOLoop()
        self._on_crash = on_crash
        self._thread = threading.Thread(target=self._run, name="qc_consumer io", daemon=True)
        self.last_tick = time.monotonic()
        """When the loop last came round; the liveness probe looks at it."""

    @property
    def native(self) -> IOLoop:
        """The loop as pika wants it."""
        return self._loop

    def start(self) -> None:
        """Start the thread."""
        self.later(0, self._tick)
        self._thread.start()

    def call(self, callback: Callable[[], None]) -> None:
        """Run the function in the I/O thread; from any thread, and from signal handlers."""
        self._loop.add_callback_threadsafe(self._guarded(callback))

    def later(self, delay: float, callback: Callable[[], None]) -> None:
        """Run the function after the delay in seconds; only from the I/O thread."""
        self._loop.call_later(delay, self._guarded(callback))

    def stop(self) -> None:
        """End the thread; only from the I/O thread."""
        self._loop.stop()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            try:
                self._loop.start()
                break
            except Exception:
                # An exception in a callback of pika's own ends its loop (pika issue 1687) and may take timers, the
                # heartbeat's among them, with it.
                log.exception("error in the I/O loop")
                self._crashed()
        self._loop.close()

    def _guarded(self, callback: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                callback()
            except Exception:
                log.exception("error in the I/O thread")
                self._crashed()

        return call

    def _crashed(self) -> None:
        try:
            self._on_crash()
        except Exception:
            log.exception("error while recovering")

    def _tick(self) -> None:
        self.last_tick = time.monotonic()
        self.later(TICK_SECONDS, self._tick)
