"""The environment variables CONSUMER_*: names, defaults and bounds in one place."""

import difflib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from qc_consumer.errors import ConfigurationError
from qc_consumer.retry import Backoff, milliseconds

PREFIX = "CONSUMER_"

LATER = ("HANDLER_TIMEOUT", "DEDUP_URL", "RATE_LIMIT", "MAX_MESSAGES")
"""Settings that are reserved: this version refuses them instead of doing nothing."""

DEFAULT_BACKOFF = Backoff()

LONGEST_QUEUE_NAME = 240
"""AMQP's names end at 255 bytes, and `.retry.200ms` must find room."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a consumer runs."""

    queue: str
    """Queue to consume from; it must exist, or appear in time."""
    concurrency: int = 1
    """Messages handled at the same time: threads, or tasks if the handler is async."""
    prefetch: int = 0
    """Messages that the broker may hand over unacknowledged; 0 means as many as `concurrency`. More keeps them from
    other pods, and pays only below about 10 ms per message."""
    shutdown_timeout: float = 25.0
    """Seconds from SIGTERM until running handlers are given up; at least 5 below terminationGracePeriodSeconds."""
    retry: Backoff | None = DEFAULT_BACKOFF
    """How failed messages are tried again; None sends them to the dead letters at once."""
    dead_letter_queue: str = ""
    """Queue for what cannot be handled; `<queue>.dlq` if empty."""
    metrics_port: int | None = 9090
    """Port of /metrics, /livez, /readyz and /startupz; 0 picks a free one, None serves nothing."""
    identity: str = ""
    """`namespace/pod`: consumer tag and connection name, as RabbitMQ shows them."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.queue.encode()) <= LONGEST_QUEUE_NAME:
            raise ConfigurationError(f"CONSUMER_QUEUE must have 1 to {LONGEST_QUEUE_NAME} bytes, not {self.queue!r}")
        if self.concurrency < 1:
            raise ConfigurationError(f"CONSUMER_CONCURRENCY must be at least 1, not {self.concurrency}")
        if self.prefetch and self.prefetch < self.concurrency:
            raise ConfigurationError(
                f"CONSUMER_PREFETCH ({self.prefetch}) below CONSUMER_CONCURRENCY ({self.concurrency}) would leave "
                "handlers idle"
            )
        if self.shutdown_timeout < 0:
            raise ConfigurationError(f"CONSUMER_SHUTDOWN_TIMEOUT must not be negative, not {self.shutdown_timeout}")

    @property
    def window(self) -> int:
        """The prefetch count in force."""
        return self.prefetch or self.concurrency

    @property
    def dead_letters(self) -> str:
        """The dead-letter queue in force."""
        return self.dead_letter_queue or f"{self.queue}.dlq"

    @property
    def consumer(self) -> str:
        """The identity in force."""
        return self.identity or f"local/{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, kw_only=True)
class Program:
    """Everything that `python -m qc_consumer` needs."""

    settings: Settings
    handler: str
    log_level: str
    log_format: str


def read(environ: Mapping[str, str]) -> Program:
    """Read the environment; raise ConfigurationError naming the variable, the rule and the value."""
    given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX) and value}
    _refuse_unknown(given)
    for name in ("QUEUE", "HANDLER"):
        if name not in given:
            raise ConfigurationError(f"{PREFIX}{name} is not set: it names the {_MEANING[name]}")
    namespace, pod = environ.get("POD_NAMESPACE", "local"), environ.get("POD_NAME")
    return Program(
        settings=Settings(
            queue=given["QUEUE"],
            concurrency=_number(given, "CONCURRENCY", default=1, low=1, high=10_000),
            prefetch=_number(given, "PREFETCH", default=0, low=1, high=65_535),
            shutdown_timeout=_seconds(given, "SHUTDOWN_TIMEOUT", default="25"),
            retry=_backoff(given),
            dead_letter_queue=given.get("DEAD_LETTER_QUEUE", ""),
            metrics_port=_number(given, "METRICS_PORT", default=9090, low=0, high=65_535),
            identity=f"{namespace}/{pod}" if pod else "",
        ),
        handler=given["HANDLER"],
        log_level=_one_of(given, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        log_format=_one_of(given, "LOG_FORMAT", "json", ("json", "text")),
    )


_MEANING = {"QUEUE": "queue to consume from", "HANDLER": "function that handles a message, like app:handle"}

_KNOWN = (
    *("QUEUE", "HANDLER", "CONCURRENCY", "PREFETCH", "SHUTDOWN_TIMEOUT", "MAX_ATTEMPTS", "RETRY", "BACKOFF"),
    *("DEAD_LETTER_QUEUE", "METRICS_PORT", "LOG_LEVEL", "LOG_FORMAT"),
)


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in given:
        if name in LATER:
            raise ConfigurationError(f"{PREFIX}{name} is not available in this version: remove it")
        if name not in _KNOWN:
            near = difflib.get_close_matches(name, _KNOWN, 1, 0.0)
            raise ConfigurationError(f"{PREFIX}{name} is not a setting; the nearest is {PREFIX}{near[0]}")


def _number(given: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise ConfigurationError(f"{PREFIX}{name} must be a number from {low} to {high}, not {text!r}")
    return int(text)


def _seconds(given: Mapping[str, str], name: str, *, default: str) -> float:
    try:
        return milliseconds(given.get(name, default)) / 1000
    except ConfigurationError as error:
        raise ConfigurationError(f"{PREFIX}{name}: {error}") from None


def _one_of(given: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = given.get(name, default)
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ConfigurationError(f"{PREFIX}{name} must be one of {', '.join(choices)}, not {value!r}")


def _backoff(given: Mapping[str, str]) -> Backoff | None:
    mode = _one_of(given, "RETRY", "auto", ("auto", "queues", "none", "native", "requeue"))
    if mode in {"native", "requeue"}:
        raise ConfigurationError(f"{PREFIX}RETRY={mode} is not available in this version: use auto, queues or none")
    if mode == "none":
        return None
    shortest, separator, longest = given.get("BACKOFF", "5s..1h").partition("..")
    try:
        return Backoff(
            _number(given, "MAX_ATTEMPTS", default=8, low=1, high=1000),
            shortest,
            longest if separator else shortest,
        )
    except ConfigurationError as error:
        if str(error).startswith(PREFIX):
            raise
        raise ConfigurationError(f"{PREFIX}BACKOFF must look like 5s..1h: {error}") from None
