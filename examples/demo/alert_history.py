"""Which alerts were pending or firing while the demo ran: Prometheus itself tells only of those that are so now."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .progress import Progress
from .prometheus_server import Prometheus

CALM_SECONDS = 20.0
"""Until what the rules read, the rules and the alerts have followed each other; 10 s when all is well."""
LOOK_SECONDS = 1.0
"""Several times as often as rules are evaluated, so that no alert is missed."""


@dataclass(frozen=True, kw_only=True)
class Alerted:
    """An alert with its labels: all that it came to."""

    name: str
    severity: str
    summary: str
    fired: bool
    seconds: float
    """For how long it was pending or firing without a break, at the longest."""
    fires_after: float
    """For so many seconds it is pending first."""


class AlertHistory:
    """Looks at a Prometheus again and again."""

    def __init__(self, prometheus: Prometheus, *, clock: Callable[[], float] = time.time) -> None:
        self._prometheus = prometheus
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[tuple[str, str], ...], Alerted] = {}
        self.fires_after: dict[str, float] = {}
        """By each alert's name, how many seconds it is pending first; empty until Prometheus has said it."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="alerts", daemon=True)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look for as long as the block, and once more."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._thread.join()

    def alerted(self) -> list[Alerted]:
        """Those that fired first, then those that were pending, by name."""
        with self._lock:
            return sorted(self._known.values(), key=lambda each: (not each.fired, each.name, each.summary))

    def note(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Take down what is pending or fires now."""
        now = self._clock()
        for alert in alerts:
            labels = alert["labels"]
            key = tuple(sorted(labels.items()))
            began = datetime.fromisoformat(alert["activeAt"]).timestamp()
            with self._lock:
                before = self._known.get(key)
                self._known[key] = Alerted(
                    name=labels["alertname"],
                    severity=labels.get("severity", ""),
                    summary=alert["annotations"].get("summary", ""),
                    fired=alert["state"] == "firing" or (before is not None and before.fired),
                    seconds=max(now - began, before.seconds if before else 0.0),
                    fires_after=self.fires_after.get(labels["alertname"], 0.0),
                )

    def _watch(self) -> None:
        last = False
        while not last:
            last = self._stopped.wait(LOOK_SECONDS)
            try:
                if not self.fires_after:
                    self.fires_after = {
                        rule["name"]: float(rule["duration"]) for rule in self._prometheus.alerting_rules()
                    }
                self.note(self._prometheus.alerts())
            except OSError:
                # Two busy cores may leave a request unanswered now and then.
                continue


def await_calm(prometheus: Prometheus, progress: Progress) -> None:
    """Wait until nothing is pending any more: the shop's broker came up after its QueueConsumers."""
    deadline = time.monotonic() + CALM_SECONDS
    names: list[str] = []
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            names = [alert["labels"]["alertname"] for alert in prometheus.alerts()]
            if not names:
                progress.detail("Prometheus: no alert is pending or firing")
                return
        time.sleep(0.5)
    progress.detail(f"Prometheus: pending or firing already: {', '.join(sorted(set(names)))}")


@contextlib.contextmanager
def noting_alerts(prometheus: Prometheus | None) -> Iterator[AlertHistory | None]:
    """Take down for the block what is pending and what fires, if there is a Prometheus."""
    if prometheus is None:
        yield None
        return
    history = AlertHistory(prometheus)
    with history.watching():
        yield history
