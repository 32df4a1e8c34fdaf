"""Gives Secrets to the brokers, with errors in their words."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from qc_operator.brokers.credentials import SecretUnreadableError
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.secrets import Secrets


class SecretSource:
    """Reads a Secret by its name."""

    def __init__(self, *, secrets: Secrets) -> None:
        self._secrets = secrets

    async def __call__(self, namespace: str, name: str) -> Mapping[str, str]:
        """The Secret's data. Raises `SecretUnreadableError`."""
        try:
            return await self._secrets.data(namespace=namespace, name=name)
        except ApiError as error:
            if error.not_found:
                raise SecretUnreadableError(
                    reason="SecretNotFound",
                    message=f"Secret {namespace}/{name}, named by spec.broker.secretName, does not exist: create it",
                ) from None
            if error.status == HTTPStatus.FORBIDDEN:
                raise SecretUnreadableError(
                    reason="SecretForbidden",
                    message=f"the operator may not read Secret {namespace}/{name}: "
                    "grant its ServiceAccount get on secrets",
                ) from None
            raise SecretUnreadableError(
                reason="Unreachable", message=f"Secret {namespace}/{name} could not be read: {error}"
            ) from None
