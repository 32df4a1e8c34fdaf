"""What holds for every target's answer, whatever is known, and for whatever numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace as changed
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from qc_operator.resource import Queue
from qc_operator.scaling.drain import drain
from qc_operator.scaling.erlang import servers
from qc_operator.scaling.observation import Depth, EntryObservation, QueueObservation, Totals, Unavailable, Unknown
from qc_operator.scaling.rate_targets import deliver_rate, publish_rate
from qc_operator.scaling.rates import Rates
from qc_operator.scaling.rounding import LARGEST, whole
from qc_operator.scaling.situation import Demand, Situation
from qc_operator.scaling.wait import wait
from qc_operator.spec_behavior import Behavior, ScaleDownRules, ScalingRules
from qc_operator.spec_targets import DeliverRate, Drain, PublishRate, Wait

NOW = 1_000_000.0
Ask = Callable[[Situation], Demand | None]
ALL = pytest.mark.parametrize("ask", [publish_rate, deliver_rate, drain, wait])

counts = st.one_of(st.integers(0, 50), st.integers(0, 10**6), st.integers(0, 10**12))
replicas = st.one_of(st.integers(0, 20), st.integers(0, 100_000))
# Without the numbers below 2e-308, whose quotients floating point takes for zero: a message in 1e300 years.
per_second = st.one_of(st.just(0.0), *(st.floats(0, most, allow_subnormal=False) for most in (1e-6, 100, 1e12)))
seconds = st.one_of(st.integers(1, 300), st.integers(1, 604_800))
quantities = st.one_of(st.integers(1, 10**6), st.integers(1, 10**6).map(lambda number: f"{number}m"))
ages = st.one_of(st.floats(0, 5), st.floats(0, 1e5))
tolerances = st.one_of(st.none(), st.sampled_from(["0", "0.1", "500m", "1"]))


def sometimes(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly a value, now and then nothing."""
    return st.one_of(values, values, values, st.none())


def read(ready: int, unacknowledged: int, *, age: float = 0.0) -> QueueObservation:
    return QueueObservation(
        name="q",
        vhost="/",
        depth=Depth(ready=ready, consumers=1, at=NOW),
        totals=Totals(ready=ready, unacknowledged=unacknowledged, at=NOW - age, answered_at=NOW - age),
    )


lost = st.builds(Unknown, cause=st.just("BrokerUnreachable"), message=st.just("refused"), at=st.just(NOW))
queues = st.builds(
    QueueObservation,
    name=st.just("q"),
    vhost=st.just("/"),
    depth=st.one_of(st.builds(Depth, ready=counts, consumers=counts, at=st.just(NOW)), lost),
    totals=st.one_of(
        st.builds(
            lambda age, **named: Totals(at=NOW - age, answered_at=NOW - age, **named),
            age=ages,
            ready=counts,
            unacknowledged=counts,
        ),
        lost,
        st.just(Unavailable(message="no management API")),
    ),
    arrived=counts,
)
entries = st.builds(
    EntryObservation,
    name=st.just("q"),
    vhost=st.just("/"),
    queues=st.lists(queues, max_size=3).map(tuple),
    pattern=st.just(value=True),
    unmatched=st.one_of(st.none(), st.none(), lost),
    alarmed=st.booleans(),
)
sources = st.builds(
    Queue,
    pattern=st.just("q"),
    aggregate=st.sampled_from(["Sum", "Max", "Average"]),
    publish_rate=st.builds(PublishRate, per_replica=quantities),
    deliver_rate=st.builds(DeliverRate, per_replica=quantities),
    drain=st.builds(Drain, within_seconds=seconds),
    wait=st.builds(Wait, objective_seconds=seconds),
    seconds_per_message=st.one_of(st.none(), st.integers(1, 86_400), quantities.map(lambda written: f"{written}"[:4])),
).filter(lambda source: source.seconds is None or 0.001 <= source.seconds <= 86_400)
all_rates = st.builds(
    Rates,
    arrivals=sometimes(per_second),
    arrivals_observed=st.booleans(),
    deliveries=sometimes(per_second),
    acknowledgements=sometimes(per_second),
    throughput=sometimes(st.one_of(st.floats(1e-6, 1e6), st.just(0.0))),
    throughput_from=st.sampled_from(["learned", "spec", "lowerBound", None]),
    acknowledged=st.integers(0, 100),
    at=sometimes(ages.map(lambda age: NOW - age)),
)
behaviors = st.builds(
    lambda up, down: Behavior(scale_up=ScalingRules(tolerance=up), scale_down=ScaleDownRules(tolerance=down)),
    up=tolerances,
    down=tolerances,
)


def situations(*, behavior: st.SearchStrategy[Behavior] = behaviors) -> st.SearchStrategy[Situation]:
    return st.builds(
        Situation,
        source=sources,
        entry=entries,
        rates=all_rates,
        current=replicas,
        running=replicas,
        effective=st.one_of(st.just(0.0), st.integers(0, 200_000).map(lambda halves: halves / 2)),
        start_seconds=st.one_of(st.floats(0, 120), st.floats(0, 1e5)),
        start_observed=st.booleans(),
        poll_seconds=st.floats(0.1, 60),
        changed_at=sometimes(ages.map(lambda age: NOW - age)),
        max_replicas=st.integers(1, 100_000),
        now=st.just(NOW),
        behavior=behavior,
    )


@st.composite
def known(draw: st.DrawFn) -> Situation:
    """A situation in which all is known, with a throughput that was learned."""
    situation = draw(situations())
    entry = EntryObservation(name="q", vhost="/", queues=(read(draw(counts), draw(counts)),), pattern=True)
    rates = Rates(
        arrivals=draw(per_second),
        deliveries=draw(per_second),
        acknowledgements=draw(sometimes(per_second)),
        throughput=draw(st.floats(1e-4, 1e4)),
        throughput_from="learned",
        acknowledged=100,
        at=NOW,
    )
    return replace(situation, entry=entry, rates=rates)


