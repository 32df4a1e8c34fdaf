"""Targets as a watch of a real API server shows them: the same as `/scale` answers, without asking for it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from qc_operator.cluster import OUR_WRITER, Scale
from qc_operator.cluster.client import ApiError
from qc_operator.cluster.kinds import Kinds
from qc_operator.cluster.scale import Scales
from qc_operator.cluster.target_watch import TargetWatch
from qc_operator.resource import ScaleTargetRef
from qc_operator.target import Target
from tests.adapters.kubernetes.access import Access, deployment, deployments, scale_path, until
from tests.e2e.hpa.control_plane import ControlPlane

APPS = ("apps", "deployments,statefulsets,replicasets", "get,list,watch")
SCALES = ("apps", "deployments/scale,statefulsets/scale,replicasets/scale", "get,patch")
RECEIPTS = ScaleTargetRef(name="receipts")
THING = ScaleTargetRef(name="receipts", kind="Thing", api_version="watched.test/v1")
THINGS = "/apis/watched.test/v1/namespaces/{}/things"


class Watching:
    """An operator's view of targets. `woken` counts its notifications."""

    def __init__(self, access: Access, **how: Any) -> None:
        kinds = Kinds(api=access.api)
        self.scales = Scales(api=access.api, kinds=kinds)
        self.watch = TargetWatch(api=access.api, kinds=kinds, **how)
        self.woken = 0

    def target(self, namespace: str, ref: ScaleTargetRef = RECEIPTS) -> Target:
        return Target(
            scales=self.scales, namespace=namespace, ref=ref, max_age=5.0, watch=self.watch, notify=self._wake
        )

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
async def watching(admin: Access) -> AsyncIterator[Watching]:
    made = Watching(admin)
    yield made
    await made.watch.close()


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"tier": "back", "app": "receipts"}},
        {
            "matchLabels": {"app": "receipts"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "back"]},
                {"key": "app.kubernetes.io/part-of", "operator": "NotIn", "values": ["legacy"]},
                {"key": "zone", "operator": "DoesNotExist"},
                {"key": "tier", "operator": "Exists"},
            ],
        },
    ],
)
async def test_it_is_the_scale_that_its_subresource_tells(
    admin: Access, watching: Watching, kind: str, selector: dict[str, Any]
) -> None:
    namespace = await admin.namespace(f"watched-{kind.lower()}")
    name = f"receipts-{len(selector)}"
    body = deployment(name, replicas=3, selector=selector) | {"kind": kind}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "receipts", "tier": "back"}
    plural = f"{kind.lower()}s"
    await admin.create(f"/apis/apps/v1/namespaces/{namespace}/{plural}", body)
    status = {"status": {"replicas": 2}}
    await admin.patch(f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}/status", status)

    ref = ScaleTargetRef(name=name, kind=kind)
    shown = await watching.target(namespace, ref).scale(now=0.0)

    told = await watching.scales.read(namespace=namespace, target=ref)
    assert (3, 2, "Python") == (shown.replicas, shown.running, shown.writer)
    assert told == replace(shown, writer="")
    assert shown.uid


async def test_at_rest_nothing_is_asked_for_and_a_change_by_hand_is_known_at_once(
    admin: Access, watching: Watching
) -> None:
    namespace = await admin.namespace("watched-rest")
    await admin.deployment(namespace, "receipts", replicas=0)
    target = watching.target(namespace)
    await target.scale(now=0.0)
    admin.requests.clear()
    for turn in range(1000):
        assert 0 == (await target.scale(now=10.0 * turn)).replicas
    assert ([], 0) == (admin.requests, watching.woken)

    await admin.patch(scale_path(namespace, "receipts"), {"spec": {"replicas": 4}})
    await until(lambda: watching.woken == 1)
    assert 4 == (await target.scale(now=10_000.0)).replicas
    assert 1 == len(admin.requests)


async def test_our_own_write_counts_before_the_watch_shows_it_and_is_known_as_ours(
    admin: Access, watching: Watching
) -> None:
    namespace = await admin.namespace("watched-own")
    await admin.deployment(namespace, "receipts", replicas=0)
    target = watching.target(namespace)
    for replicas in range(1, 21):
        known = await target.scale(now=0.0)
        asked = await target.ask(replicas, known=known, now=0.0)
        assert (replicas, OUR_WRITER) == (asked.replicas, asked.writer)
        assert asked == await target.scale(now=0.0)
    admin.requests.clear()
    followed = watching.watch.follow(namespace=namespace, target=RECEIPTS, notify=lambda: None)
    await until(lambda: followed.version == asked.resource_version)
    assert (20, OUR_WRITER) == (followed.scale.replicas, followed.scale.writer)
    assert asked == await target.scale(now=60.0)
    assert [] == admin.requests


