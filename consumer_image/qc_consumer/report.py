"""Tells about each delivery that is done with: one line of log and one count, never the body."""

import logging
from typing import Any

from qc_consumer.delivery import Delivery
from qc_consumer.metrics import Metrics

log = logging.getLogger("qc_consumer")

LEVELS = {"retried": logging.WARNING, "lost": logging.WARNING, "dead_lettered": logging.ERROR}

ERROR_CHARACTERS = 500


def report(
    metrics: Metrics,
    delivery: Delivery,
    outcome: str,
    *,
    seconds: float | None = None,
    error: BaseException | None = None,
    **more: Any,
) -> None:
    """Log and count an outcome: acked, retried, dead_lettered, returned, duplicate or lost."""
    metrics.outcome(outcome)
    level = LEVELS.get(outcome, logging.INFO)
    if not log.isEnabledFor(level):
        return
    fields: dict[str, Any] = {
        "queue": delivery.queue,
        "outcome": outcome,
        "message_id": delivery.message_id,
        "correlation_id": delivery.correlation_id,
        "attempt": delivery.attempt,
        "redelivered": delivery.redelivered,
    }
    if seconds is not None:
        fields["seconds"] = round(seconds, 4)
    if error is not None:
        fields["error"] = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]
    # The stack of a handler's own error is worth reading, that of Retry or Reject says nothing.
    stack = error if error is not None and not type(error).__module__.startswith("qc_consumer") else None
    log.log(level, "message %s", outcome, extra={"fields": fields | more}, exc_info=stack)
