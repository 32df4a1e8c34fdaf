"""Throughput that falls before replicas are added: a step is compared with what followed, not with what came before."""

from __future__ import annotations

import pytest

from qc_operator.scaling.fallen import latest, since_fallen
from qc_operator.scaling.step_effect import Span
from tests.guarded_target import Target


def span(rate: float, seconds: float, *, pods: float = 2.0) -> Span:
    done, worked = rate * seconds, pods * seconds
    return Span(seconds=seconds, acknowledged=done, pod_seconds=worked, consumer_seconds=worked)


def pieces(*seconds: float) -> tuple[float, ...]:
    kept: tuple[Span, ...] = ()
    for each in seconds:
        kept = latest(kept, span(1.0, each))
    return tuple(piece.seconds for piece in kept)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [
        ((5.0,), (5.0,)),
        ((5.0, 5.0), (10.0,)),
        ((5.0, 4.9, 5.0), (14.9,)),
        ((5.0,) * 6, (10.0, 10.0, 10.0)),
        ((5.0,) * 7, (10.0, 10.0, 10.0, 5.0)),
        ((5.0,) * 8, (10.0, 10.0, 10.0)),
        ((10.0,) * 9, (10.0, 10.0, 10.0)),
        ((10.0, 60.0), (60.0,)),
    ],
)
def test_half_a_minute_is_kept_in_pieces_of_ten_seconds(seconds: tuple[float, ...], kept: tuple[float, ...]) -> None:
    assert kept == pieces(*seconds)


def test_a_piece_has_all_that_its_intervals_had() -> None:
    (piece,) = latest(latest((), span(1.0, 5.0)), span(3.0, 5.0, pods=4.0))

    assert Span(seconds=10.0, acknowledged=20.0, pod_seconds=30.0, consumer_seconds=30.0) == piece


@pytest.mark.parametrize(
    ("before", "last", "fallen"),
    [
        pytest.param(span(10.0, 60.0), (span(2.5, 10.0),) * 3, True, id="a quarter"),
        pytest.param(span(10.0, 60.0), (span(6.0, 10.0),) * 3, False, id="within the noise"),
        pytest.param(span(10.0, 60.0), (span(40.0, 10.0),) * 3, False, id="more"),
        pytest.param(span(10.0, 60.0), (span(2.5, 10.0),) * 2, False, id="for 20 s"),
        pytest.param(span(10.0, 29.9), (span(2.5, 10.0),) * 3, False, id="after 29.9 s"),
        pytest.param(span(10.0, 30.0), (span(0.0, 10.0),) * 3, True, id="to nothing after 30 s"),
        pytest.param(span(0.5, 600.0), (span(0.0, 10.0),) * 3, False, id="slow messages"),
    ],
)
def test_only_what_is_clearly_less_is_a_fall(before: Span, last: tuple[Span, ...], *, fallen: bool) -> None:
    whole, alone = before, Span()
    for piece in last:
        whole, alone = whole.plus(piece), alone.plus(piece)

    assert (alone if fallen else whole) == since_fallen(span=whole, pieces=last)


def test_nine_tenths_are_no_fall_however_certain() -> None:
    """100,000/s: the noise of the clock is 3 s of 3,000."""
    last = span(90_500.0, 3000.0)

    assert span(100_000.0, 300_000.0).plus(last) == since_fallen(span=span(1e5, 3e5).plus(last), pieces=(last,))
    last = span(80_000.0, 3000.0)
    assert last == since_fallen(span=span(1e5, 3e5).plus(last), pieces=(last,))


def worked(target: Target, rate: float, seconds: float, *, replicas: int) -> None:
    target.scale(replicas)
    target.line.ready, target.line.consumers, target.line.acks = 1e9, replicas, rate
    target.run(seconds)


def test_a_step_after_a_fall_is_judged_by_what_each_did_since() -> None:
    """Eight did 40/s, then 10/s; sixteen do 20/s. Of all that eight had done, 35/s, that would have been too little.

    The fall is seen while the last half minute still has 15 s of 40/s in it, so 16/s are what sixteen come after.
    """
    target = Target()
    worked(target, 40.0, 300.0, replicas=8)
    worked(target, 10.0, 60.0, replicas=8)
    assert target.trial is not None
    assert 16.0 == target.trial.span.rate
    worked(target, 20.0, 900.0, replicas=16)

    assert target.limit is None


def test_a_database_that_becomes_slow_is_found_as_ever() -> None:
    target = Target()
    worked(target, 40.0, 300.0, replicas=8)
    worked(target, 10.0, 60.0, replicas=8)
    worked(target, 10.0, 300.0, replicas=16)

    assert target.limit is not None
    assert (8, 16, 8, 16.0, 10.0) == (
        target.limit.low,
        target.limit.high,
        target.limit.enough,
        target.limit.before,
        target.limit.after,
    )


def test_nothing_is_kept_apart_once_replicas_are_added() -> None:
    target = Target()
    worked(target, 40.0, 300.0, replicas=8)
    assert target.trial is not None
    assert 30.0 <= sum(piece.seconds for piece in target.trial.pieces) < 45.0
    worked(target, 40.0, 30.0, replicas=16)

    assert target.trial.added is not None
    assert () == target.trial.pieces
