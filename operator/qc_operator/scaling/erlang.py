"""How many servers keep a queue's waits short: Erlang's second formula (C), inverted.

Poisson arrivals offer a load of a erlangs (arrival rate * service time) to c servers with exponential service times.
A message then waits longer than t with the probability C(c, a) * exp(-(c - a) * t / service time) (A. K. Erlang, 1917,
"Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges").

C is computed from the reciprocal of Erlang's first formula (B), whose recursion 1/B(c) = 1 + c/a * 1/B(c-1) has
positive terms only, so that nothing cancels out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

EXACT_UP_TO: Final = 100_000.0
"""Erlangs up to which the answer is exact: the CRD's bound of `maxReplicas`."""

SQUARE_ROOT: Final = 2.375
"""Servers on top of a load of a that let 1 % wait at all, in sqrt(a) (Halfin and Whitt, 1981, equation 2.3):
[1 + b * Phi(b) / phi(b)]^-1 = 0.01. It is short by up to one server at `EXACT_UP_TO`."""


@lru_cache(maxsize=1024)
def servers(load: float, patience: float, late: float = 0.01) -> int:
    """The fewest servers with which at most the part `late` of all messages waits longer than `patience`.

    `load` is in erlangs, `patience` in service times. Rates change with every look at the counters, and decisions are
    more frequent than that, so answers are kept, by the very same inputs. Above `EXACT_UP_TO` erlangs the answer is
    that of square-root staffing for 1 %, whatever `patience` and `late` are: more than any target may have.
    """
    if load <= 0.0:
        return 0
    if load > EXACT_UP_TO:
        return math.ceil(load + SQUARE_ROOT * math.sqrt(load)) + 1
    count = math.floor(load) + 1
    inverse = _inverse_blocking(count, load)
    while math.exp((load - count) * patience) > late * _inverse_waiting(count, load, inverse):
        count += 1
        inverse = 1.0 + count / load * inverse
    return count


def waiting(count: int, load: float) -> float:
    """C(count, load): the probability that a message finds all servers busy; 1 where they cannot keep up."""
    if load <= 0.0:
        return 0.0
    if count <= load:
        return 1.0
    return 1.0 / _inverse_waiting(count, load, _inverse_blocking(count, load))


def _inverse_waiting(count: int, load: float, inverse_blocking: float) -> float:
    """1 / C = (1 - a/c) / B + a/c."""
    return ((count - load) * inverse_blocking + load) / count


def _inverse_blocking(count: int, load: float) -> float:
    """1 / B(count, load) = the sum of count! / (count - k)! / load^k over k from 0 to count.

    That is the recursion written out, summed from its last step on. Where there are hardly more servers than
    load the terms fall off like a normal distribution, so some 9 * sqrt(count) of them are all that counts.
    """
    term = total = 1.0
    for left in range(count, 0, -1):
        term *= left / load
        total += term
        if term < total * 1e-17:
            break
    return total
