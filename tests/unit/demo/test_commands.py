import io
import os
import sys

import pytest
from rich.console import Console

from examples.demo.commands import run
from examples.demo.failure import DemoError
from examples.demo.progress import Progress


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(output: io.StringIO) -> Progress:
    return Progress(Console(file=output, width=40))


def python(source: str, progress: Progress, **options: object) -> list[str]:
    return run(
        [sys.executable, "-c", source],
        purpose="testing",
        environment=os.environ,
        progress=progress,
        **{"timeout_seconds": 30.0, **options},  # type: ignore[arg-type] # each test names its own
    )


def test_what_a_program_says_is_shown_as_it_comes_and_returned(progress: Progress, output: io.StringIO) -> None:
    lines = python("print('one [bold]'); print('t' * 60)", progress)

    assert lines == ["one [bold]", "t" * 60]
    assert "         one [bold]\n" in output.getvalue()
    assert f"         {'t' * 60}\n" in output.getvalue()


def test_quiet_shows_nothing(progress: Progress, output: io.StringIO) -> None:
    assert python("print('hush')", progress, quiet=True) == ["hush"]
    assert output.getvalue() == ""


def test_a_program_gets_its_input(progress: Progress) -> None:
    assert python("print(input())", progress, stdin="kind: Namespace\n") == ["kind: Namespace"]


def test_a_failure_says_what_for_and_brings_the_last_lines(progress: Progress) -> None:
    with pytest.raises(DemoError, match=r"testing failed: .* ended with 3") as caught:
        python("import sys; [print(n) for n in range(100)]; sys.exit(3)", progress)

    assert caught.value.evidence == tuple(str(n) for n in range(75, 100))


def test_a_program_that_hangs_is_ended(progress: Progress) -> None:
    with pytest.raises(DemoError, match="took longer than 1 s"):
        python("print('here', flush=True); import time; time.sleep(60)", progress, timeout_seconds=1.0)


def test_a_program_that_is_missing_is_named(progress: Progress) -> None:
    with pytest.raises(DemoError, match="testing needs the program 'no-such-program', which is not on the PATH"):
        run(["no-such-program"], purpose="testing", environment={}, progress=progress, timeout_seconds=1)
