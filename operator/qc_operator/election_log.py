"""What the log says of one process's election: each thing once, and once more when it is over."""

from __future__ import annotations

import logging
from typing import Final

from qc_operator.candidate import Candidate
from qc_operator.cluster.client import ApiError

SOON: Final = 0.01
"""Seconds that are not worth a word."""

log = logging.getLogger(__name__)


class ElectionLog:
    """Of one candidate."""

    def __init__(self, *, candidate: Candidate, identity: str) -> None:
        self.failing: str | None = None
        """Why the last turn failed, as a sentence that says what to do; None if it did not."""
        self._candidate = candidate
        self._identity = identity
        self._obstacle: str | None = None
        self._seen_holder: str | None = None
        self._seen_uid = ""

    @property
    def holder(self) -> str:
        """Whose the Lease is, as far as was seen; empty when it is nobody's, or was not seen yet."""
        record = self._candidate.state.record
        return record.holder if record is not None else ""

    def turned(self) -> None:
        """Note that a turn went well."""
        if self.failing is not None:
            self.failing = None
            log.info("Lease %s can be read and written again", self._candidate.name)
        obstacle = self._candidate.obstacle
        message = None if obstacle is None else obstacle.message
        if obstacle is not None and message != self._obstacle:
            log.log(logging.WARNING if obstacle.lasting else logging.INFO, "%s", message)
        self._obstacle = message
        uid = self._candidate.uid
        if self._seen_uid and uid not in (self._seen_uid, "") and self._candidate.remaining() > 0:
            log.warning("Lease %s was deleted; this process, which leads, has made it again", self._candidate.name)
        self._seen_uid = uid or self._seen_uid

    def failed(self, error: Exception) -> None:
        """Note that a turn failed."""
        if isinstance(error, ApiError):
            problem = f"Lease {self._candidate.name} cannot be read or written: {error}"
            if error.forbidden:
                problem += (
                    "; grant the operator's ServiceAccount get, list, create and update on leases, as the chart does"
                )
            if self.failing is None:
                log.warning("%s", problem)
        else:
            problem = f"a mistake in the election: {error!r}"
            if self.failing is None:
                log.error("a mistake in the election", exc_info=error)
        self.failing = problem

    def changed(self, *, leading: bool, why: str) -> None:
        """Note that the right to write has come or gone."""
        log.log(logging.INFO if leading else logging.WARNING, "%s: %s", "leads" if leading else "leads no more", why)

    def why_not(self, *, renew_deadline: float) -> str:
        """Why the process may not write, for who has just lost the right."""
        name = self._candidate.name
        if self._candidate.state.ours:
            late = f"Lease {name} was not renewed for {renew_deadline:g} s"
            return f"{late}: {self.failing}" if self.failing else late
        return f"Lease {name} {f'is held by {self.holder}' if self.holder else 'was given to nobody, or deleted'}"

    def looked(self, *, leading: bool, now: float) -> None:
        """Note who holds the Lease now: who does not lead says for whom it waits, or how long for itself."""
        before, self._seen_holder = self._seen_holder, self.holder
        if leading or self.holder in (before, ""):
            return
        if self.holder != self._identity:
            log.info("stands by: %s holds Lease %s", self.holder, self._candidate.name)
        elif (wait := self._candidate.state.changes_at() - now) > SOON:
            log.info("has created Lease %s, and leads in %.0f s if it keeps it", self._candidate.name, wait)
