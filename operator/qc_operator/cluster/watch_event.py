"""Lists and watch events of the Kubernetes API, as far as they are the same for all kinds of objects."""

from __future__ import annotations

from typing import Protocol

import msgspec

from qc_operator.cluster.client import ApiError


class Metadata(msgspec.Struct, rename="camel"):
    """What of an object's metadata everybody needs. All other fields are skipped, not decoded."""

    name: str = ""
    namespace: str = ""
    """Empty for objects that belong to no namespace."""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    """How often its spec has been changed, where the kind counts that."""


class Bare(msgspec.Struct):
    """An object of which only the metadata is wanted."""

    metadata: Metadata


class Watched(Protocol):
    """What can be decoded from a list or a watch: a struct whose metadata is `Metadata`, or has more."""

    @property
    def metadata(self) -> Metadata:
        """The metadata."""


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    more: str = msgspec.field(name="continue", default="")


class Page(msgspec.Struct):
    """One page of a list; its objects are decoded one by one."""

    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class Event(msgspec.Struct):
    """One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""

    type: str
    object: msgspec.Raw


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: int = 0


class Status(msgspec.Struct):
    """What an ERROR event has in place of an object."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None

    def error(self) -> ApiError:
        """The same as an answer to a request would have been."""
        return ApiError(
            status=self.code,
            reason=self.reason,
            message=self.message or self.reason,
            retry_after=float(self.details.retry_after_seconds) if self.details else 0.0,
        )
