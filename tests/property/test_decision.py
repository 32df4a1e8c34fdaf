"""What holds for every decision, whatever is observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.decision import decide
from qc_operator.scaling.memory import Memory
from qc_operator.scaling.observation import (
    LEFT_OUT,
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
from qc_operator.scaling.reasons import Limit
from qc_operator.scaling.stabilization import Answers, PastAnswer

NOW = 10_000.0
TODAY = datetime(2026, 11, 27, 12, tzinfo=UTC)
times = st.floats(min_value=NOW - 300, max_value=NOW)
counts = st.integers(min_value=0, max_value=10**7)


@st.composite
def specs(draw: st.DrawFn) -> QueueConsumerSpec:
    most = draw(st.integers(1, 200))
    up = draw(st.integers(1, 1000))
    return parse(
        {
            "scaleTargetRef": {"name": "t"},
            "broker": {"secretName": "s"},
            "queues": [
                {
                    "pattern": "q",
                    "aggregate": draw(st.sampled_from(["Sum", "Max", "Average"])),
                    "lag": {
                        "scaleUpAbove": up,
                        "scaleDownBelow": draw(st.integers(1, up)),
                        "count": draw(st.sampled_from(["Total", "Ready"])),
                    },
                }
            ],
            "minReplicas": draw(st.integers(0, most)),
            "maxReplicas": most,
            "activateAbove": draw(st.integers(0, 50)),
            "idleAfterSeconds": draw(st.integers(0, 120)),
            "idleEvidence": draw(st.sampled_from(["ReadyAndUnacked", "ReadyOnly"])),
        }
    )


depths = st.builds(Depth, ready=counts, consumers=counts, at=times)
unreadable = st.one_of(
    st.builds(Missing, message=st.just("no queue"), at=times),
    st.builds(Unknown, cause=st.just("BrokerUnreachable"), message=st.just("refused"), at=times),
)
all_totals = st.one_of(
    st.builds(
        lambda at, latency, **named: Totals(at=at, answered_at=at + latency, **named),
        at=times,
        latency=st.floats(0, 4),
        ready=counts,
        unacknowledged=counts,
    ),
    st.builds(Unknown, cause=st.sampled_from(["ManagementUnreachable", LEFT_OUT]), message=st.just("no"), at=times),
    st.just(Unavailable(message="no management API")),
)
unmatchable = st.one_of(
    st.none(), st.builds(Unknown, cause=st.just("ManagementUnreachable"), message=st.just("refused"), at=times)
)
memories = st.builds(
    Memory,
    since=times,
    busy_at=times,
    answers=st.lists(st.builds(PastAnswer, at=times, replicas=st.integers(0, 200)), max_size=5).map(
        lambda answers: Answers(down=tuple(answers))
    ),
)


facts = st.one_of(
    st.none(),
    st.builds(
        QueueFacts,
        type=st.sampled_from(["classic", "quorum"]),
        single_active_consumer=st.booleans(),
        state=st.sampled_from(["", "running", "minority"]),
    ),
)


def observations(
    readings: st.SearchStrategy, *, most: int = 3, unmatched: st.SearchStrategy = unmatchable
) -> st.SearchStrategy[Observation]:
    """An entry with a pattern, which as many queues match as it may."""
    queue = st.builds(
        QueueObservation,
        name=st.just("q"),
        vhost=st.just("/"),
        depth=readings,
        totals=all_totals,
        arrived=counts,
        facts=facts,
    )
    entry = st.builds(
        EntryObservation,
        name=st.just("q"),
        vhost=st.just("/"),
        queues=st.lists(queue, min_size=1, max_size=most).map(tuple),
        pattern=st.just(value=True),
        unmatched=unmatched,
        alarmed=st.booleans(),
    )
    replicas = st.integers(0, 200)
    return st.builds(Observation, entries=st.tuples(entry), current=replicas, running=replicas)


@given(spec=specs(), observation=observations(st.one_of(depths, unreadable)), memory=memories)
def test_the_answer_is_always_within_the_bounds(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)

    assert spec.min_replicas <= decision.replicas <= spec.max_replicas
    assert decision.message


@given(spec=specs(), observation=observations(unreadable), memory=memories)
def test_what_cannot_be_read_moves_nothing_but_the_bounds_do(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)

    assert min(max(observation.current, spec.min_replicas), spec.max_replicas) == decision.replicas


@given(spec=specs(), observation=observations(depths), memory=memories)
def test_zero_needs_the_knowledge_that_nothing_is_ready(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)

    entry = observation.entries[0]
    if observation.current > 0 and decision.replicas == 0:
        assert entry.ready == 0
        assert not entry.alarmed
        assert entry.unmatched is None
        for queue in observation.queues:
            # What nobody consumes and nothing confirms may be a queue without a leader.
            assert queue.depth.consumers or isinstance(queue.totals, Totals) or queue.facts or not observation.running
            if spec.idle_evidence == "ReadyAndUnacked":
                assert (0, 0) == (queue.totals.ready, queue.totals.unacknowledged)


@given(spec=specs(), observation=observations(depths, unmatched=st.none()), memory=memories)
def test_an_alarm_and_a_list_that_is_not_known_never_lower_the_answer(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    (entry,) = observation.entries
    lost = Unknown(cause="ManagementUnreachable", message="refused", at=NOW)

    for worse in (replace(entry, alarmed=True), replace(entry, unmatched=lost)):
        seen = replace(observation, entries=(worse,))
        decision = decide(spec=spec, observation=seen, memory=memory, now=NOW, at=TODAY)

        assert decision.replicas >= min(observation.current, spec.max_replicas)


@given(spec=specs(), observation=observations(depths))
def test_a_step_down_never_comes_from_a_fresh_memory(spec: QueueConsumerSpec, observation: Observation) -> None:
    fresh = Memory(since=NOW, busy_at=NOW)

    decision = decide(spec=spec, observation=observation, memory=fresh, now=NOW, at=TODAY)

    assert decision.replicas >= min(observation.current, spec.max_replicas)


@given(spec=specs(), observation=observations(depths), memory=memories, more=st.integers(1, 10**6))
def test_more_ready_messages_never_ask_for_fewer_replicas(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory, more: int
) -> None:
    (entry,) = observation.entries
    first, *others = entry.queues
    deeper = Depth(ready=first.depth.ready + more, consumers=first.depth.consumers, at=first.depth.at)
    fuller = replace(entry, queues=(replace(first, depth=deeper, arrived=first.arrived + more), *others))

    before = decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)
    after = decide(spec=spec, observation=replace(observation, entries=(fuller,)), memory=memory, now=NOW, at=TODAY)

    assert after.replicas >= before.replicas


@given(spec=specs(), observation=observations(depths), memory=memories)
def test_the_same_moment_decided_twice_gives_the_same_answer(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    first = decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)

    assert first == decide(spec=spec, observation=observation, memory=memory, now=NOW, at=TODAY)


def test_limits_are_words_of_a_closed_list() -> None:
    assert {"none", "min", "max", "upPolicy", "downPolicy", "stabilization", "busyFloor", "paused", "guard"} == {
        limit.value for limit in Limit
    }
