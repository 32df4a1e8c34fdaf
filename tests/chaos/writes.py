"""Who wrote which replicas when, as the API server's audit log has it, and who held the Lease then.

The order is that of resourceVersions: a write counts where it was committed. tests/e2e/leadership/audit.py says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write of replicas that the API server has made."""

    by: str
    """The user, which is the operator process."""
    namespace: str
    name: str
    replicas: int
    at: float
    """Seconds since the epoch."""
    version: int


class Writes:
    """All of them, from an entry of the log on; Leases from its beginning."""

    def __init__(self, events: Sequence[dict[str, Any]], *, since: int = 0) -> None:
        made = [event for event in events if _made(event)]
        scaled = [event for event in events[since:] if event["objectRef"].get("subresource") == "scale"]
        self.scales = sorted((_write(event) for event in scaled if _made(event)), key=lambda write: write.version)
        self._holders = sorted(
            (
                int(event["responseObject"]["metadata"]["resourceVersion"]),
                event["objectRef"].get("name") or event["responseObject"]["metadata"]["name"],
                event["responseObject"]["spec"].get("holderIdentity") or "",
            )
            for event in made
            if event["objectRef"]["resource"] == "leases"
        )

    def of(self, name: str) -> list[Write]:
        """Of one target."""
        return [write for write in self.scales if write.name == name]

    def numbers(self, name: str) -> list[int]:
        """What was written for one target, one after the other."""
        return [write.replicas for write in self.of(name)]

    def holder(self, lease: str, *, before: int) -> str:
        """Which user held the Lease when a version came to be."""
        held = [holder for version, name, holder in self._holders if name == lease and version < before]
        # A holder is called after its pod, with a suffix that is another one after each start.
        return held[-1].rpartition("_")[0] if held else ""

    def unrightful(self, lease: str, *, among: Iterable[str] | None = None) -> list[Write]:
        """Writes by one who did not hold the Lease."""
        names = None if among is None else set(among)
        return [
            write
            for write in self.scales
            if (names is None or write.name in names) and self.holder(lease, before=write.version) != write.by
        ]

    def turns(self) -> list[str]:
        """Who wrote, one after the other."""
        users: list[str] = []
        for write in self.scales:
            if users[-1:] != [write.by]:
                users.append(write.by)
        return users


def _made(event: dict[str, Any]) -> bool:
    return event["stage"] == "ResponseComplete" and int(event["responseStatus"]["code"]) in range(200, 300)


def _write(event: dict[str, Any]) -> Write:
    answer, of = event["responseObject"], event["objectRef"]
    return Write(
        by=event["user"]["username"],
        namespace=of["namespace"],
        name=of["name"],
        replicas=int(answer["spec"].get("replicas", 0)),
        at=datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
        version=int(answer["metadata"]["resourceVersion"]),
    )
