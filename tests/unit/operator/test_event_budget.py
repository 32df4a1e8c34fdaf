"""How many events one object may cause."""

from qc_operator.cluster import event_budget
from qc_operator.cluster.event_budget import EventBudget


def spent(budget: EventBudget, uid: str, tries: int, *, now: float) -> int:
    return sum(budget.spend(uid, now=now) for _ in range(tries))


def test_a_burst_of_25_and_one_more_every_five_minutes() -> None:
    budget = EventBudget()

    assert [25, 0, 1, 2] == [spent(budget, "a", 30, now=now) for now in (0.0, 299.0, 300.0, 900.0)]


def test_refusals_cost_nothing() -> None:
    budget = EventBudget()
    spent(budget, "a", 25, now=0.0)

    assert [0, 0, 1] == [spent(budget, "a", 100, now=now) for now in (100.0, 200.0, 300.5)]


def test_it_is_never_fuller_than_25() -> None:
    budget = EventBudget()
    spent(budget, "a", 1, now=0.0)

    assert 25 == spent(budget, "a", 100, now=1e6)


def test_each_object_has_its_own() -> None:
    budget = EventBudget()
    spent(budget, "a", 25, now=0.0)

    assert (0, 25) == (spent(budget, "a", 25, now=1.0), spent(budget, "b", 25, now=1.0))


def test_the_one_that_was_not_drawn_upon_for_longest_is_forgotten() -> None:
    budget = EventBudget()
    spent(budget, "a", 25, now=0.0)
    for number in range(event_budget.OBJECTS - 1):
        budget.spend(str(number), now=0.0)
    assert 0 == spent(budget, "a", 1, now=0.0)
    for number in range(event_budget.OBJECTS):
        budget.spend(str(number), now=0.0)

    assert 25 == spent(budget, "a", 30, now=0.0)
