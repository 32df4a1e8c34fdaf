"""Which queues a pattern matches. RE2, so that no pattern can stall the event loop.

A backtracking engine needs exponential time for some patterns: `(a+)+$` against 30 letters and a `!` takes minutes.
RE2's time is linear in the name (swtch.com/~rsc/regexp/regexp3.html); the price is that there are no look-arounds and
no back-references.
"""

from __future__ import annotations

from collections.abc import Iterable

import re2

MOST_MEMORY = 1 << 20
"""Bytes for one compiled pattern; RE2 refuses what would need more."""


class PatternError(ValueError):
    """A pattern cannot be used; the message says what is wrong with it."""


class QueuePattern:
    """A regular expression that a queue's name must contain a match of; `^` and `$` tie it to the ends."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MOST_MEMORY
        try:
            self._compiled = re2.compile(pattern, options)
        except re2.error as error:
            raise PatternError(_reason(error)) from None

    def matching(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that match; about 5 us each."""
        return frozenset(name for name in names if self._compiled.search(name))


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else "unknown"
    return detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
