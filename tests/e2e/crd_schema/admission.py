"""What the API server answers to a QueueConsumer."""

import json
from dataclasses import dataclass
from typing import Any

from kubernetes.client import ApiException, CustomObjectsApi

from tests.e2e.crd_schema.manifests import GROUP, PLURAL, VERSION


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The answer to an object that was not accepted."""

    status: int
    message: str
    """The whole message, as kubectl prints it."""
    causes: tuple[tuple[str, str], ...]
    """Each rule that was broken: the path of the field, and what is wrong with it."""

    def said_of(self, field: str) -> str:
        """Return everything that was said of a field; nothing when another field was blamed."""
        return "\n".join(text for path, text in self.causes if path == field)


class Admission:
    """Sends QueueConsumers to the API server as a dry run: everything happens but the writing."""

    def __init__(self, api: CustomObjectsApi) -> None:
        self._api = api

    def accepted(self, manifest: dict[str, Any], *, field_validation: str = "Strict") -> dict[str, Any]:
        """Return the object as the API server would store it; ApiException when it refuses."""
        stored = self._api.create_namespaced_custom_object(
            GROUP, VERSION, "default", PLURAL, body=manifest, dry_run="All", field_validation=field_validation
        )
        assert isinstance(stored, dict)
        return stored

    def refused(self, manifest: dict[str, Any]) -> Refusal:
        """Return why the API server refuses an object; AssertionError when it accepts it."""
        try:
            stored = self.accepted(manifest)
        except ApiException as error:
            answer = json.loads(error.body or "{}")
            causes = answer.get("details", {}).get("causes", ())
            return Refusal(
                status=error.status,
                message=answer["message"],
                causes=tuple((cause.get("field", ""), cause["message"]) for cause in causes),
            )
        raise AssertionError(f"the API server accepted it as {json.dumps(stored['spec'])}")
