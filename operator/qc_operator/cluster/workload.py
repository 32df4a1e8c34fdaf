"""Deployments, StatefulSets and ReplicaSets as a watch shows them: their scale without reading `/scale`.

What the scale subresource answers is taken from these fields of the object itself (`pkg/registry/apps` of
kube-apiserver), so it need not be asked for. And managedFields, which `/scale` does not have, tell who wrote the
replicas last.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import msgspec

from qc_operator.cluster import Scale
from qc_operator.cluster.watch_event import Metadata


class _SpecFields(msgspec.Struct):
    replicas: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="f:replicas", default=msgspec.UNSET)


class _Fields(msgspec.Struct):
    """FieldsV1: the fields that a manager owns, as keys."""

    spec: _SpecFields | None = msgspec.field(name="f:spec", default=None)


class ManagedFields(msgspec.Struct, rename="camel"):
    """What one field manager wrote."""

    manager: str = ""
    time: str = ""
    """Of its last change, in RFC 3339 with Z: such times compare as text."""
    fields: _Fields | None = msgspec.field(name="fieldsV1", default=None)


class ManagedMetadata(Metadata):
    """Metadata with who wrote what."""

    managed_fields: list[ManagedFields] | None = None

    @property
    def writer(self) -> str:
        """The field manager that wrote spec.replicas last, or "".

        Several own it when they wrote the same number one after the other by server-side apply.
        """
        owners = [
            entry
            for entry in self.managed_fields or ()
            if entry.fields and entry.fields.spec and entry.fields.spec.replicas is not msgspec.UNSET
        ]
        return sys.intern(max(owners, key=lambda entry: entry.time).manager) if owners else ""


class _Expression(msgspec.Struct):
    key: str
    operator: str
    values: list[str] | None = None

    def __str__(self) -> str:
        values = ",".join(sorted(self.values or ()))
        return {
            "In": f"{self.key} in ({values})",
            "NotIn": f"{self.key} notin ({values})",
            "Exists": self.key,
            "DoesNotExist": f"!{self.key}",
        }[self.operator]


class LabelSelector(msgspec.Struct, rename="camel"):
    """A selector as objects have it; as text it is what a query takes, in the words of `/scale`."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[_Expression] | None = None

    def __str__(self) -> str:
        labels = [(key, f"{key}={value}") for key, value in (self.match_labels or {}).items()]
        expressions = [(expression.key, str(expression)) for expression in self.match_expressions or ()]
        return _joined(labels + expressions)


def _joined(requirements: Sequence[tuple[str, str]]) -> str:
    ordered: Iterable[tuple[str, str]] = sorted(requirements, key=lambda requirement: requirement[0])
    return ",".join(text for _, text in ordered)


class _Spec(msgspec.Struct):
    replicas: int = 1
    selector: LabelSelector | None = None


class _Status(msgspec.Struct):
    replicas: int = 0


class Workload(msgspec.Struct):
    """One object, as far as its scale is concerned."""

    metadata: ManagedMetadata
    spec: _Spec | None = None
    status: _Status | None = None

    def scale(self) -> Scale:
        """What its `/scale` would answer."""
        spec = self.spec or _Spec()
        return Scale(
            replicas=spec.replicas,
            running=self.status.replicas if self.status else 0,
            resource_version=self.metadata.resource_version,
            selector=str(spec.selector or ""),
            uid=self.metadata.uid,
            writer=self.metadata.writer,
        )


class ManagedObject(msgspec.Struct):
    """An object of any kind, as far as it can be told without knowing the kind."""

    metadata: ManagedMetadata