def wanted(ask: Ask, situation: Situation, *, ready: int | None = None, **rates: float | None) -> int:
    """The answer with so many messages ready, or at another rate."""
    (queue,) = situation.entry.queues
    if ready is not None:
        assert isinstance(queue.totals, Totals)
        entry = changed(situation.entry, queues=(read(ready, queue.totals.unacknowledged),))
        situation = replace(situation, entry=entry)
    demand = ask(replace(situation, rates=replace(situation.rates, **rates)))
    assert demand is not None
    return demand.replicas


@ALL
@given(situation=situations())
def test_an_answer_is_always_a_number_of_replicas_with_its_words(ask: Ask, situation: Situation) -> None:
    demand = ask(situation)

    if demand is None:
        assert not any(isinstance(queue.depth, Depth) for queue in situation.entry.queues)
        assert not situation.entry.known
        return
    assert 0 <= demand.replicas <= max(LARGEST, situation.current)
    assert 0 <= demand.busy_floor <= situation.current
    words = demand.explanation + (demand.infeasible or "")
    assert words
    for odd in ("nan", "inf ", "None", "e+", "-"):
        assert odd not in words.replace("re-", "")
    if demand.waiting_seconds is not None:
        assert 0.0 <= demand.waiting_seconds < math.inf
    assert demand == ask(situation)


@ALL
@given(situation=situations())
def test_what_is_not_known_never_lowers(ask: Ask, situation: Situation) -> None:
    rates, entry = situation.rates, situation.entry
    blind: list[Situation] = [
        replace(situation, rates=replace(rates, arrivals=None, deliveries=None)),
        replace(situation, rates=replace(rates, at=NOW - 1e7)),
        replace(situation, entry=changed(entry, alarmed=True)),
        replace(situation, entry=changed(entry, unmatched=Unknown(cause="Gone", message="gone", at=NOW))),
    ]
    if ask in (drain, wait):
        source = replace(situation.source, seconds_per_message=None)
        blind.append(replace(situation, source=source, rates=replace(rates, throughput=None)))

    for one in blind:
        demand = ask(one)
        assert demand is None or demand.replicas >= situation.current


@ALL
@given(situation=situations())
def test_an_answer_that_is_not_complete_is_no_less_than_what_there_is(ask: Ask, situation: Situation) -> None:
    demand = ask(situation)

    assert demand is None or demand.complete or demand.replicas >= situation.current


@pytest.mark.parametrize("ask", [drain, wait])
@given(situation=known(), ready=counts, more=counts)
def test_more_messages_never_ask_for_fewer_replicas(ask: Ask, situation: Situation, ready: int, more: int) -> None:
    assert wanted(ask, situation, ready=ready) <= wanted(ask, situation, ready=ready + more)


@pytest.mark.parametrize(
    ("ask", "rate"), [(publish_rate, "arrivals"), (deliver_rate, "deliveries"), (drain, "arrivals")]
)
@given(situation=known(), some=per_second, more=per_second)
def test_more_that_arrive_never_ask_for_fewer_replicas(
    ask: Ask, rate: str, situation: Situation, some: float, more: float
) -> None:
    fewer: dict[str, Any] = {rate: some}
    many: dict[str, Any] = {rate: some + more}

    assert wanted(ask, situation, **fewer) <= wanted(ask, situation, **many)


@given(situation=known(), some=per_second, more=per_second)
def test_more_that_arrive_never_need_fewer_replicas_for_the_objective(
    situation: Situation, some: float, more: float
) -> None:
    """From zero, where nothing is held: how many may stand, and so when replicas may go, grows with the rate, too."""
    asleep = replace(situation, current=0, effective=0.0)

    assert wanted(wait, asleep, arrivals=some) <= wanted(wait, asleep, arrivals=some + more)


@given(situation=situations())
def test_an_objective_cannot_be_met_by_scaling_within_the_lead_and_only_there(situation: Situation) -> None:
    demand, target = wait(situation), situation.source.wait
    assert target is not None

    if demand is not None:
        lead = situation.poll_seconds + (situation.start_seconds if situation.start_observed else 0.0)
        assert (target.objective_seconds <= lead) == (demand.infeasible is not None)
        assert demand.window_seconds == min(max(target.objective_seconds, 60), 300)


@given(situation=known(), rate=per_second)
def test_a_rate_gets_the_fewest_replicas_that_manage_it(situation: Situation, rate: float) -> None:
    situation = replace(situation, current=0)
    target = situation.source.publish_rate
    assert target is not None
    answer = wanted(publish_rate, situation, arrivals=rate)

    if answer < LARGEST:
        assert answer * target.each * (1 + 1e-8) >= rate
        assert answer == 0 or (answer - 1) * target.each < rate


@given(load=st.floats(0, 2000), more=st.floats(0, 100), patience=st.floats(0, 1000), longer=st.floats(0, 1000))
@settings(max_examples=60)
def test_servers_grow_with_the_load_and_fall_with_patience(
    load: float, more: float, patience: float, longer: float
) -> None:
    count = servers(load, patience)

    assert load < count or load == 0.0
    assert count <= servers(load + more, patience)
    assert count >= servers(load, patience + longer)


@given(exact=st.floats(0, 1e12), more=st.floats(0, 1e6))
def test_whole_replicas_are_as_many_as_asked_for_and_at_most_one_more(exact: float, more: float) -> None:
    if exact < LARGEST:
        assert exact * (1 - 1e-9) - 1e-9 <= whole(exact) <= exact + 1
    assert whole(exact) <= whole(exact + more)
