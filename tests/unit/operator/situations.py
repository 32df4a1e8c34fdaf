"""Short ways to say what a target is asked about: one queue, its rates, and the replicas that there are."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from qc_operator.scaling.observation import EntryObservation, QueueObservation
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.situation import Situation
from tests.unit.operator.conftest import entry, known, spec

NOW = 1000.0


def rates(**changes: Any) -> Rates:
    """Rates that have just been read: 10 messages a second arrive, a replica manages 2."""
    usual = Rates(
        arrivals=10.0,
        deliveries=10.0,
        acknowledgements=10.0,
        throughput=2.0,
        throughput_from="learned",
        acknowledged=500,
        at=NOW,
    )
    return replace(usual, **changes)


def waiting(ready: int, unacknowledged: int = 0) -> QueueObservation:
    """A queue that both lanes have just read."""
    return known(ready=ready, unacknowledged=unacknowledged, at=NOW)


def situation(
    *queues: QueueObservation,
    target: dict[str, Any],
    seen: EntryObservation | None = None,
    current: int = 5,
    behavior: dict[str, Any] | None = None,
    **changes: Any,
) -> Situation:
    """A target with `current` replicas, all at work; pods take 40 s to start, counters are read every 5 s.

    What the rates are to be is given as `rates` or by their names.
    """
    given = {name: changes.pop(name) for name in Rates.__struct_fields__ if name in changes}
    decoded = spec(queues=[{"name": "receipts"} | target], maxReplicas=50, behavior=behavior or {})
    assert decoded.behavior is not None
    usual = Situation(
        source=decoded.queues[0],
        entry=seen or entry(*(queues or (waiting(0),))),
        rates=rates(**given),
        current=current,
        running=current,
        effective=float(current),
        start_seconds=40.0,
        start_observed=True,
        poll_seconds=5.0,
        changed_at=None,
        max_replicas=50,
        now=NOW,
        behavior=decoded.behavior,
    )
    return replace(usual, **changes)
