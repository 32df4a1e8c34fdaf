"""Throughput that fell before any replica was added: what came before the fall is not what a step is compared with.

Messages become heavier, or a database slower, while as many replicas work as ever. Soon they are too few, and more are
added. A span that began with the good minutes makes those few look better than they are, and the step as if it had
brought nothing: with messages four times as heavy, half of the closed loops with `wait` and 120 s ended in a limit
that was none. So full work before a step is measured from the fall on.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from qc_operator.scaling.step_effect import LEAST_SECONDS, NOTHING, SIGNIFICANT, Span

PIECE: Final = 10.0
"""Seconds of a piece of the last half minute: memory is scarce, and one for each poll of 5 s would take twice that."""


def latest(pieces: tuple[Span, ...], gone: Span) -> tuple[Span, ...]:
    """The last pieces of a span with one interval more, no more of them than it takes to be compared."""
    pieces = (*pieces[:-1], pieces[-1].plus(gone)) if pieces and pieces[-1].seconds < PIECE else (*pieces, gone)
    rest = sum([piece.seconds for piece in pieces[1:]])
    return pieces[1:] if rest >= LEAST_SECONDS else pieces


def since_fallen(*, span: Span, pieces: tuple[Span, ...]) -> Span:
    """The last pieces of a span alone, where clearly less was done in them than in all of it; else all of it."""
    seconds = sum([piece.seconds for piece in pieces])
    done = sum([piece.acknowledged for piece in pieces])
    if seconds < LEAST_SECONDS or span.seconds < 2.0 * LEAST_SECONDS or done >= (1.0 - NOTHING) * span.rate * seconds:
        return span
    # As uncertain as if as much as ever had been done in them: of slow messages there are none at all now and then.
    as_ever = Span(seconds=seconds, acknowledged=span.rate * seconds)
    if span.rate - done / seconds <= SIGNIFICANT * sqrt(span.variance + as_ever.variance):
        return span
    last = Span()
    for piece in pieces:
        last = last.plus(piece)
    return last
