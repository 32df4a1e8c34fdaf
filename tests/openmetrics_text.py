"""Reading OpenMetrics back, as strictly as prometheus_client does."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def openmetrics(text: str) -> Iterable[Metric]:
    """The families in a text. Raises ValueError for one that is not as OpenMetrics 1.0 wants it."""
    families: Iterable[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call] # it has no types
    return families
