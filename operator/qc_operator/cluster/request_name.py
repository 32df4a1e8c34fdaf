"""What a request to the API server asks for, in the words of its rights: verb and resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Asked = Callable[[str, str, str, float], None]
"""Is told of a request: its verb, its resource, HTTP's code or `none` without an answer, and the seconds it took."""

_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def request_name(method: str, path: str, *, watch: bool = False) -> tuple[str, str]:
    """Verb and resource, such as `patch` and `deployments/scale`; the subresource is part of it.

    Paths are those of the Kubernetes API ("API Concepts", resource URIs): `/api/v1` or `/apis/GROUP/VERSION`, then
    `namespaces/NAME` where the resource is in one, then the resource, a name, and a subresource. What is not below a
    version, or the version itself, is `discovery`.
    """
    parts = path.partition("?")[0].strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces":  # noqa: PLR2004 - "namespaces", a name, and more
        parts = parts[2:]
    if not parts:
        return "get", "discovery"
    resource = "/".join([parts[0], *parts[2:]])
    if watch:
        return "watch", resource
    if method == "GET":
        return ("get" if len(parts) > 1 else "list"), resource
    return _VERBS.get(method, method.lower()), resource
