"""Figures that a test measures: on the terminal while it runs, and in the report."""

from collections.abc import Callable

import pytest

Say = Callable[[str, float], None]
"""Tells what was measured, and its seconds."""


def sayer(
    *,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
    on_terminal: int,
    in_report: int,
) -> Say:
    """Make one for a test; with so many decimals each."""

    def tell(what: str, seconds: float) -> None:
        record_property(what, round(seconds, in_report))
        with capsys.disabled():
            print(f"\n  {what}: {seconds:.{on_terminal}f} s", end="")  # noqa: T201 - that is what it is for

    return tell
