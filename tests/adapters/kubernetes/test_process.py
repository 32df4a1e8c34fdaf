"""The operator as a process that may do little: what it serves, what it says of the rest, and in how many words."""

import asyncio
import json
import re
import socket
from pathlib import Path

import pytest

from tests.adapters.kubernetes.access import Access, until
from tests.adapters.kubernetes.queueconsumers import DEFINITION, condition, create, definition, install, path
from tests.chaos.operator_process import OperatorProcess
from tests.e2e.hpa.control_plane import ControlPlane

pytestmark = pytest.mark.usefixtures("crd")

RIGHTS = (
    ("queueconsumer.dev", "queueconsumers", "get,list,watch,patch"),
    ("queueconsumer.dev", "queueconsumers/status", "patch"),
    ("apps", "deployments,deployments/scale", "get,list,watch,patch"),
    ("autoscaling", "horizontalpodautoscalers", "list,watch"),
    ("keda.sh", "scaledobjects", "list,watch"),
    ("events.k8s.io", "events", "create,patch"),
    (",", "secrets", "get"),
)


def process(plane: ControlPlane, folder: Path, **environment: str) -> OperatorProcess:
    """One without a Lease, in the name of `operator`."""
    kubeconfig = plane._kubeconfig()
    kubeconfig["users"][0]["user"] = {"token": plane.tokens["operator"]}
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig))
    return OperatorProcess(
        user="operator", kubeconfig=file, folder=folder, environment={"POD_NAMESPACE": "", **environment}
    )


async def says(running: OperatorProcess, words: str, *, times: int = 1) -> str:
    """Wait until its log has these words; returns the whole of it."""
    await until(lambda: running.said().count(words) >= times, what=f"{words!r} in the log {running.log}")
    assert running.said().count(words) == times
    return running.said()


async def told(admin: Access, namespace: str, *, reason: str = "SecretNotFound") -> dict[str, str]:
    """Wait until the object there is not Ready for this reason; the condition."""
    async with asyncio.timeout(15):
        while (ready := await shown(admin, namespace)).get("reason") != reason:  # noqa: ASYNC110 - asked for
            await asyncio.sleep(0.05)
    return ready


async def shown(admin: Access, namespace: str) -> dict[str, str]:
    """The condition Ready of the object there, as it is now."""
    ready = condition(await admin.api.get(path(namespace)), "Ready")
    return {name: str(value) for name, value in ready.items()}


async def test_a_namespace_that_may_not_be_listed_is_named_and_the_others_are_served(
    plane: ControlPlane, admin: Access, tmp_path: Path
) -> None:
    shop, bank = await admin.namespace("process-shop"), await admin.namespace("process-bank")
    for namespace in (shop, bank):
        await admin.deployment(namespace, "receipts")
        await create(admin, namespace)
    await admin.grant("operator", "process", *RIGHTS, namespace=shop)
    unserved = "queueconsumer_operator_unserved_namespaces"
    remark = (
        "not served, because the operator may not list QueueConsumers there: process-bank (QC_NAMESPACES); create the "
        "namespace if it is not there, and grant the operator's ServiceAccount in it what the chart's Role does"
    )
    # Nobody scales less for want of a page.
    taken = socket.create_server(("", 0))
    page_port = str(taken.getsockname()[1])
    with taken, process(plane, tmp_path, QC_NAMESPACES=f"{shop},{bank}", QC_PAGE_PORT=page_port) as running:
        await until(lambda: running.answer("/readyz") == (200, f"ok\n{remark}\n"), what="it is ready, with a remark")
        await says(running, f"the live page is not served, because port {page_port} cannot be listened at: ")
        assert 1.0 == running.metric(unserved)
        ready = await told(admin, shop)
        assert "False" == ready["status"]
        # What is missing there is no matter of the objects here.
        assert bank not in ready["message"]
        await asyncio.sleep(3.0)  # kopf has tried four times by now
        said = await says(running, "QueueConsumers in namespace process-bank are not watched: ")
        assert 1 == said.count("namespace process-bank is not served: queueconsumers.queueconsumer.dev is forbidden")
        assert "Request attempt" not in said

        await admin.grant("operator", "process", *RIGHTS, namespace=bank)
        await told(admin, bank)
        await says(running, "QueueConsumers in namespace process-bank are watched again")
        await until(lambda: running.answer("/readyz") == (200, "ok\n"), what="no remark is left")
        assert 0.0 == running.metric(unserved)

        # The API server goes, and comes back.
        plane.kill_api_server()
        await says(running, "QueueConsumers in namespace process-shop are not watched: ")
        plane.start_api_server()  # by this thread, with which the kernel ends it
        await says(running, "QueueConsumers in namespace process-shop are watched again")
        await says(running, "QueueConsumers in namespace process-bank are watched again", times=2)

        # And so does the CustomResourceDefinition, with all objects.
        await admin.delete(DEFINITION)
        await says(running, "the CustomResourceDefinition queueconsumers.queueconsumer.dev is gone, and with it all")
        await asyncio.to_thread(install, plane, definition())
        await create(admin, shop)
        await says(running, "the API server serves queueconsumers, and they are watched")
        await told(admin, shop)

    assert [] == running.sick
    assert [] == re.findall(r"Traceback|Multidimensional|Request attempt", running.said())


async def test_a_namespace_that_changes_its_labels_is_left_by_one_release_and_taken_up_by_another(
    plane: ControlPlane, admin: Access, tmp_path: Path
) -> None:
    label = "process-team"
    namespace = await admin.namespace("process-labels", **{label: "shop"})
    await admin.deployment(namespace, "receipts", replicas=2)
    await create(admin, namespace)
    await admin.grant("operator", "process-labels", *RIGHTS, ("", "namespaces", "list,watch"))
    await admin.grant("operator", "process-lease", ("coordination.k8s.io", "leases", "*"), namespace=namespace)
    folders = tmp_path / "shop", tmp_path / "bank", tmp_path / "wrong"
    for folder in folders:
        folder.mkdir()
    shop, bank = (process(plane, folder, QC_NAMESPACE_SELECTOR=f"{label}={folder.name}") for folder in folders[:2])
    wrong = process(plane, folders[2], QC_NAMESPACE_SELECTOR="team in (", POD_NAMESPACE=namespace)

    async def labelled(team: str | None) -> None:
        await admin.patch(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": {label: team}}})

    with shop, bank, wrong:
        await until(
            lambda: all(running.answer("/readyz") == (200, "ok\n") for running in (shop, bank)), what="both are ready"
        )
        await told(admin, namespace)

        await labelled(None)
        ready = await told(admin, namespace, reason="NotServed")
        assert "Unknown" == ready["status"]
        await labelled("shop")
        await told(admin, namespace)

        # Both write at the same moment: the one that leaves, and the one that comes.
        for team in ("bank", "shop"):
            await labelled(team)
            await told(admin, namespace)
            await asyncio.sleep(0.5)
            assert "SecretNotFound" == (await shown(admin, namespace))["reason"]
        (deployment,) = (await admin.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments"))["items"]
        assert 2 == deployment["spec"]["replicas"]

        # Who cannot know its namespaces says so, and leaves the Lease to somebody who can.
        status, why = await asyncio.to_thread(wrong.answer, "/readyz")
        assert (503, True) == (status, why.startswith("QC_NAMESPACE_SELECTOR 'team in (': "))
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        assert [] == (await admin.api.get(leases))["items"]
    await admin.revoke("process-labels")
    assert [] == [*shop.sick, *bank.sick]
