"""What keeps a watch from working, how long to wait because of it, and saying so once."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from qc_operator.cluster.back_off import BackOff
from qc_operator.cluster.client import ApiError

UNREACHABLE_MOST: Final = 5.0
"""Seconds between two tries of a server that does not answer at all: they cost it nothing, and once it is back what
happened meanwhile should be known soon."""
ABSENT_MOST: Final = 5.0
"""The same while the API server serves others of its group and not this resource: it may be about to come."""
GROUP_ABSENT_MOST: Final = 60.0
"""The same while there is nothing of its group, as where KEDA is not installed. Each try is an error in somebody's
audit log; a KEDA that is installed later can wait a minute, for its HorizontalPodAutoscalers are seen at once."""

log = logging.getLogger(__name__)


class UnreadableError(Exception):
    """The API server's answer is not what the API says."""


class WatchTrouble:
    """The troubles of the watch of one path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._now: ApiError | None = None
        self._back_off = BackOff()

    @property
    def none(self) -> bool:
        """Whether the API server answers as it should, as far as is known."""
        return self._now is None

    @property
    def refusal(self) -> ApiError | None:
        """What a person has to mend, or that there is no such resource; None while all is well, or may be again."""
        if self._now is None or self._now.passing or self._now.status == HTTPStatus.UNAUTHORIZED:
            # Whoever holds the credentials has them renewed.
            return None
        return self._now

    def over(self) -> None:
        """Note that the API server answers as it should."""
        if self._now is not None:
            log.info("%s: watched again", self._path)
        self._now = None

    def progress(self) -> None:
        """Note that a watch has shown something, or has lasted: the next pause is a short one again."""
        self._back_off.reset()

    def failed(self, error: Exception, *, group_absent: bool = False) -> float:
        """Take in a failure, and whether nothing of the resource's group is served. Returns the seconds to wait."""
        if not isinstance(error, ApiError | UnreadableError):
            log.error("%s: the watch failed", self._path, exc_info=error)
            return self._back_off.pause()
        if isinstance(error, UnreadableError):
            error = ApiError(status=HTTPStatus.NOT_ACCEPTABLE, reason="Unreadable", message=str(error))
        if error.status == HTTPStatus.GONE:
            log.info("%s: listed again: %s", self._path, error)
            return self._back_off.pause(asked_for=error.retry_after)
        if self._now is None:
            if error.not_found:
                # A cluster without KEDA serves none of its resources, and that is no trouble.
                log.info("%s: the API server has no such resource, and it is looked for now and then", self._path)
            else:
                log.warning("%s is not watched: %s", self._path, error)
        self._now = error
        if error.status == 0:
            return self._back_off.pause(most=UNREACHABLE_MOST)
        if error.not_found:
            most = GROUP_ABSENT_MOST if group_absent else ABSENT_MOST
            return self._back_off.pause(asked_for=error.retry_after, most=most)
        return self._back_off.pause(asked_for=error.retry_after)

    def again(self) -> float:
        """Seconds to wait after a watch that was no failure, and of no use."""
        return self._back_off.pause()
