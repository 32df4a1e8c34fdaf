"""Where handlers run: plain functions in threads, `async def` in one event loop; never in the I/O thread."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol

from qc_consumer.delivery import Delivery
from qc_consumer.handler import Handler

Result = Callable[[Delivery, BaseException | None, float], None]
"""Called in the worker's thread with the delivery, what the handler raised, and the seconds that it took."""


class Workers(Protocol):
    """Runs the handler for deliveries; the caller sees to it that there are never more than `concurrency`."""

    def start(self) -> None:
        """Start the threads."""

    def submit(self, delivery: Delivery) -> None:
        """Run the handler."""

    def stop(self, *, cancel: bool) -> None:
        """End the threads once they are idle; cancel what can be cancelled (async handlers)."""

    @property
    def alive(self) -> bool:
        """Whether all threads are there."""

    def join(self, seconds: float) -> bool:
        """Wait for the threads' end; False if a handler still runs."""


def workers_for(handler: Handler, *, concurrency: int, result: Result) -> Workers:
    """Choose by the kind of the handler."""
    if handler.is_async:
        return TaskWorkers(handler, result=result)
    return ThreadWorkers(handler, concurrency=concurrency, result=result)


class ThreadWorkers:
    """One thread per message that may be handled at the same time."""

    def __init__(self, handler: Handler, *, concurrency: int, result: Result) -> None:
        self._handler = handler
        self._result = result
        self._deliveries: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        # Daemons: a handler that never returns must not keep the process from ending after its deadline.
        self._threads = [
            threading.Thread(target=self._run, name=f"qc_consumer worker {index}", daemon=True)
            for index in range(concurrency)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, delivery: Delivery) -> None:
        """Run the handler in the next free thread."""
        self._deliveries.put(delivery)

    def stop(self, *, cancel: bool) -> None:  # noqa: ARG002 - a thread cannot be cancelled
        """Let each thread end after what it is doing."""
        for _ in self._threads:
            self._deliveries.put(None)

    @property
    def alive(self) -> bool:
        """Whether all threads are there."""
        return all(thread.is_alive() for thread in self._threads)

    def join(self, seconds: float) -> bool:
        """Wait for the threads' end; False if a handler still runs."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (delivery := self._deliveries.get()) is not None:
            started = time.monotonic()
            error: BaseException | None = None
            try:
                self._handler.run(delivery)
            except BaseException as raised:  # noqa: BLE001 - SystemExit in a handler must not end the slot
                error = raised
            self._result(delivery, error, time.monotonic() - started)
            del delivery, error  # an idle thread must not hold the last body


class TaskWorkers:
    """An event loop in a thread, a task per message."""

    def __init__(self, handler: Handler, *, result: Result) -> None:
        self._handler = handler
        self._result = result
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="qc_consumer asyncio", daemon=True)

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread.start()

    def submit(self, delivery: Delivery) -> None:
        """Run the handler as a task."""
        self._loop.call_soon_threadsafe(self._begin, delivery)

    def stop(self, *, cancel: bool) -> None:
        """End the loop once its tasks have ended."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end, cancel)

    @property
    def alive(self) -> bool:
        """Whether the loop's thread is there."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> bool:
        """Wait for the loop's end; False if a handler still runs."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _begin(self, delivery: Delivery) -> None:
        task = self._loop.create_task(self._handle(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _end(self, cancel: bool) -> None:  # noqa: FBT001 - call_soon_threadsafe passes by position
        if cancel:
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            waiting = asyncio.gather(*self._tasks, return_exceptions=True)
            waiting.add_done_callback(lambda _: self._loop.stop())
        else:
            self._loop.stop()

    async def _handle(self, delivery: Delivery) -> None:
        started = time.monotonic()
        error: BaseException | None = None
        try:
            await self._handler.arun(delivery)
        except BaseException as raised:  # noqa: BLE001 - CancelledError too: the consumer decides what it means
            error = raised
        self._result(delivery, error, time.monotonic() - started)