async def test_a_write_that_somebody_forestalled_has_the_scale_read(admin: Access, watching: Watching) -> None:
    namespace = await admin.namespace("watched-conflict")
    await admin.deployment(namespace, "receipts", replicas=1)
    target = watching.target(namespace)
    known = await target.scale(now=0.0)
    await admin.patch(scale_path(namespace, "receipts"), {"spec": {"replicas": 7}})
    admin.requests.clear()

    with pytest.raises(ApiError) as raised:
        await target.ask(3, known=known, now=0.0)
    assert raised.value.conflict
    assert 7 == (await target.scale(now=0.0)).replicas
    path = scale_path(namespace, "receipts")
    assert [f"PATCH {path}", f"GET {path}"] == admin.requests
    # Only once: then the watch has caught up.
    await asyncio.sleep(0.2)
    assert 7 == (await target.scale(now=60.0)).replicas
    assert 2 == len(admin.requests)


async def test_a_target_that_is_missing_costs_nothing_and_is_known_once_it_is_made_and_made_anew(
    admin: Access, watching: Watching
) -> None:
    namespace = await admin.namespace("watched-missing")
    target = watching.target(namespace)
    for _ in range(10):
        with pytest.raises(ApiError, match='Deployment "receipts" not found in namespace watched-missing') as raised:
            await target.scale(now=0.0)
        assert raised.value.not_found
    assert [] == [request for request in admin.requests if request.endswith("/scale")]

    await admin.deployment(namespace, "receipts", replicas=2)
    await until(lambda: watching.woken == 1)
    first = await target.scale(now=0.0)
    await admin.delete(f"{deployments(namespace)}/receipts")
    await until(lambda: watching.woken == 2)
    with pytest.raises(ApiError):
        await target.scale(now=0.0)
    await admin.deployment(namespace, "receipts", replicas=2)
    await until(lambda: watching.woken == 3)
    second = await target.scale(now=0.0)
    assert (2, 2) == (first.replicas, second.replicas)
    assert first.uid != second.uid


async def test_whoever_wrote_the_replicas_last_is_named(admin: Access, watching: Watching, plane: ControlPlane) -> None:
    namespace = await admin.namespace("watched-writers")
    path = f"{deployments(namespace)}/receipts"
    applied = deployment("receipts", replicas=1)
    target = watching.target(namespace)
    followed = watching.watch.follow(namespace=namespace, target=RECEIPTS, notify=lambda: None)

    async def seen(replicas: int) -> str:
        await until(lambda: followed.scale is not None and followed.scale.replicas == replicas)
        return (await target.scale(now=0.0)).writer

    await admin.apply(path, applied, manager="argocd-controller")
    assert "argocd-controller" == await seen(1)
    await kubectl(plane, "scale", "deployment/receipts", f"--namespace={namespace}", "--replicas=2")
    assert "kubectl" == await seen(2)
    await admin.api.merge_patch(
        scale_path(namespace, "receipts") + "?fieldManager=kube-controller-manager", {"spec": {"replicas": 3}}
    )
    assert "kube-controller-manager" == await seen(3)
    await kubectl(
        plane, "patch", "deployment/receipts", f"--namespace={namespace}", '--patch={"spec":{"replicas":4}}',
        "--field-manager=kubectl-edit",
    )  # fmt: skip
    assert "kubectl-edit" == await seen(4)
    asked = await target.ask(5, known=await target.scale(now=0.0), now=0.0)
    assert (OUR_WRITER, OUR_WRITER) == (asked.writer, await seen(5))
    # Of other fields everybody may write, also in the same second.
    await admin.patch(path + "?fieldManager=kubectl-annotate", {"metadata": {"annotations": {"team": "a"}}})
    await admin.patch(f"{path}/status?fieldManager=kube-controller-manager", {"status": {"replicas": 5}})
    await until(lambda: followed.scale.running == 5)
    assert OUR_WRITER == await seen(5)
    await asyncio.sleep(1.1)
    await admin.apply(path, applied | {"spec": applied["spec"] | {"replicas": 6}}, manager="argocd-controller")
    assert "argocd-controller" == await seen(6)


