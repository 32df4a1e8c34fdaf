"""A process of its own that does what it is told: one JSON object per line goes in, one per line comes out.

What is measured runs apart from the bench and from the broker, so that its processor time is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from bench.failure import BenchError
from bench.machine import PROJECT

Commands = Mapping[str, Callable[..., Awaitable[Any]]]

LONGEST_LINE = 2**24
"""Bytes. asyncio's own limit, 64 KiB, is less than what a thousand measurements take."""

END_WITHIN = 15.0


class Child:
    """The parent's end: asks, and waits for the answer."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have a command done. Raises BenchError with the child's own words when it could not be."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise BenchError(f"{self._module} ended while it was to {do}; what it said stands above")
        told = json.loads(answer)
        if "error" in told:
            raise BenchError(f"{self._module} could not {do}: {told['error']}")
        return told["answer"]

    def pause(self) -> None:
        """Have it do nothing at all until it is resumed."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Let it end by itself, which it does at the end of its input; by force when it does not."""
        self.resume()
        try:
            self._process.communicate(timeout=END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextlib.contextmanager
def child(module: str) -> Iterator[Child]:
    """Run a module as a child for the block."""
    started = Child(module)
    try:
        yield started
    finally:
        started.end()


async def serve(commands: Commands) -> None:
    """Do what the lines of standard input say, one after the other, until it ends."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        arguments = json.loads(line)
        try:
            told = {"answer": await commands[arguments.pop("do")](**arguments)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent must be told
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)
