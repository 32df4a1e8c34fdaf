"""Try a handler without a broker."""

from collections.abc import Mapping
from typing import Any

import pika

from qc_consumer.body import encode_body
from qc_consumer.delivery import ATTEMPT, Delivery, Outgoing
from qc_consumer.handler import Handler
from qc_consumer.identifiers import new_message_id
from qc_consumer.outcome import Outcome, judge
from qc_consumer.retry import Backoff
from qc_consumer.settings import DEFAULT_BACKOFF


class HandlerRun(Outcome):
    """An outcome, and what the handler wanted published."""

    published: tuple[Outgoing, ...] = ()


def run_handler(
    handle: Any,
    body: object,
    *,
    headers: Mapping[str, Any] | None = None,
    message_id: str | None = None,
    attempt: int = 1,
    redelivered: bool = False,
    content_type: str | None = None,
    retry: Backoff | None = DEFAULT_BACKOFF,
) -> HandlerRun:
    """Run a handler with a body as the consumer would, encoded and decoded again, and give what would follow."""
    payload, natural_type = encode_body(body)
    properties = pika.BasicProperties(
        content_type=content_type or natural_type,
        headers={**(headers or {}), ATTEMPT: attempt},
        message_id=message_id or new_message_id(),
    )
    delivery = Delivery(queue="test", raw=payload, properties=properties, redelivered=redelivered)
    error: BaseException | None = None
    try:
        Handler.of(handle).run(delivery)
    except Exception as raised:  # noqa: BLE001 - it is what the outcome is made of
        error = raised
    outcome = judge(error, attempt=attempt, backoff=retry)
    run = HandlerRun(kind=outcome.kind, reason=outcome.reason, error=outcome.error, delay=outcome.delay)
    object.__setattr__(run, "published", tuple(delivery.end()) if error is None else ())
    return run
