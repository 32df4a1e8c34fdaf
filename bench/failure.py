"""A measurement that cannot be made, told so that a person can act."""


class BenchError(Exception):
    """One sentence: what is wrong, where, and what to do."""
