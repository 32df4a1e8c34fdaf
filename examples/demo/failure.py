"""A step that failed, told so that a person can act."""

from collections.abc import Sequence


class DemoError(Exception):
    """One clear sentence, and the last lines of what was said where it went wrong."""

    def __init__(self, sentence: str, *, evidence: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.evidence = tuple(evidence)
