"""The operator's own histogram of reactions: from a reading to the API server's acceptance of the write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bench.cluster import SYSTEM, kubectl

METRIC = "queueconsumer_operator_reaction_seconds"
LEASE = "queueconsumer-operator"


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many observations there were up to each bound, and their sum in seconds."""

    counts: Mapping[float, float]
    """Cumulative, as Prometheus counts: upper bound in seconds, infinity included -> observations."""
    total: float

    @property
    def count(self) -> int:
        """How many observations there were."""
        return int(self.counts.get(math.inf, 0))

    @property
    def mean(self) -> float:
        """In seconds. Raises ZeroDivisionError without observations."""
        return self.total / self.count

    def at_most(self, *, rank: float) -> float:
        """The lowest bound that *rank* percent of the observations do not exceed, in seconds; infinity above all."""
        return min(bound for bound, count in self.counts.items() if count >= self.count * rank / 100)

    def since(self, before: Histogram) -> Histogram:
        """What was observed since an earlier reading of the same histogram."""
        counts = {bound: count - before.counts.get(bound, 0) for bound, count in self.counts.items()}
        return Histogram(counts=counts, total=self.total - before.total)


def read_now() -> Histogram:
    """Read it from the operator's pod that leads, through the API server. Raises BenchError."""
    holder = kubectl("-n", SYSTEM, "get", "lease", LEASE, "-o", "jsonpath={.spec.holderIdentity}")
    pod = holder.rpartition("_")[0]
    return parsed(kubectl("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/pods/{pod}:8080/proxy/metrics"))


def parsed(text: str) -> Histogram:
    """Take the reactions upwards out of the text of /metrics; without any, the histogram is empty."""
    counts: dict[float, float] = {}
    total = 0.0
    for family in text_string_to_metric_families(text):
        if family.name != METRIC:
            continue
        for sample in family.samples:
            if sample.labels.get("direction") != "up":
                continue
            if sample.name == f"{METRIC}_bucket":
                counts[float(sample.labels["le"])] = sample.value
            elif sample.name == f"{METRIC}_sum":
                total = sample.value
    return Histogram(counts=counts, total=total)
