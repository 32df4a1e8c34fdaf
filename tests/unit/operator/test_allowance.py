"""How many declares may go out: a few saved up at once, and then so many per second."""

import pytest

from qc_operator.brokers.allowance import Allowance


@pytest.fixture
def allowance() -> Allowance:
    return Allowance(per_second=1000, at_once=250, now=100.0)


def test_thousands_that_are_due_at_once_go_out_at_the_cap_after_the_first_burst(allowance: Allowance) -> None:
    sent = []
    for turn in range(21):
        count = min(5000, allowance.left(now=100 + turn * 0.05))
        allowance.spend(count)
        sent.append(count)

    assert 250 == sent[0]
    assert pytest.approx(1250, abs=2) == sum(sent)
    assert max(sent[1:]) <= 51


def test_what_is_not_used_is_saved_up_to_the_limit(allowance: Allowance) -> None:
    allowance.spend(250)

    assert 0 == allowance.left(now=100.0)
    assert 125 == allowance.left(now=100.125)
    assert 250 == allowance.left(now=200.0)


def test_what_was_not_sent_after_all_is_given_back(allowance: Allowance) -> None:
    allowance.spend(200)
    allowance.spend(-150)

    assert 200 == allowance.left(now=100.0)
