from examples.shop.services.ledger import Ledger
from examples.shop.services.order_book import OrderBook


def test_the_first_of_an_order_is_kept_and_repetitions_are_counted() -> None:
    ledger = Ledger()

    first = [ledger.record("a-1", content=content, enqueued_at=None, now=0.0) for content in (b"one", b"two", b"three")]

    assert first == [True, False, False]
    assert ledger.content("a-1") == b"one"
    assert ledger.stats() == {
        "orders": 1,
        "repeated": 2,
        "repeatedOrders": ["a-1"],
        "longestWaitSeconds": None,
    }


def test_the_longest_wait_is_that_of_first_entries() -> None:
    ledger = Ledger()
    ledger.record("a-1", content=b"x", enqueued_at=10.0, now=11.5)
    ledger.record("a-2", content=b"x", enqueued_at=10.0, now=10.25)
    ledger.record("a-1", content=b"x", enqueued_at=10.0, now=99.0)

    assert ledger.stats()["longestWaitSeconds"] == 1.5


def test_a_clock_behind_the_publishers_does_not_make_a_wait_negative() -> None:
    ledger = Ledger()
    ledger.record("a-1", content=b"x", enqueued_at=10.0, now=9.9)

    assert ledger.stats()["longestWaitSeconds"] == 0.0


def test_an_order_that_nobody_handled_has_no_content() -> None:
    assert Ledger().content("a-1") is None


def test_the_order_book_tells_placed_from_confirmed_and_failed() -> None:
    book = OrderBook(run="r")
    first, second, _third = book.place(), book.place(), book.place()
    book.confirm(first, now=12.0)
    book.fail(second, error="PublishTimeout: no confirm within 5 s")

    assert book.order_ids() == {"confirmed": ["r-000001"], "failed": ["r-000002"]}
    assert book.stats() == {
        "run": "r",
        "placed": 3,
        "confirmed": 1,
        "failed": 1,
        "inFlight": 1,
        "lastError": "PublishTimeout: no confirm within 5 s",
        "firstConfirmedAt": 12.0,
    }


def test_the_first_confirmation_is_not_overwritten_by_later_ones() -> None:
    book = OrderBook(run="r")
    for moment in (3.0, 4.0):
        book.confirm(book.place(), now=moment)

    assert book.stats()["firstConfirmedAt"] == 3.0
