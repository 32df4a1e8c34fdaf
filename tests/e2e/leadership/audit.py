"""What the API server's audit log says about who wrote when, and whether two ever did at the same time.

The order is that of resourceVersions, which is that of etcd's revisions: a write counts where it was committed,
whenever its request was sent, received and answered. A write is rightful if the latest version of the Lease before it
names whoever wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Note:
    """One request that would write, and what came of it."""

    by: str
    """Its user agent."""
    to: str
    """The resource, such as `deployments/scale`."""
    name: str
    received: float
    answered: float
    """Seconds since the epoch, both."""
    status: int
    version: int
    """The resourceVersion that came of it; 0 if none did."""
    holder: str
    """For a Lease: what it says from then on."""


def note(event: dict[str, Any]) -> Note | None:
    """Read a line of the log; None for what is no end of a request."""
    if event["stage"] not in {"ResponseComplete", "Panic"}:
        return None
    of = event["objectRef"]
    answer = event.get("responseObject") or {}
    status = int(event.get("responseStatus", {}).get("code", 0))
    written = 200 <= status < 300 and event["verb"] != "delete"
    return Note(
        by=event.get("userAgent", ""),
        to="/".join(part for part in (of["resource"], of.get("subresource")) if part),
        name=of.get("name") or answer.get("metadata", {}).get("name", ""),
        received=_seconds(event["requestReceivedTimestamp"]),
        answered=_seconds(event["stageTimestamp"]),
        status=status,
        version=int(answer.get("metadata", {}).get("resourceVersion") or 0) if written else 0,
        holder=answer.get("spec", {}).get("holderIdentity", "") if of["resource"] == "leases" else "",
    )


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


class History:
    """Everything that was written for one Lease, from one moment of the log on."""

    def __init__(self, notes: Sequence[Note], *, lease: str, name: str, writers: Sequence[str]) -> None:
        written = sorted((found for found in notes if found.version), key=lambda found: found.version)
        self.leases = [found for found in written if found.to == "leases" and found.name == lease]
        self.writes = [found for found in written if found.name == name and found.by in writers]
        self.tries = [found for found in notes if found.name == name and found.by in writers]
        """Those as well that were refused, or given up by the API server."""

    def holder(self, version: int) -> str:
        """Who had the Lease when this version came to be."""
        return next((lease.holder for lease in reversed(self.leases) if lease.version < version), "")

    def unrightful(self, *, to: str | None = None) -> list[Note]:
        """Writes by one who did not have the Lease."""
        return [
            write for write in self.writes if self.holder(write.version) != write.by and (to is None or write.to == to)
        ]

    def turns(self) -> list[str]:
        """Who wrote, one after the other."""
        writers: list[str] = []
        for write in self.writes:
            if writers[-1:] != [write.by]:
                writers.append(write.by)
        return writers

    def gap(self, before: str, after: str) -> float:
        """Seconds from when the last write of one was answered until the first of the next was received."""
        first = next(write for write in self.writes if write.by == after and write.version > self.last(before).version)
        return first.received - self.last(before).answered

    def last(self, by: str) -> Note:
        """The last write of a process."""
        return [write for write in self.writes if write.by == by][-1]

    def doubtful(self) -> list[Note]:
        """Tries that the API server neither made nor refused, as far as the log tells."""
        return [found for found in self.tries if not found.version and not 400 <= found.status < 500]
