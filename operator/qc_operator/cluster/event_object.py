"""A Kubernetes event in the form of events.k8s.io/v1, within the bounds that the API server sets to each of its fields.

They are those of ValidateEventCreate (k8s.io/kubernetes/pkg/apis/core/validation/events.go).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from qc_operator.registry import Known
from qc_operator.resource import GROUP, VERSION

CONTROLLER: Final = "queueconsumer.dev/operator"
NOTE_MOST: Final = 1024
"""Bytes, not characters, of an event's note."""
INSTANCE_MOST: Final = 128
"""Characters of reportingInstance."""
NAME_MOST: Final = 236
"""Characters of the object's name in the event's, which may have 253: 16 hexadecimal digits and a dot follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that has happened to a QueueConsumer."""

    about: Known
    warning: bool
    reason: str
    action: str
    note: str
    at: datetime
    name: str
    """Of the event: the same at each try, so that one whose answer was lost is not posted twice."""

    @property
    def path(self) -> str:
        """Where events of the object's namespace are."""
        return f"/apis/events.k8s.io/v1/namespaces/{self.about.key.namespace}/events"

    @property
    def said(self) -> tuple[str, bool, str, str, str, str]:
        """What must be equal for two to be the same event once more.

        client-go leaves the note out, and so shows the first one's for all of them; in ours are the numbers.
        """
        target = "" if self.about.spec is None else str(self.about.spec.scale_target_ref)
        return self.about.uid, self.warning, self.reason, self.action, self.note, target

    def body(self, *, instance: str) -> dict[str, Any]:
        """The object to create, reported by a process whose name is `instance`."""
        namespace = self.about.key.namespace
        body: dict[str, Any] = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": namespace, "name": self.name},
            "eventTime": _micro_time(self.at),
            "reportingController": CONTROLLER,
            "reportingInstance": instance[:INSTANCE_MOST],
            "type": "Warning" if self.warning else "Normal",
            "reason": self.reason,
            "action": self.action,
            "note": self.note.encode()[:NOTE_MOST].decode(errors="ignore"),
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "QueueConsumer",
                "namespace": namespace,
                "name": self.about.key.name,
                "uid": self.about.uid,
            },
        }
        if self.about.spec is not None:
            ref = self.about.spec.scale_target_ref
            body["related"] = {
                "apiVersion": ref.api_version,
                "kind": ref.kind,
                "namespace": namespace,
                "name": ref.name,
            }
        return body

    def series(self, *, count: int) -> dict[str, Any]:
        """What to change in the first of a series when it has happened `count` times, 2 or more."""
        return {"series": {"count": count, "lastObservedTime": _micro_time(self.at)}}


def new_name(about: Known) -> str:
    """A name that no other event has."""
    # Each part between dots must begin and end with a letter or a digit (RFC 1123).
    return f"{about.key.name[:NAME_MOST].rstrip('-.')}.{secrets.token_hex(8)}"


def _micro_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
