"""A child does what it is told, and what it cannot do the bench hears of in a sentence."""

import pytest

from bench.failure import BenchError
from bench.reader_child import child


def test_a_command_is_answered() -> None:
    with child("bench.reader_subject") as subject:
        usage = subject.ask("usage")

    assert (0, 0) == (usage["requests"], usage["amqp_connections"])


def test_a_failure_is_told_and_the_next_command_is_done_all_the_same() -> None:
    with child("bench.reader_subject") as subject:
        with pytest.raises(BenchError, match=r"bench\.reader_subject could not close: KeyError: 'a/queue-00007'"):
            subject.ask("close", secret="a", numbers=[7])

        assert {} == subject.ask("heard")


def test_a_child_that_ends_is_told_of() -> None:
    with child("bench.no_such_module") as none, pytest.raises(BenchError, match="ended while it was to usage"):
        none.ask("usage")


def test_a_paused_child_goes_on_when_it_is_resumed() -> None:
    with child("bench.reader_subject") as subject:
        subject.pause()
        subject.resume()

        assert {} == subject.ask("heard")


def test_a_child_that_is_still_paused_ends_all_the_same() -> None:
    with child("bench.reader_subject") as subject:
        subject.ask("heard")
        subject.pause()

    assert 0 == subject._process.returncode
