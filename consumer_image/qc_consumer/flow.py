"""The way of each delivery through the process; all of it in the I/O thread.

    received -> buffered -> running (a worker) -> settling (publishes under way) -> acknowledged or given back

Each delivery that can still be settled has a ticket. A lost channel takes all tickets: what only waited is
forgotten, what runs is told, and its result changes nothing any more.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from qc_consumer.consuming import Consuming, Ticket
from qc_consumer.delivery import Delivery
from qc_consumer.metrics import Metrics, loss
from qc_consumer.outcome import judge
from qc_consumer.recently_done import RecentlyDone
from qc_consumer.report import report
from qc_consumer.settings import Settings
from qc_consumer.settlement import Settlement
from qc_consumer.workers import Workers


class Flow:
    """All deliveries of one consumer."""

    def __init__(self, settings: Settings, metrics: Metrics, *, on_idle: Callable[[], None]) -> None:
        self._settings = settings
        self._metrics = metrics
        self._on_idle = on_idle
        self._tickets: dict[Delivery, Ticket] = {}
        self._buffer: deque[Delivery] = deque()
        self._running: dict[Delivery, float] = {}
        self._done = RecentlyDone()
        self._stopping = False
        # Set once by the consumer, which ties the parts together.
        self.consuming: Consuming
        self.settlement: Settlement
        self.workers: Workers

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self._running and not self._tickets

    @property
    def counts(self) -> tuple[int, int]:
        """How many deliveries are running, and how many wait for a slot."""
        return len(self._running), len(self._buffer)

    def oldest_seconds(self) -> float:
        """Give the age of the handler that has run longest; from any thread."""
        return max((time.monotonic() - started for started in list(self._running.values())), default=0.0)

    # -- from the channel ---------------------------------------------------------------------------------------

    def received(self, ticket: Ticket, *, redelivered: bool, properties: Any, body: bytes) -> None:
        """Take a delivery."""
        delivery = Delivery(queue=self._settings.queue, raw=body, properties=properties, redelivered=redelivered)
        if self._stopping:
            self.consuming.settle(ticket, ack=False)
            report(self._metrics, delivery, "returned")
            return
        first = delivery.attempt == 1 and not redelivered
        enqueued = delivery.enqueued_at if first else None
        wait = delivery.received - enqueued.timestamp() if enqueued else None
        self._metrics.delivered(redelivered=redelivered, wait=wait)
        self._tickets[delivery] = ticket
        self._buffer.append(delivery)
        self._dispatch()

    def epoch_lost(self, reason: str) -> None:
        """Give up what can no longer be settled."""
        self._metrics.connected.set(0)
        self._metrics.reconnects.labels(loss(reason)).inc()
        waiting = set(self._buffer)
        self._buffer.clear()
        for delivery in self._tickets:
            delivery.lost = True
            if delivery not in waiting and delivery not in self._running:
                # Handled, and its publishes are under way: those that are not sent yet never will be.
                report(self._metrics, delivery, "lost")
        self._tickets.clear()
        self._changed()

    # -- through the workers ------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self._buffer and len(self._running) < self._settings.concurrency:
            delivery = self._buffer.popleft()
            # Asked here and not on arrival: the redelivery may come while the handler still runs that has lost it.
            if self._done.knows(delivery):
                self.consuming.settle(self._tickets.pop(delivery), ack=True)
                report(self._metrics, delivery, "duplicate")
                continue
            self._running[delivery] = time.monotonic()
            self.workers.submit(delivery)
        self._changed()

    def handled(self, delivery: Delivery, error: BaseException | None, seconds: float) -> None:
        """Take the result of a handler."""
        self._running.pop(delivery, None)
        self._metrics.handled(seconds)
        outgoing = delivery.end()
        if delivery in self._tickets:
            outcome = judge(error, attempt=delivery.attempt, backoff=self._settings.retry)
            self.settlement.carry_out(delivery, outcome, outgoing, seconds)
        elif delivery.lost:
            # Another consumer has the message by now. If the handler did its work, and wants nothing published, a
            # redelivery to this very process can be spared.
            if error is None and not outgoing:
                self._done.add(delivery)
            report(self._metrics, delivery, "lost", seconds=seconds, error=error)
        self._dispatch()

    def acknowledge(self, delivery: Delivery, outcome: str, fields: dict[str, Any]) -> None:
        """Acknowledge: whatever had to be done for the message is done and confirmed."""
        self._done.add(delivery)
        ticket = self._tickets.pop(delivery, None)
        if ticket is not None and self.consuming.settle(ticket, ack=True):
            report(self._metrics, delivery, outcome, **fields)
        elif ticket is not None:
            report(self._metrics, delivery, "lost", **fields)
        self._changed()

    # -- going away ---------------------------------------------------------------------------------------------

    def stop_taking(self) -> None:
        """Give back what was not started, and tell the handlers that run."""
        self._stopping = True
        waiting = list(self._buffer)
        self._buffer.clear()
        self._give_back(waiting)
        for delivery in self._running:
            delivery.stopping = True
        self._changed()

    def give_back_all(self) -> int:
        """Give back everything, also what still runs, to be done by another consumer; returns how many."""
        unsettled = list(self._tickets)
        self._give_back(unsettled)
        return len(unsettled)

    def _give_back(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            ticket = self._tickets.pop(delivery, None)
            if ticket is not None and self.consuming.settle(ticket, ack=False):
                report(self._metrics, delivery, "returned")

    def _changed(self) -> None:
        self._metrics.in_flight.set(len(self._running))
        self._metrics.buffered.set(len(self._buffer))
        if self.idle:
            self._on_idle()
