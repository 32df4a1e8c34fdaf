"""Which queues a pattern matches, and that no pattern takes long to say so."""

import pytest

from qc_operator.pattern import PatternError, QueuePattern

NAMES = ("receipts", "receipts.de", "receipts.fr", "old.receipts.de", "quittungen.ü", "receipts.\n")


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        (r"^receipts\..+$", {"receipts.de", "receipts.fr"}),
        ("receipts", {"receipts", "receipts.de", "receipts.fr", "old.receipts.de", "receipts.\n"}),
        ("ü$", {"quittungen.ü"}),
        ("(?i)^RECEIPTS$", {"receipts"}),
        ("^nothing$", set()),
        ("", set(NAMES)),
    ],
)
def test_a_match_anywhere_counts_and_anchors_hold(pattern: str, matching: set[str]) -> None:
    assert matching == QueuePattern(pattern).matching(NAMES)


def test_what_is_wrong_with_a_pattern_is_said() -> None:
    with pytest.raises(PatternError, match=r"missing \): \("):
        QueuePattern("(")


def test_a_pattern_that_stalls_other_engines_is_linear_here() -> None:
    # A backtracking engine needs 2^254 steps for this name: the test would never end.
    assert not QueuePattern("^(a+)+$").matching(["a" * 254 + "!"])
