"""The one error of this package."""


class Failure(Exception):  # noqa: N818  # it is shown to a person, who reads a sentence and no class name
    """Something the person at the keyboard can act on: one sentence that says what is wrong and what to do.

    ``python -m devcluster`` prints it and exits with status 1, without a traceback.
    """
