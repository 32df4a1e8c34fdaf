"""Logging for containers: one JSON object per line on stderr. Never a body, never a URL with a password."""

import datetime as dt
import json
import logging
import sys


class JsonFormatter(logging.Formatter):
    """Formats a record, with the fields of `extra={"fields": {...}}`, as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        entry: dict[str, object] = {
            "time": dt.datetime.fromtimestamp(record.created, tz=dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["stack"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, with the fields behind it."""
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        return f"{super().format(record)} {fields}".rstrip()


def configure(*, level: str, form: str) -> None:
    """Send all logs of the process to stderr."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[output], force=True)
    # pika logs each failed connection in five lines with tracebacks; `connection` says the same in one.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
