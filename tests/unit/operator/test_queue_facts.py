"""What the slow lane remembers of what queues are, and when it must ask."""

from qc_operator.brokers.queue_facts import ASKED_EVERY, FactsBook
from qc_operator.brokers.queue_list import Arguments, Row
from qc_operator.scaling.observation import QueueFacts

PLAIN = Row(name="orders", type="classic", state="running")
FULL = Row(name="orders", type="classic", state="running", arguments=Arguments(single_active_consumer=True))


def after(*answers: tuple[list[Row], bool]) -> FactsBook:
    book = FactsBook()
    for rows, complete in answers:
        book.turn(["orders"])
        book.learn(rows, watched=["orders"], complete=complete)
    book.turn(["orders"])
    return book


def test_arguments_are_asked_for_at_first_and_then_no_more() -> None:
    book = FactsBook()
    book.turn(["orders"])
    assert book.incomplete(["orders"])

    assert not after(([FULL], True)).incomplete(["orders"])


def test_they_are_asked_for_again_after_a_while() -> None:
    book = after(*[([FULL], True)] * ASKED_EVERY)

    assert book.incomplete(["orders"])


def test_what_arguments_said_stays_when_they_are_not_asked_for() -> None:
    book = after(([FULL], True), ([Row(name="orders", type="classic", state="down")], False))

    assert QueueFacts(type="classic", single_active_consumer=True, state="down") == book.of("orders")


def test_a_queue_that_comes_back_as_another_type_is_asked_about_again() -> None:
    book = after(([FULL], True), ([Row(name="orders", type="quorum", state="running")], False))

    assert QueueFacts(type="quorum", single_active_consumer=False, state="running") == book.of("orders")
    assert book.incomplete(["orders"])


def test_a_queue_that_is_not_there_is_asked_about_once_and_again_when_it_has_come() -> None:
    book = after(([], True))
    assert not book.incomplete(["orders"])

    assert after(([], True), ([PLAIN], False)).incomplete(["orders"])


def test_a_queue_that_is_left_out_stays_what_it_was() -> None:
    assert "classic" == after(([FULL], True), ([], False)).of("orders").type


def test_a_queue_that_nobody_watches_is_forgotten() -> None:
    book = after(([FULL], True))
    book.turn([])

    assert book.of("orders") is None


def test_metrics_tell_the_type_and_the_management_api_knows_better() -> None:
    book = FactsBook()
    book.learn_types({"orders": "stream", "bills": "classic"}, watched=["orders"])
    assert "stream" == book.of("orders").type
    assert book.of("bills") is None

    book = after(([FULL], True))
    book.learn_types({"orders": "classic"}, watched=["orders"])
    assert book.of("orders").single_active_consumer
