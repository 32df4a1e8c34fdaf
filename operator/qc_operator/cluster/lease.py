"""Leases of coordination.k8s.io/v1: reading them, and writing one unless somebody has written it since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from qc_operator.cluster.client import ApiError, KubernetesApi
from qc_operator.lease_record import Record, Sight

LABEL: Final = "queueconsumer.dev/operator"
"""By which the Leases of one installation are found; its value is the installation's name."""


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    metadata: dict[str, Any]
    spec: _Spec | None = None


class _Leases(msgspec.Struct):
    items: list[_Lease]


_Form = TypeVar("_Form", _Lease, _Leases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A Lease as it was read."""

    name: str
    sight: Sight
    metadata: Mapping[str, Any]
    """All of it: what others have put there is written back, and its uid and resourceVersion guard the write."""


class Leases:
    """The Leases of one installation, in the operator's own namespace. All methods raise `ApiError`.

    Give it a client of its own, without a fence: a Lease is written to get the right to write. Its session should be
    its own, too, so that a try after a time-out uses a new connection and not another one that is half open.
    """

    def __init__(self, *, api: KubernetesApi, namespace: str, operator: str) -> None:
        self._api = api
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace, safe='')}/leases"
        self._operator = operator

    async def all(self) -> list[Lease]:
        """All Leases with the installation's label."""
        selector = quote(f"{LABEL}={self._operator}", safe="")
        answer = await self._api.get(f"{self._path}?labelSelector={selector}")
        return [_lease(item) for item in _decoded(answer, _Leases).items]

    async def get(self, name: str) -> Lease:
        """One Lease; `not_found` when there is none."""
        return _lease(_decoded(await self._api.get(self._of(name)), _Lease))

    async def create(self, name: str, record: Record) -> Lease:
        """Create it; `conflict` when there is one."""
        document = self._document({"name": name}, record)
        return _lease(_decoded(await self._api.post(self._path, document), _Lease))

    async def update(self, lease: Lease, record: Record) -> Lease:
        """Write it; `conflict` when somebody has written it since it was read, or deleted it.

        A PUT to a Lease that is not there creates it, resourceVersion or not (`AllowCreateOnUpdate` in Kubernetes'
        strategy for Leases); the uid prevents that.
        """
        document = self._document(lease.metadata, record)
        return _lease(_decoded(await self._api.put(self._of(lease.name), document), _Lease))

    def _of(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"

    def _document(self, metadata: Mapping[str, Any], record: Record) -> dict[str, Any]:
        labels = dict(metadata.get("labels") or {}) | {LABEL: self._operator}
        spec = {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": record.seconds,
            "acquireTime": _micro_time(record.acquired),
            "renewTime": _micro_time(record.renewed),
            "leaseTransitions": record.transitions,
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": dict(metadata) | {"labels": labels},
            "spec": {name: value for name, value in spec.items() if value is not None},
        }


def _micro_time(time: datetime | None) -> str | None:
    """RFC 3339 with six digits, which is how the API has a MicroTime."""
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _decoded(answer: Mapping[str, Any], form: type[_Form]) -> _Form:
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError as error:
        raise ApiError(status=0, reason="Undecodable", message=f"the answer is no Lease: {error}") from None


def _lease(document: _Lease) -> Lease:
    metadata, spec = document.metadata, document.spec or _Spec()
    record = Record(
        holder=spec.holder_identity or "",
        seconds=spec.lease_duration_seconds,
        acquired=spec.acquire_time,
        renewed=spec.renew_time,
        transitions=spec.lease_transitions or 0,
    )
    return Lease(
        name=str(metadata.get("name", "")),
        sight=Sight(uid=str(metadata.get("uid", "")), record=record),
        metadata=metadata,
    )
