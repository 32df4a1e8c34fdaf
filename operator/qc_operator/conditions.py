"""Status conditions: built, merged with those already there, and compared.

The rules are the Kubernetes API conventions': a list keyed by `type`, `reason` one CamelCase word, `message` a
sentence, `lastTransitionTime` moves only with `status`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition as it should be now."""

    type: str
    status: Truth
    reason: str
    message: str


def merge(
    *,
    previous: Iterable[Mapping[str, Any]],
    current: Sequence[Condition],
    generation: int,
    now: str,
) -> list[dict[str, Any]]:
    """The list for the status: each current condition, with the time of its last change of status.

    `now` is RFC 3339. Conditions of types that are not in `current` are kept: others may have written them.
    """
    known = {str(condition["type"]): condition for condition in previous}
    merged = []
    for condition in current:
        before = known.pop(condition.type, None)
        changed = before is None or before.get("status") != condition.status
        since = now if changed or before is None else before.get("lastTransitionTime", now)
        merged.append(
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message,
                "observedGeneration": generation,
                "lastTransitionTime": since,
            }
        )
    return [*merged, *(dict(condition) for condition in known.values())]
