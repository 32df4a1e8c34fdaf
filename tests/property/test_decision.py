"""What holds for every decision, whatever is observed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.resource import QueueConsumerSpec, parse
from qc_operator.scaling.decision import Limit, Memory, decide
from qc_operator.scaling.observation import Depth, Missing, Observation, QueueObservation, Totals, Unknown
from qc_operator.scaling.stabilization import Answer, largest, record

NOW = 10_000.0
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
                    "name": "q",
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
    st.builds(Unknown, cause=st.just("ManagementUnreachable"), message=st.just("refused"), at=times),
)
memories = st.builds(
    Memory,
    since=times,
    busy_at=times,
    answers=st.lists(st.builds(Answer, at=times, replicas=st.integers(0, 200)), max_size=5).map(tuple),
)


def observations(readings: st.SearchStrategy) -> st.SearchStrategy[Observation]:
    queues = st.builds(
        QueueObservation, name=st.just("q"), vhost=st.just("/"), depth=readings, totals=all_totals, arrived=counts
    )
    return st.builds(Observation, queues=st.tuples(queues), current=st.integers(0, 200))


@given(spec=specs(), observation=observations(st.one_of(depths, unreadable)), memory=memories)
def test_the_answer_is_always_within_the_bounds(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW)

    assert spec.min_replicas <= decision.replicas <= spec.max_replicas
    assert decision.message


@given(spec=specs(), observation=observations(unreadable), memory=memories)
def test_what_cannot_be_read_moves_nothing_but_the_bounds_do(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW)

    assert min(max(observation.current, spec.min_replicas), spec.max_replicas) == decision.replicas


@given(spec=specs(), observation=observations(depths), memory=memories)
def test_zero_needs_the_knowledge_that_nothing_is_ready(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    decision = decide(spec=spec, observation=observation, memory=memory, now=NOW)

    depth, totals = observation.queues[0].depth, observation.queues[0].totals
    if observation.current > 0 and decision.replicas == 0:
        assert depth.ready == 0
        if spec.idle_evidence == "ReadyAndUnacked":
            assert (0, 0) == (totals.ready, totals.unacknowledged)


@given(spec=specs(), observation=observations(depths))
def test_a_step_down_never_comes_from_a_fresh_memory(spec: QueueConsumerSpec, observation: Observation) -> None:
    fresh = Memory(since=NOW, busy_at=NOW)

    decision = decide(spec=spec, observation=observation, memory=fresh, now=NOW)

    assert decision.replicas >= min(observation.current, spec.max_replicas)


@given(spec=specs(), observation=observations(depths), memory=memories, more=st.integers(1, 10**6))
def test_more_ready_messages_never_ask_for_fewer_replicas(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory, more: int
) -> None:
    queue = observation.queues[0]
    deeper = Depth(ready=queue.depth.ready + more, consumers=queue.depth.consumers, at=queue.depth.at)
    fuller = QueueObservation(name="q", vhost="/", depth=deeper, totals=queue.totals, arrived=queue.arrived + more)

    before = decide(spec=spec, observation=observation, memory=memory, now=NOW)
    after = decide(
        spec=spec, observation=Observation(queues=(fuller,), current=observation.current), memory=memory, now=NOW
    )

    assert after.replicas >= before.replicas


@given(spec=specs(), observation=observations(depths), memory=memories)
def test_the_same_moment_decided_twice_gives_the_same_answer(
    spec: QueueConsumerSpec, observation: Observation, memory: Memory
) -> None:
    first = decide(spec=spec, observation=observation, memory=memory, now=NOW)

    assert first == decide(spec=spec, observation=observation, memory=memory, now=NOW)


@given(
    answers=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), min_size=1, max_size=40).map(sorted),
    window=st.floats(1, 100),
)
def test_the_window_keeps_the_largest_of_all_recent_answers(answers: list[tuple[float, int]], window: float) -> None:
    kept: tuple[Answer, ...] = ()
    for at, replicas in answers:
        kept = record(answers=kept, replicas=replicas, now=at, window=window)

    end = answers[-1][0]
    recent = [replicas for at, replicas in answers if at > end - window]
    assert max(recent) == largest(answers=kept)
    assert len(kept) <= 51


def test_limits_are_words_of_a_closed_list() -> None:
    assert {"none", "min", "max", "stabilization", "guard"} == {limit.value for limit in Limit}
