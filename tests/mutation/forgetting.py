"""The copy's conftest.py: what was remembered of schedules is forgotten before a mutant is tried.

mutmut forks each mutant from a process that has run the tests already, so the answers in it are the right ones.
"""

from qc_operator.scaling import schedules


def pytest_sessionstart() -> None:
    """Called by pytest before it looks for tests."""
    schedules._plan.cache_clear()
