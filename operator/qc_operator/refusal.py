"""A turn in which the API server refused what had to be done first: what people are told of it."""

from __future__ import annotations

import logging

from qc_operator.announcer import Announcer
from qc_operator.cluster.client import ApiError
from qc_operator.holding import FinalizerError
from qc_operator.readiness import finalizer_problem, target_problem
from qc_operator.registry import Known
from qc_operator.reporting import Findings
from qc_operator.resource import QueueConsumerSpec
from qc_operator.scaling.observation import EntryObservation
from qc_operator.turn_metrics import TurnMetrics

log = logging.getLogger(__name__)


def tell(
    refused: FinalizerError | ApiError,
    *,
    about: Known,
    spec: QueueConsumerSpec,
    entries: tuple[EntryObservation, ...],
    announcer: Announcer,
    metrics: TurnMetrics,
) -> None:
    """Tell why nothing was written; what was read of the queues is known all the same."""
    if isinstance(refused, FinalizerError):
        resource, error, conditions = "finalizers", refused.error, finalizer_problem(error=refused.error)
    else:
        resource, error, conditions = "scale", refused, target_problem(error=refused, spec=spec)
    metrics.refused(error, resource=resource)
    if error.passing:
        # Neither could a status be written now; nothing is known to be wrong with the object.
        log.warning("%s: %s not read or written: %s", about.key, resource, error)
    else:
        announcer.tell(Findings(conditions=conditions, entries=entries), about=about)
