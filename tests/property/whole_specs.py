"""Strategies: any QueueConsumer that the schema accepts, and anything that may be seen of its queues."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.observation import (
    LEFT_OUT,
    Counters,
    Depth,
    EntryObservation,
    Missing,
    Observation,
    QueueFacts,
    QueueObservation,
    Totals,
    Unavailable,
    Unknown,
)
from qc_operator.scaling.pods import Pods, StartedPod

START = 1_000_000.0
TODAY = datetime(2026, 11, 27, 5, 50, tzinfo=UTC)
"""Ten minutes before the schedule of the strategies opens."""

counts = st.integers(0, 10**7)
quantities = st.sampled_from([1, 5, 1000, "0.001", "500m", "2.5", "1k"])
targets = st.fixed_dictionaries(
    {},
    optional={
        "lag": st.integers(1, 1000).flatmap(
            lambda up: st.fixed_dictionaries(
                {"scaleUpAbove": st.just(up)},
                optional={"scaleDownBelow": st.integers(1, up), "count": st.sampled_from(["Total", "Ready"])},
            )
        ),
        "publishRate": st.fixed_dictionaries({"perReplica": quantities}),
        "deliverRate": st.fixed_dictionaries({"perReplica": quantities}),
        "drain": st.fixed_dictionaries({"withinSeconds": st.integers(1, 604_800)}),
        "wait": st.fixed_dictionaries({"objectiveSeconds": st.integers(1, 604_800)}),
        "secondsPerMessage": st.sampled_from([1, "0.001", "0.2", 86400]),
    },
).filter(lambda chosen: bool(chosen.keys() - {"secondsPerMessage"}))
policies = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Pods", "Percent"]),
            "value": st.integers(1, 500),
            "periodSeconds": st.integers(1, 1800),
        }
    ),
    min_size=1,
    max_size=3,
)
rules = st.fixed_dictionaries(
    {},
    optional={
        "stabilizationWindowSeconds": st.integers(0, 3600),
        "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
        "policies": policies,
        "tolerance": st.sampled_from(["0", "0.1", "100m", 1]),
    },
)
behaviors = st.fixed_dictionaries({}, optional={"scaleUp": rules, "scaleDown": rules})


@st.composite
def specs(draw: st.DrawFn, *, entries: int = 3, fields: frozenset[str] | None = None) -> QueueConsumerSpec:
    """Any spec; `fields` are those of the optional ones that may be there, all where it is None."""
    most = draw(st.integers(1, 200))
    queues = [
        {"name": f"q{index}"} | draw(targets)
        if draw(st.booleans())
        else {"pattern": f"q{index}", "aggregate": draw(st.sampled_from(["Sum", "Max", "Average"]))} | draw(targets)
        for index in range(draw(st.integers(1, entries)))
    ]
    given: dict[str, Any] = {
        "scaleTargetRef": {"name": "t"},
        "broker": {"secretName": "s"},
        "queues": queues,
        "minReplicas": draw(st.integers(0, most)),
        "maxReplicas": most,
        "activateAbove": draw(st.integers(0, 50)),
        "idleAfterSeconds": draw(st.integers(0, 120)),
        "idleEvidence": draw(st.sampled_from(["ReadyAndUnacked", "ReadyOnly"])),
    }
    least = draw(st.integers(0, most))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "behavior": behaviors,
        "fallback": st.one_of(
            st.fixed_dictionaries(
                {
                    "afterSeconds": st.integers(1, 60),
                    "replicas": st.integers(0, most),
                    "policy": st.sampled_from(["AtLeast", "AtMost", "Exactly"]),
                }
            ),
            st.just({"afterSeconds": 5, "policy": "KeepCurrent"}),
        ),
        "schedules": st.just(
            [{"name": "day", "start": "0 6 * * *", "end": "0 18 * * *", "minReplicas": least, "maxReplicas": most}]
        ),
    }
    for field, strategy in optional.items():
        if (fields is None or field in fields) and draw(st.booleans()):
            given[field] = draw(strategy)
    return parse(given)


def _queue(at: float, *, readable: bool) -> st.SearchStrategy[QueueObservation]:
    lost = st.one_of(
        st.builds(Missing, message=st.just("no queue"), at=st.just(at)),
        st.builds(Unknown, cause=st.just("BrokerUnreachable"), message=st.just("refused"), at=st.just(at)),
    )
    depth = st.builds(Depth, ready=counts, consumers=st.integers(0, 300), at=st.just(at))
    totals = st.one_of(
        st.builds(
            lambda ago, latency, **named: Totals(at=at - ago - latency, answered_at=at - ago, **named),
            ago=st.floats(0, 30),
            latency=st.floats(0, 4),
            ready=counts,
            unacknowledged=counts,
        ),
        st.builds(
            Unknown,
            cause=st.sampled_from(["ManagementUnreachable", LEFT_OUT]),
            message=st.just("no"),
            at=st.just(at),
        ),
        st.just(Unavailable(message="no management API")),
    )
    facts = st.builds(
        QueueFacts,
        type=st.sampled_from(["classic", "quorum"]),
        single_active_consumer=st.booleans(),
        state=st.sampled_from(["", "running", "minority"]),
    )
    counters = st.builds(
        Counters,
        published=counts,
        acknowledged=counts,
        delivered=counts,
        at=st.floats(0, 30).map(lambda ago: at - ago),
    )
    return st.builds(
        QueueObservation,
        name=st.sampled_from(["a", "b"]),
        vhost=st.just("/"),
        depth=depth if readable else st.one_of(depth, lost),
        totals=totals,
        arrived=counts,
        facts=st.one_of(st.none(), facts),
        counters=st.one_of(st.none(), counters),
    )


@st.composite
def observations(
    draw: st.DrawFn, *, spec: QueueConsumerSpec, at: float, current: int, readable: bool = False
) -> Observation:
    """Anything that may be seen at this moment of the queues of the spec and of the target."""
    lost = Unknown(cause="ManagementUnreachable", message="refused", at=at)
    entries = []
    for source in spec.queues:
        pattern = source.pattern is not None
        queues = draw(
            st.lists(_queue(at, readable=readable), min_size=0 if pattern else 1, max_size=2 if pattern else 1)
        )
        entries.append(
            EntryObservation(
                name=source.name or source.pattern or "",
                vhost="/",
                queues=tuple(queues),
                pattern=pattern,
                unmatched=lost if pattern and not readable and draw(st.booleans()) else None,
                alarmed=not readable and draw(st.booleans()),
            )
        )
    running = draw(st.integers(0, 220))
    pods = st.builds(
        Pods,
        ready=st.integers(0, running),
        starting=st.lists(st.floats(0, 600).map(lambda ago: at - ago), max_size=4).map(sorted).map(tuple),
        unschedulable=st.integers(0, 5),
        why_unschedulable=st.just("0/3 nodes are available: 3 Insufficient cpu."),
        started=st.lists(
            st.floats(0, 300).map(lambda ago: StartedPod(created=at - ago - 5, ready=at - ago)), max_size=4
        ).map(tuple),
        at=st.floats(0, 90).map(lambda ago: at - ago),
    )
    return Observation(entries=tuple(entries), current=current, running=running, pods=draw(st.one_of(st.none(), pods)))
