"""Erlang's formulas against their definition in exact fractions, published values, and what holds for many servers."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from qc_operator.scaling.erlang import EXACT_UP_TO, servers, waiting


def exactly(count: int, load: Fraction) -> Fraction:
    """C(count, load) as Erlang wrote it, with no rounding."""
    last = load**count / math.factorial(count) * count / (count - load)
    return last / (sum((load**k / math.factorial(k) for k in range(count)), Fraction(0)) + last)


def fewest(load: float, patience: float) -> int:
    """The answer, by trying every number from one on."""
    count = math.floor(load) + 1
    while float(exactly(count, Fraction(load))) * math.exp(-(count - load) * patience) > 0.01:
        count += 1
    return count


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20, 60, 150])
@pytest.mark.parametrize(
    "busy", [Fraction(1, 1000), Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000)]
)
def test_c_is_erlangs_to_the_last_digits(count: int, busy: Fraction) -> None:
    assert float(exactly(count, count * busy)) == pytest.approx(waiting(count, float(count * busy)), rel=1e-10, abs=0)


@pytest.mark.parametrize(
    ("count", "load", "probability"),
    [
        # One server is busy for as much of the time as it is offered; two of them, Kleinrock, Queueing Systems I, 3.5.
        (1, 0.25, 0.25),
        (2, 1.0, 1 / 3),
        # The worked example of call centre staffing, 360 calls of 4 minutes in half an hour for 55 agents.
        (55, 48.0, 0.239),
    ],
)
def test_c_has_the_published_values(count: int, load: float, probability: float) -> None:
    assert probability == pytest.approx(waiting(count, load), abs=0.0005)


@pytest.mark.parametrize(("count", "load"), [(5, 1.361), (10, 4.461), (20, 12.03), (50, 37.90), (100, 84.06)])
def test_b_has_the_values_of_the_tables_for_one_percent(count: int, load: float) -> None:
    """The tables for lost calls: with C = B / (1 - a/c * (1 - B))."""
    lost = 0.01

    assert lost / (1 - load / count * (1 - lost)) == pytest.approx(waiting(count, load), rel=0.002)


@pytest.mark.parametrize(("count", "load"), [(5, 5.0), (5, 5.1), (1, 1e9), (0, 0.5)])
def test_servers_that_cannot_keep_up_let_everyone_wait(count: int, load: float) -> None:
    assert 1.0 == waiting(count, load)


@pytest.mark.parametrize("load", [0.0, -1.0])
def test_nothing_waits_where_nothing_comes(load: float) -> None:
    assert 0.0 == waiting(3, load)
    assert 0 == servers(load, 10.0)


@pytest.mark.parametrize("load", [0.001, 0.01, 0.0101, 0.3, 0.999, 1.0, 1.5, 2.0, 7.6, 12.0, 33.3, 50.0, 99.5])
@pytest.mark.parametrize("patience", [0.0, 0.001, 0.1, 1.0, 4.0, 30.0, 100_000.0])
def test_the_fewest_servers_are_those_of_trying_every_number(load: float, patience: float) -> None:
    assert fewest(load, patience) == servers(load, patience)


@pytest.mark.parametrize(
    ("load", "patience", "expected"),
    [
        # C(1, 0.01) is exactly 0.01, which is allowed.
        (0.01, 0.0, 1),
        (0.0100001, 0.0, 2),
        (10.0, 0.0, 19),
        (10.0, 1.0, 14),
        (10.0, 1000.0, 11),
        (10.5, 1000.0, 11),
        (10.99, 1000.0, 11),
    ],
)
def test_patience_saves_servers(load: float, patience: float, expected: int) -> None:
    assert expected == servers(load, patience)


@pytest.mark.parametrize(("late", "expected"), [(1.0, 11), (0.5, 12), (0.1, 15), (0.01, 19), (0.0001, 25)])
def test_the_part_that_may_be_late_is_asked_for(late: float, expected: int) -> None:
    assert expected == servers(10.0, 0.01, late)


@pytest.mark.parametrize("load", [1_000.0, 10_000.0, 99_999.5, 100_000.0])
def test_large_systems_need_a_multiple_of_the_square_root_more(load: float) -> None:
    """Halfin and Whitt, 1981: with b * sqrt(a) servers more, C nears 1 / (1 + b * Phi(b) / phi(b))."""
    count = servers(load, 0.0)
    b = (count - load) / math.sqrt(load)
    normal = (1 + math.erf(b / math.sqrt(2))) / 2
    density = math.exp(-b * b / 2) / math.sqrt(2 * math.pi)

    assert 2.35 < b < 2.45
    assert waiting(count, load) <= 0.01 < waiting(count - 1, load)
    assert 1 / (1 + b * normal / density) == pytest.approx(waiting(count, load), rel=4 / math.sqrt(load))


@pytest.mark.parametrize("load", [EXACT_UP_TO * 1.001, 1e7, 1e15])
def test_beyond_any_target_the_answer_is_a_formula(load: float) -> None:
    assert math.ceil(load + 2.375 * math.sqrt(load)) + 1 == servers(load, 0.0) == servers(load, 50.0)


def test_the_answer_does_not_fall_where_the_formula_begins() -> None:
    below, above = servers(EXACT_UP_TO, 0.0), servers(math.nextafter(EXACT_UP_TO, math.inf), 0.0)

    assert below <= above <= below + 2


@pytest.mark.parametrize("load", [5e-324, 1e-300, 1e-9])
def test_a_trickle_needs_one_server(load: float) -> None:
    assert 1 == servers(load, 0.0)
    assert 0.0 <= waiting(1, load) <= 1e-9
