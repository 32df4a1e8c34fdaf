"""When queues are due: in order, each once, none lost."""

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.brokers.schedule import Schedule


def schedule(**dues: float) -> Schedule[str]:
    made: Schedule[str] = Schedule()
    for item, due in dues.items():
        made.set(item, due=due)
    return made


def test_what_is_due_comes_in_order_and_once() -> None:
    made = schedule(second=2.0, first=1.0, later=9.0)

    assert ["first", "second"] == made.take(until=5.0, most=10)
    assert [] == made.take(until=5.0, most=10)
    assert 9.0 == made.next_due()


def test_setting_an_item_again_moves_it() -> None:
    made = schedule(item=1.0, other=2.0)
    made.set("item", due=3.0)

    assert 2.0 == made.next_due()
    assert ["other", "item"] == made.take(until=3.0, most=10)


def test_a_dropped_item_does_not_come() -> None:
    made = schedule(item=1.0)
    made.drop("item")
    made.drop("never set")

    assert made.next_due() is None
    assert [] == made.take(until=5.0, most=10)


def test_what_there_is_no_room_for_stays() -> None:
    made = schedule(a=1.0, b=2.0, c=3.0)

    assert ["a", "b"] == made.take(until=5.0, most=2)
    assert 3.0 == made.next_due()
    assert ["c"] == made.take(until=5.0, most=2)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100), st.booleans()), max_size=60))
def test_it_is_what_a_dictionary_of_due_times_would_be(moves: list[tuple[int, float, bool]]) -> None:
    made: Schedule[int] = Schedule()
    model: dict[int, float] = {}
    for item, due, drop in moves:
        if drop:
            made.drop(item)
            model.pop(item, None)
        else:
            made.set(item, due=due)
            model[item] = due

    assert min(model.values(), default=None) == made.next_due()
    assert {item for item, due in model.items() if due <= 50} == set(made.take(until=50, most=100))
    assert {item for item, due in model.items() if due > 50} == set(made.take(until=100, most=100))
    assert made.next_due() is None
