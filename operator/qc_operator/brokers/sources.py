"""Whom the slow lane asks for the totals, in which order, and who is left alone for a while after he has failed."""

from __future__ import annotations

from collections.abc import Collection

from qc_operator.brokers.breaker import Breaker
from qc_operator.brokers.queue_facts import FactsBook
from qc_operator.brokers.totals_sources import ApiSource, MetricsSource
from qc_operator.settings import ReadingSettings

Source = ApiSource | MetricsSource


class Sources:
    """The management API, and the nodes' metrics where the Secret names them. Times are seconds of the loop's clock."""

    def __init__(
        self, *, api: ApiSource, metrics: MetricsSource | None, facts: FactsBook, settings: ReadingSettings
    ) -> None:
        self._api = api
        self._metrics = metrics
        self._facts = facts
        self._metrics_above = settings.metrics_above
        self._breakers: dict[Source, Breaker] = {
            source: Breaker(first=settings.retry_first, most=settings.retry_most)
            for source in (api, metrics)
            if source is not None
        }

    def in_order(self, watched: Collection[str]) -> list[Source]:
        """Whom to ask, one after the other until there is an answer."""
        self._facts.turn(watched)
        if self._metrics is None:
            return [self._api]
        many = (self._api.in_vhost or self._metrics.in_vhost or 0) > self._metrics_above
        if (many or self._api.list_stuck) and not self._facts.incomplete(watched):
            return [self._metrics, self._api]
        return [self._api, self._metrics]

    def breaker(self, source: Source) -> Breaker:
        """When it may be asked."""
        return self._breakers[source]

    def pause(self, *, now: float) -> float:
        """Seconds until the first of them may be asked."""
        return min(breaker.pause(now=now) for breaker in self._breakers.values())

    @property
    def failures(self) -> int:
        """How often in a row each of them has failed, at least."""
        return min(breaker.failures for breaker in self._breakers.values())

    def api_answers(self, *, now: float) -> bool:
        """Whether the management API may be asked for something else, too."""
        return not self._breakers[self._api].pause(now=now)

    def api_failed(self, *, now: float) -> None:
        """Note that it was, in vain. The totals may come from the nodes, so that nobody else would notice."""
        if self._metrics is not None:
            self._breakers[self._api].failed(now=now)
