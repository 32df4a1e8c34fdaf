"""The replicas of the consumers' Deployments from moment to moment, through one watch."""

import threading
import time
from collections.abc import Callable
from typing import Any

from kubernetes import client, watch
from urllib3.exceptions import HTTPError

from .chart import Step
from .observation import CONSUMERS

WATCH_SECONDS = 60
"""A watch is renewed this often, so that one that died in silence is noticed."""


class ReplicaHistory:
    """Keeps every change of replicas wanted (spec) and running (ready), with the time it was seen here."""

    def __init__(self, apps: client.AppsV1Api, *, namespace: str, clock: Callable[[], float] = time.time) -> None:
        self._apps = apps
        self._namespace = namespace
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted: dict[str, list[Step]] = {name: [] for name in CONSUMERS}
        self._running: dict[str, list[Step]] = {name: [] for name in CONSUMERS}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="replicas", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End; the thread is a daemon and may take the rest of its watch to notice."""
        self._stopped.set()

    def wanted(self, name: str) -> list[Step]:
        """Replicas asked for, change by change."""
        with self._lock:
            return list(self._wanted[name])

    def running(self, name: str) -> list[Step]:
        """Replicas ready, change by change."""
        with self._lock:
            return list(self._running[name])

    def note(self, name: str, *, wanted: int, running: int) -> None:
        """Take down what a Deployment says now, if it is new."""
        now = self._clock()
        with self._lock:
            for steps, value in ((self._wanted.get(name), wanted), (self._running.get(name), running)):
                if steps is not None and (not steps or steps[-1].value != value):
                    steps.append(Step(at=now, value=value))

    def _watch(self) -> None:
        while not self._stopped.is_set():
            try:
                stream = watch.Watch().stream(
                    self._apps.list_namespaced_deployment, self._namespace, timeout_seconds=WATCH_SECONDS
                )
                for event in stream:
                    self._take(event)
            except (client.ApiException, HTTPError):
                # The API server restarts or ended the watch (410): the next one begins with the whole list.
                self._stopped.wait(0.5)

    def _take(self, event: dict[str, Any]) -> None:
        deployment = event["object"]
        if event["type"] in {"ADDED", "MODIFIED"}:
            self.note(
                deployment.metadata.name,
                wanted=deployment.spec.replicas or 0,
                running=deployment.status.ready_replicas or 0,
            )


def first_above_zero(steps: list[Step]) -> float | None:
    """When a replica was asked for (or ready) the first time; None if never."""
    return next((step.at for step in steps if step.value > 0), None)