async def test_without_the_right_to_watch_scales_are_read_and_the_rule_is_named(
    admin: Access, operator: Access
) -> None:
    namespace = await admin.namespace("watched-forbidden")
    await admin.grant("operator", "only-scales", SCALES)
    await admin.deployment(namespace, "receipts", replicas=2)
    watching = Watching(operator)
    target = watching.target(namespace)
    scale = await target.scale(now=0.0)
    for _ in range(10):
        assert scale is await target.scale(now=4.9)
    await target.scale(now=5.1)

    path = scale_path(namespace, "receipts")
    assert [f"GET {path}"] * 2 == [request for request in operator.requests if request.endswith("/scale")]
    problem = target.watch_problem or ""
    assert problem.startswith("the operator may not watch deployments: deployments.apps is forbidden: User")
    assert problem.endswith(
        "; grant its ServiceAccount list and watch on deployments (API group apps); until then each target of this "
        "kind is read every few seconds"
    )
    # Granted meanwhile: it is watched, without a restart.
    await admin.grant("operator", "watches", APPS)
    await until(lambda: target.watch_problem is None, what="the watch begins")
    assert (2, "Python") == ((await target.scale(now=60.0)).replicas, (await target.scale(now=60.0)).writer)
    await watching.watch.close()
    await admin.revoke("watches")
    await admin.revoke("only-scales")


async def test_a_custom_kind_is_read_when_it_has_changed_and_not_at_rest(admin: Access, watching: Watching) -> None:
    namespace = await admin.namespace("watched-custom")
    await admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", things())
    path = THINGS.format(namespace)
    body = {
        "apiVersion": "watched.test/v1",
        "kind": "Thing",
        "metadata": {"name": "receipts"},
        "spec": {"replicas": 2, "selector": "app=receipts"},
    }
    target = watching.target(namespace, THING)
    await served(admin, path)
    await admin.create(path, body)
    scale = await eventually(target)
    assert (2, 0, "") == (scale.replicas, scale.running, scale.selector)
    followed = watching.watch.follow(namespace=namespace, target=THING, notify=lambda: None)
    await until(lambda: followed.version is not None, what="the kind is watched")
    admin.requests.clear()
    for turn in range(100):
        await target.scale(now=10.0 * turn)
    assert [] == admin.requests

    woken = watching.woken
    await admin.patch(f"{path}/receipts", {"spec": {"replicas": 5}})
    await until(lambda: watching.woken > woken)
    admin.requests.clear()
    changed = await target.scale(now=0.0)
    assert (5, "Python") == (changed.replicas, (await target.scale(now=0.0)).writer)
    assert [f"GET {path}/receipts/scale"] == admin.requests

    asked = await target.ask(6, known=changed, now=0.0)
    assert (6, OUR_WRITER) == (asked.replicas, asked.writer)
    await asyncio.sleep(0.2)
    assert (6, OUR_WRITER) == ((await target.scale(now=60.0)).replicas, (await target.scale(now=60.0)).writer)
    assert 2 == len(admin.requests)


async def test_a_kind_that_does_not_exist_is_said_and_found_once_it_does(admin: Access, watching: Watching) -> None:
    namespace = await admin.namespace("watched-unknown")
    ref = ScaleTargetRef(name="receipts", kind="Nothing", api_version="nowhere.test/v1")
    target = watching.target(namespace, ref)
    admin.requests.clear()
    for _ in range(50):
        with pytest.raises(ApiError) as raised:
            await target.scale(now=0.0)
        assert raised.value.not_found
    assert ["GET /apis/nowhere.test/v1"] == admin.requests


async def test_thousands_follow_at_once_with_one_list(admin: Access, watching: Watching) -> None:
    namespace = await admin.namespace("watched-many")
    names = [f"receipts-{number}" for number in range(600)]
    for start in range(0, len(names), 50):
        await asyncio.gather(*(admin.deployment(namespace, name) for name in names[start : start + 50]))
    admin.requests.clear()
    targets = [watching.target(namespace, ScaleTargetRef(name=name)) for name in names]
    scales = await asyncio.gather(*(target.scale(now=0.0) for target in targets))

    assert {0} == {scale.replicas for scale in scales}
    assert {"GET /apis/apps/v1/deployments"} == set(admin.requests)
    assert len(admin.requests) <= 4
    assert 0 == watching.woken


async def eventually(target: Target) -> Scale:
    for _ in range(100):
        try:
            return await target.scale(now=0.0)
        except ApiError:
            await asyncio.sleep(0.1)
    raise AssertionError("not within 10 s")


async def served(admin: Access, path: str) -> None:
    """Wait until a new kind is."""
    for _ in range(100):
        try:
            await admin.api.get(path)
        except ApiError:
            await asyncio.sleep(0.1)
        else:
            return


async def kubectl(plane: ControlPlane, *arguments: str) -> None:
    (plane.folder / "authority.crt").write_text(plane.authority.certificate)
    process = await asyncio.create_subprocess_exec(
        plane.program("kubectl"), f"--server={plane.url}", f"--token={plane.tokens['admin']}",
        f"--certificate-authority={plane.folder / 'authority.crt'}", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def things() -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    replicas = {"type": "object", "properties": {"replicas": {"type": "integer"}}} | anything
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": replicas, "status": replicas}}},
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.watched.test"},
        "spec": {
            "group": "watched.test",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [version],
        },
    }
