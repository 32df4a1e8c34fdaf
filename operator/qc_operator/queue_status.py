"""`status.queues`: what is known of each entry of the spec, and of the flow through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qc_operator.scaling.observation import Depth, EntryObservation, Missing, Totals
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.readings import NOT_READ_YET
from qc_operator.scaling.situation import Waiting


def entry_status(entry: EntryObservation, *, at: str, previous: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of `status.queues`: a queue, or all queues that a pattern matches taken together."""
    told: dict[str, Any] = {"name": entry.name}
    if entry.vhost:
        told["vhost"] = entry.vhost
    before = _before(entry, previous)
    if entry.pattern:
        # While some were not read yet, the number that was told before stands.
        matched = entry.matched if entry.matched is not None else before.get("matched")
        if matched is not None:
            told["matched"] = matched
    if (ready := entry.ready) is not None:
        told |= {"state": "Read", "ready": ready, "readAt": at}
        if (unacknowledged := entry.unacknowledged) is not None:
            told["unacknowledged"] = unacknowledged
        else:
            unread = next(queue.totals for queue in entry.queues if not isinstance(queue.totals, Totals))
            if "unacknowledged" in before and getattr(unread, "cause", None) == NOT_READ_YET:
                # After a change of leader it is read within seconds. Two writes for each object would be all it brings.
                return told | {"unacknowledged": before["unacknowledged"]}
            told["message"] = f"unacknowledged not known: {unread.message}"[:1024]
        return told
    depth = entry.unmatched or next(queue.depth for queue in entry.queues if not isinstance(queue.depth, Depth))
    told["state"] = "Missing" if isinstance(depth, Missing) else "Unknown"
    told["message"] = depth.message[:1024]
    if "readAt" in before:
        # The time of the last reading tells how old the knowledge is that replicas rest on.
        told["readAt"] = before["readAt"]
    return told


def _before(entry: EntryObservation, previous: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the status said of the entry before."""
    for known in previous.get("queues", ()):
        if known.get("name") == entry.name and known.get("vhost", "") == entry.vhost:
            told: Mapping[str, Any] = known
            return told
    return {}


def flow_status(rates: Rates, *, wait: Waiting | None) -> dict[str, str]:
    """What is known of the flow through an entry; a figure that is not known is left out."""
    figures = {
        "arrivalsPerSecond": rates.arrivals,
        "acknowledgementsPerSecond": rates.acknowledgements,
        "throughputPerReplica": rates.throughput,
        "waitSeconds": wait.seconds if wait is not None else None,
    }
    told = {name: figure(number) for name, number in figures.items() if number is not None}
    if rates.throughput is not None and rates.throughput_from is not None:
        told["throughputFrom"] = rates.throughput_from
    return told


def figure(number: float) -> str:
    """Three digits: no more is known of a rate, and the status should not change with each reading."""
    if number >= 100:  # noqa: PLR2004 - three digits before the point
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"  # noqa: PLR2004 - two digits before it
