"""What is answered from the sums of an entry is what is answered queue by queue."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.resource import Aggregate
from qc_operator.scaling.backlog import _queue_by_queue, entry_backlog
from qc_operator.scaling.idleness import _busy, _queue_busy
from qc_operator.scaling.observation import Depth, EntryObservation, Totals
from qc_operator.scaling.trust import certain
from tests.property.whole_specs import START, _queue

plain_totals = st.builds(
    lambda ago, latency, **named: Totals(at=START - ago - latency, answered_at=START - ago, **named),
    ago=st.floats(0, 12),
    latency=st.floats(0, 4),
    ready=st.integers(0, 2),
    unacknowledged=st.integers(0, 2),
)


@st.composite
def seen(draw: st.DrawFn) -> EntryObservation:
    """An entry of which nothing may be missing, as often as not."""
    queues = draw(st.lists(_queue(START, readable=True), max_size=4))
    if draw(st.booleans()):
        queues = [replace(queue, totals=draw(plain_totals)) for queue in queues]
    depths = st.builds(Depth, ready=st.integers(0, 2), consumers=st.integers(0, 1), at=st.just(START))
    return EntryObservation(
        name="^q",
        vhost="/",
        queues=tuple(replace(queue, depth=draw(depths)) for queue in queues),
        pattern=True,
        alarmed=draw(st.booleans()) and draw(st.booleans()),
        awaited=draw(st.sampled_from([0, 0, 0, 1])),
    )


@given(
    entry=seen(),
    count=st.sampled_from(["Total", "Ready"]),
    how=st.sampled_from(["Sum", "Max", "Average"]),
    running=st.integers(0, 3),
)
def test_a_backlog_is_that_of_its_queues(entry: EntryObservation, count: str, how: Aggregate, running: int) -> None:
    singly = _queue_by_queue(entry, count=count, how=how, running=running, now=START)

    assert singly == entry_backlog(entry=entry, count=count, how=how, running=running, now=START)


@given(entry=seen(), matter=st.booleans(), running=st.integers(0, 3))
def test_an_entry_was_busy_when_one_of_its_queues_was(entry: EntryObservation, matter: bool, running: int) -> None:  # noqa: FBT001
    at = _busy(entry, unacknowledged_matter=matter, running=running, now=START)

    if certain(entry=entry, now=START) and not entry.sums.ready:
        singly = [
            _queue_busy(queue=queue, unacknowledged_matter=matter, running=running, now=START) for queue in entry.queues
        ]
        assert max(singly, default=float("-inf")) == at
    elif entry.sums.ready:
        assert START == at
