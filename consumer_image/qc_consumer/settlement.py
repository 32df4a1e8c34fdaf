"""Carries an outcome out: whatever has to be published is confirmed first, then the delivery is acknowledged.

A crash in between means the message comes twice, never not at all. A delivery stays unacknowledged, and keeps its
place in the prefetch window, as long as the broker does not confirm: while it blocks publishers, say. If the delivery
is lost meanwhile, nothing more is published for it: the broker delivers the original again.
"""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

from qc_consumer.dead_letter import dead_message, retry_message
from qc_consumer.delivery import Delivery, Outgoing
from qc_consumer.errors import PublishFailed
from qc_consumer.io_loop import IoLoop
from qc_consumer.outcome import Outcome, judge
from qc_consumer.publishing import Done, Publishing
from qc_consumer.retry import in_words, rung_arguments, rung_queue
from qc_consumer.settings import Settings

log = logging.getLogger("qc_consumer")

FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""Seconds between attempts to write a dead letter that the broker refuses."""

RUNG_FIRST_WAIT, RUNG_LAST_WAIT = 0.1, 4.0
"""Seconds between attempts to write to a retry queue, doubling; after 6 s in all the message is a dead letter."""

Ack = Callable[[Delivery, str, dict[str, Any]], None]


class Settlement:
    """Decides nothing; in the I/O thread only."""

    def __init__(self, loop: IoLoop, publishing: Publishing, settings: Settings, *, ack: Ack) -> None:
        self._loop = loop
        self._publishing = publishing
        self._settings = settings
        self._ack = ack

    def carry_out(self, delivery: Delivery, outcome: Outcome, outgoing: list[Outgoing], seconds: float) -> None:
        """Do what the outcome says; calls `ack` once that is safe."""
        fields: dict[str, Any] = {"seconds": seconds}
        if outcome.error is not None:
            fields["error"] = outcome.error
        if outcome.retried:
            self._retry(delivery, outcome, fields)
        elif outcome.dead_lettered:
            self._bury(delivery, outcome, fields)
        elif outgoing:
            self._publish_all(delivery, outgoing, fields)
        else:
            self._ack(delivery, "acked", fields)

    def _publish_all(self, delivery: Delivery, outgoing: list[Outgoing], fields: dict[str, Any]) -> None:
        left = len(outgoing)
        failures: list[PublishFailed] = []

        def done(error: PublishFailed | None) -> None:
            nonlocal left
            left -= 1
            if error is not None:
                failures.append(error)
            if left == 0 and not failures:
                self._ack(delivery, "acked", fields | {"published": len(outgoing)})
            elif left == 0:
                # As if the handler had raised it: what was confirmed will be published again, under the same ids.
                outcome = judge(failures[0], attempt=delivery.attempt, backoff=self._settings.retry)
                self.carry_out(delivery, outcome, [], fields["seconds"])

        for message in outgoing:
            self._publish(delivery, message, done)

    def _publish(self, delivery: Delivery, message: Outgoing, done: Done) -> None:
        self._publishing.publish(message, done, wanted=lambda: not delivery.lost)

    def _retry(
        self, delivery: Delivery, outcome: Outcome, fields: dict[str, Any], *, wait: float = RUNG_FIRST_WAIT
    ) -> None:
        delay = outcome.delay or 0
        rung = rung_queue(delivery.queue, delay)

        def declared(error: PublishFailed | None) -> None:
            if error is not None:
                # Delayed by a queue with other arguments the message might never come back. As a dead letter it is
                # safe, and seen.
                log.error("cannot use the retry queue, the message goes to the dead letters: %s", error)
                reason = "retry_queue_unusable"
                self._bury(delivery, dataclasses.replace(outcome, kind="dead_lettered", reason=reason), fields)
                return
            self._publish(delivery, retry_message(delivery, delay), published)

        def published(error: PublishFailed | None) -> None:
            if error is None:
                self._ack(delivery, "retried", fields | {"delay": in_words(delay)})
                return
            # Deleted since it was declared, or (a nack) without a leader for the moments after a broker's restart.
            self._publishing.forget(rung)
            if wait > RUNG_LAST_WAIT:
                declared(error)
            else:
                self._loop.later(wait, again)

        def again() -> None:
            if not delivery.lost:
                self._retry(delivery, outcome, fields, wait=wait * 2)

        self._publishing.declare(rung, rung_arguments(delivery.queue, delay), declared)

    def _bury(self, delivery: Delivery, outcome: Outcome, fields: dict[str, Any], *, wait: float = FIRST_RETRY) -> None:
        queue = self._settings.dead_letters
        message = dead_message(delivery, outcome, queue=queue, consumer=self._settings.consumer)

        def declared(error: PublishFailed | None) -> None:
            if error is not None:
                # A queue of that name with other arguments, or no right to declare it: any queue will do, and if
                # there is none the mandatory publish says so.
                log.warning("cannot declare the dead-letter queue, using it as it is: %s", error)
            self._publish(delivery, message, published)

        def published(error: PublishFailed | None) -> None:
            if error is None:
                self._ack(delivery, "dead_lettered", fields | {"reason": outcome.reason, "dead_letter_queue": queue})
                return
            log.error("cannot write a dead letter, next try in %.0f s: %s", wait, error)
            self._publishing.forget(queue)
            self._loop.later(wait, again)

        def again() -> None:
            if not delivery.lost:
                self._bury(delivery, outcome, fields, wait=min(LAST_RETRY, wait * 2))

        self._publishing.declare(queue, {"x-queue-type": "quorum"}, declared)
