"""What the workload says, as kube-state-metrics and the kubelet tell it."""

from __future__ import annotations

from typing import Final

from dashboards.meaning import COUNT, Meaning, Panel, Query
from dashboards.panels import graph

_KUBE_STATE: Final = "needs kube-state-metrics and the metrics of the kubelet"


def panels() -> list[Panel]:
    """The panels."""
    target = (
        '* on (namespace, pod) group_left () (0 * kube_pod_info{namespace=~"$namespace", pod=~"$target_name-.*"} + 1)'
    )
    return [
        graph(
            Meaning(
                title="Pods by phase",
                description="Pods whose name begins with that of the target. Pending for long: no room on the nodes.",
                unit=COUNT,
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr=f'sum by (phase) (kube_pod_status_phase{{namespace=~"$namespace"}} {target})',
                    legend="{{phase}}",
                )
            ],
            width=8,
        ),
        graph(
            Meaning(
                title="Restarts of containers",
                description="Restarts in each interval. A pod that crashes again and again takes messages and "
                "gives none back.",
                unit=COUNT,
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr="sum(increase(kube_pod_container_status_restarts_total"
                    f'{{namespace=~"$namespace"}}[$__rate_interval]) {target})',
                    legend="restarts",
                )
            ],
            width=8,
        ),
        graph(
            Meaning(
                title="CPU",
                description="Cores that the pods use. A replica at its limit works no faster for more messages.",
                unit="cores",
                no_value=_KUBE_STATE,
            ),
            [
                Query(
                    expr='sum(rate(container_cpu_usage_seconds_total{namespace=~"$namespace", '
                    'pod=~"$target_name-.*", container!=""}[$__rate_interval]))',
                    legend="CPU",
                )
            ],
            width=8,
        ),
    ]
