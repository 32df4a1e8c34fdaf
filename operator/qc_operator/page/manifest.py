"""A QueueConsumer as YAML that `kubectl apply` takes."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import yaml
from msgspec.structs import replace

from qc_operator.registry import Key
from qc_operator.resource import GROUP, VERSION, QueueConsumerSpec

EMPTY: Final[tuple[object, ...]] = (None, [], ())


def manifest(key: Key, spec: QueueConsumerSpec) -> str:
    """The object with its whole spec, defaults included; annotations and labels are the user's own to keep."""
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "QueueConsumer",
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": _bare(msgspec.to_builtins(spec)),
    }
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)
    return text


def raised(spec: QueueConsumerSpec, *, decision: dict[str, Any]) -> QueueConsumerSpec | None:
    """The spec with as many replicas at most as the queues ask for; None where maxReplicas is enough.

    `decision` is `status.lastDecision`.
    """
    if decision.get("limitedBy") != "max":
        return None
    asked = max((step["replicas"] for step in decision.get("steps", ())), default=0)
    return replace(spec, max_replicas=asked) if asked > spec.max_replicas else None


def _bare(value: Any) -> Any:
    """Without the fields that are not set."""
    if isinstance(value, dict):
        return {name: _bare(part) for name, part in value.items() if part not in EMPTY}
    return [_bare(part) for part in value] if isinstance(value, (list, tuple)) else value
