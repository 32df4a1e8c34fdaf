"""Lines that say what the demo is doing, with the seconds since its start."""

import time

from rich.console import Console
from rich.text import Text


class Progress:
    """Prints steps and, dimmed below them, what the programs that they run have to say."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._start

    def step(self, sentence: str) -> None:
        """Begin a step."""
        self._print(f"{self.elapsed:5.0f} s  {sentence}", "bold")

    def detail(self, line: str) -> None:
        """Something within the step."""
        self._print(f"         {line}", "dim")

    def highlight(self, line: str) -> None:
        """Something within the step that a person is to notice."""
        self._print(f"         {line}", "bold cyan")

    def problem(self, sentence: str) -> None:
        """Something that went wrong."""
        self._print(f"{self.elapsed:5.0f} s  {sentence}", "bold red")

    def _print(self, line: str, style: str) -> None:
        # Text and not markup: a program's line may hold [brackets]. In a file, nothing may be wrapped.
        self.console.print(Text(line, style=style), soft_wrap=True)
