"""The last word on an object whose namespace is served no longer.

Without it the status would stand as it was, Ready and with the numbers of that day, and be believed. Whoever serves the
namespace from then on, be it another release, goes on from this status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from qc_operator.cluster.back_off import BackOff
from qc_operator.cluster.client import ApiError
from qc_operator.conditions import Condition
from qc_operator.registry import Known
from qc_operator.surroundings import Surroundings

REASON: Final = "NotServed"
TRIES: Final = 5
"""Of the status, while the API server is in trouble: 15 s in all."""

log = logging.getLogger(__name__)


def conditions(*, namespace: str, told: Iterable[str]) -> tuple[Condition, ...]:
    """All conditions that the status has by now: nobody knows any more whether they hold."""
    messages = {
        "Ready": (
            f"the labels of namespace {namespace} are not those of QC_NAMESPACE_SELECTOR any more, so the queues are "
            "not read and the target keeps its replicas; give it the labels back, or delete the QueueConsumer"
        ),
        "Active": "the queues are not read",
    }
    return tuple(
        Condition(type=name, status="Unknown", reason=REASON, message=messages.get(name, messages["Active"]))
        for name in dict.fromkeys((*messages, *told))
    )


def said_in(known: Known) -> bool:
    """Whether the status at the API server says so. Asked of each echo of a status, so it is not decoded."""
    return f'"reason":"{REASON}"'.encode() in known.stored_status


async def tell(*, known: Known, status: Mapping[str, Any], around: Surroundings) -> None:
    """Write the status that says so, if the API server takes it."""
    back_off = BackOff()
    for _ in range(TRIES):
        try:
            await around.statuses.write(key=known.key, uid=known.uid, status=lambda: status)
        except ApiError as error:
            if error.not_found:
                return
            if not error.passing:
                log.warning("%s: its status does not say that it is served no longer: %s", known.key, error)
                return
            await asyncio.sleep(back_off.pause(asked_for=error.retry_after))
        else:
            return
