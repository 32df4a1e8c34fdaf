"""Which resource serves a kind is asked for once, however many want to know."""

import asyncio
from typing import Any

import pytest

from qc_operator.cluster import kinds
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.reflector import Resource
from qc_operator.resource import ScaleTargetRef

ROLLOUT = ScaleTargetRef(api_version="argoproj.io/v1alpha1", kind="Rollout", name="receipts")
SERVED = {
    "resources": [
        {"name": "rollouts", "kind": "Rollout"},
        {"name": "rollouts/scale", "kind": "Scale"},
        {"name": "experiments", "kind": "Experiment"},
    ]
}


class FakeApi:
    def __init__(self, *answers: dict[str, Any] | ApiError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


async def test_the_kinds_of_apps_are_known() -> None:
    known = Kinds(api=FakeApi())
    for kind, plural in (("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("ReplicaSet", "replicasets")):
        ref = ScaleTargetRef(kind=kind, name="receipts")
        assert Resource(base="/apis/apps/v1", plural=plural) == await known.resource(ref)


async def test_a_thousand_who_ask_at_once_and_later_cost_one_request() -> None:
    api = FakeApi(SERVED)
    known = Kinds(api=api)
    found = await asyncio.gather(*(known.resource(ROLLOUT) for _ in range(1000)))
    found.append(await known.resource(ROLLOUT))

    assert {Resource(base="/apis/argoproj.io/v1alpha1", plural="rollouts")} == set(found)
    assert ["/apis/argoproj.io/v1alpha1"] == api.asked


async def test_one_who_gives_up_takes_the_answer_from_nobody() -> None:
    known = Kinds(api=FakeApi(SERVED))
    first, second = (asyncio.create_task(known.resource(ROLLOUT)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert "rollouts" == (await second).plural


async def test_a_kind_without_a_scale_is_not_asked_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "UNKNOWN_SECONDS", 0.05)
    api = FakeApi(SERVED, SERVED)
    known = Kinds(api=api)
    ref = ScaleTargetRef(api_version="argoproj.io/v1alpha1", kind="Experiment", name="receipts")
    for _ in range(10):
        with pytest.raises(ApiError, match=r"knows no Experiment in .* with a scale") as raised:
            await known.resource(ref)
        assert raised.value.not_found
    assert 1 == len(api.asked)

    await asyncio.sleep(0.1)
    with pytest.raises(ApiError):
        await known.resource(ref)
    assert 2 == len(api.asked)


async def test_the_core_group_has_a_path_of_its_own() -> None:
    controllers = [
        {"name": "replicationcontrollers", "kind": "ReplicationController"},
        {"name": "replicationcontrollers/scale", "kind": "Scale"},
    ]
    api = FakeApi({"resources": controllers})
    ref = ScaleTargetRef(api_version="v1", kind="ReplicationController", name="receipts")

    assert "/api/v1/namespaces/shop/replicationcontrollers" == (await Kinds(api=api).resource(ref)).path("shop")
    assert ["/api/v1"] == api.asked


async def test_a_kind_whose_group_nobody_serves_is_told_in_words() -> None:
    known = Kinds(api=FakeApi(ApiError(status=404, reason="Not Found", message="404 page not found")))
    with pytest.raises(ApiError) as caught:
        await known.resource(ROLLOUT)

    assert (True, "the API server has no such kind, as it serves nothing in argoproj.io/v1alpha1") == (
        caught.value.not_found,
        str(caught.value),
    )
