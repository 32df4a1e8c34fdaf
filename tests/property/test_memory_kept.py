"""Whatever a status says, by whomever it was written, a new process starts with a memory that it can use."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.memory_kept import restored
from qc_operator.registry import read
from qc_operator.scaling import behavior as policies
from qc_operator.scaling.decision import decide
from tests.unit.operator.conftest import body, known, observed, wall

NOW = 10_000.0
UP = {"type": "Pods", "value": 3, "periodSeconds": 600}
DOWN = {"type": "Percent", "value": 10, "periodSeconds": 1800}
BEHAVIOR = {"scaleUp": {"policies": [UP]}, "scaleDown": {"policies": [DOWN]}}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
replicas = st.integers(0, 1000) | st.integers() | anything
times = (
    st.integers(-3600, 7200).map(lambda ago: f"{wall(NOW) - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}")
    | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "now"])
    | anything
)
changes = st.fixed_dictionaries(
    {
        "time": times,
        "from": replicas,
        "to": replicas,
        "reason": st.sampled_from(["Override", "Idle", "WokeUp"]) | anything,
    }
)
histories = st.lists(changes | anything, max_size=30) | anything
statuses = st.fixed_dictionaries(
    {
        "history": histories,
        "columns": st.just({"target": "Deployment/receipts"}) | anything,
        "learned": anything,
        "observedGeneration": st.just(1) | anything,
    }
)


@given(status=statuses, ready=st.integers(0, 10_000), current=st.integers(0, 1000))
@settings(max_examples=300, deadline=None)
def test_no_status_keeps_a_process_from_deciding(status: dict[str, object], ready: int, current: int) -> None:
    metadata = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1}
    seen = read({"metadata": metadata, "spec": body(behavior=BEHAVIOR, maxReplicas=1000), "status": status})

    memory = restored(known=seen, now=NOW, at=wall(NOW))

    assert len(memory.changes) <= policies.CHANGES_MOST
    assert all(change.since <= change.at and NOW - 1800.0 < change.at <= NOW for change in memory.changes)
    assert memory.changed_at is not None
    assert memory.changed_at <= NOW
    assert seen.spec is not None
    observation = observed(known(ready=ready, unacknowledged=0, at=NOW), current=current)
    decision = decide(spec=seen.spec, observation=observation, memory=memory, now=NOW, at=wall(NOW))
    assert 0 <= decision.replicas <= 1000
