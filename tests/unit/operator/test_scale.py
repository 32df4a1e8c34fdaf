"""What the scale of a target tells, whatever kind serves it."""

from typing import Any

import pytest

from qc_operator.cluster import Scale
from qc_operator.cluster.client import KubernetesApi
from qc_operator.cluster.scale import Scales
from qc_operator.resource import ScaleTargetRef

ROLLOUTS = {"resources": [{"name": "rollouts", "kind": "Rollout"}, {"name": "rollouts/scale", "kind": "Scale"}]}


class FakeApi(KubernetesApi):
    """Serves one Rollout."""

    def __init__(self, scale: dict[str, Any]) -> None:
        super().__init__()
        self._scale = scale

    async def get(self, path: str) -> dict[str, Any]:
        base = "/apis/argoproj.io/v1alpha1"
        return {base: ROLLOUTS, f"{base}/namespaces/shop/rollouts/receipts/scale": self._scale}[path]


@pytest.mark.parametrize(
    ("status", "selector"),
    [
        ({"replicas": 2, "selector": "app=receipts,tier in (a,b)"}, "app=receipts,tier in (a,b)"),
        ({"replicas": 2, "selector": ""}, ""),
        ({"replicas": 2, "selector": None}, ""),
        ({"replicas": 2}, ""),
    ],
)
async def test_the_selector_of_the_pods_is_told_where_the_kind_tells_it(status: dict[str, Any], selector: str) -> None:
    answer = {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 3}, "status": status}
    target = ScaleTargetRef(api_version="argoproj.io/v1alpha1", kind="Rollout", name="receipts")

    scale = await Scales(api=FakeApi(answer)).read(namespace="shop", target=target)

    assert Scale(replicas=3, running=2, resource_version="7", selector=selector) == scale
