"""What `helm test` runs, with the rights that the chart gives it, at a real API server; the operator is played."""

import importlib.util
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from devcluster import toolchain
from tests.e2e.hpa.control_plane import ControlPlane
from tests.packaging.rendering import CHART, HOOK, everything

NAMESPACE = "chart-trial"
NAME = "queueconsumer-operator-test"
CORE = f"/api/v1/namespaces/{NAMESPACE}"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
QUEUE_CONSUMER = f"/apis/queueconsumer.dev/v1alpha1/namespaces/{NAMESPACE}/queueconsumers"
PLACES = {
    "ServiceAccount": f"{CORE}/serviceaccounts",
    "Role": f"{RBAC}/roles",
    "RoleBinding": f"{RBAC}/rolebindings",
    "Deployment": DEPLOYMENT,
    "QueueConsumer": QUEUE_CONSUMER,
}


@pytest.fixture
def script(plane: ControlPlane, crd: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:  # noqa: ARG001 - installed first
    """The script, as in its pod: with the objects of the test around it, and with the token of its account."""
    if plane.call("GET", CORE) is None:
        assert plane.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    for found in everything(toolchain.tools() / "helm", namespace=NAMESPACE):
        if HOOK in found["metadata"].get("annotations", {}) and (place := PLACES.get(found["kind"])):
            plane.call("DELETE", f"{place}/{NAME}")
            assert plane.call("POST", place, found)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": None}}
    answer = plane.call("POST", f"{CORE}/serviceaccounts/{NAME}/token", asked)
    (tmp_path / "token").write_text(answer["status"]["token"])
    (tmp_path / "ca.crt").write_text(plane.authority.certificate)
    environment = {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(plane.port),
        "NAMESPACE": NAMESPACE,
        "NAME": NAME,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    specification = importlib.util.spec_from_file_location("scale_test", CHART / "files" / "scale_test.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "ACCOUNT", tmp_path)
    return module


def change(plane: ControlPlane, path: str, **parts: Any) -> None:
    found = plane.call("GET", path)
    assert plane.call("PUT", path, found | parts)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_replica_that_is_ready_and_then_none_is_a_success(
    plane: ControlPlane, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked() -> str:
        annotations: dict[str, str] = plane.call("GET", f"{QUEUE_CONSUMER}/{NAME}")["metadata"]["annotations"]
        return annotations["queueconsumer.dev/paused-replicas"]

    assert asked() == "1"
    with ThreadPoolExecutor() as threads:
        trial = threads.submit(script.main)
        change(plane, f"{DEPLOYMENT}/{NAME}/scale", spec={"replicas": 1})
        assert asked() == "1"
        change(plane, f"{DEPLOYMENT}/{NAME}/status", status={"replicas": 1, "readyReplicas": 1})
        until(lambda: asked() == "0")
        assert not trial.done()
        change(plane, f"{DEPLOYMENT}/{NAME}/scale", spec={"replicas": 0})

        assert trial.result() == 0

    # How long the first step took nobody knows who was not there when it began.
    first, second = capsys.readouterr().out.splitlines()
    assert first == "1 replica, and its pod is ready"
    assert re.fullmatch(r"no replicas, after \d+\.\d s", second)


def test_what_does_not_happen_is_told_with_what_is_known(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "SECONDS", 0.1)

    assert script.main() == 1

    assert capsys.readouterr().out.splitlines()[:3] == [
        "not within 0.1 s: 1 replica, and its pod is ready",
        "  the Deployment: 0 wanted, 0 there, 0 ready; ",
        "  the QueueConsumer: no operator has written a status",
    ]


def test_what_the_operator_has_said_is_told(
    plane: ControlPlane, script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "SECONDS", 0.1)
    condition = {"type": "Ready", "status": "False", "reason": "TargetForbidden", "message": "may not get the scale"}
    times = {"lastTransitionTime": "2026-11-22T00:00:00Z"}
    change(plane, f"{QUEUE_CONSUMER}/{NAME}/status", status={"conditions": [condition | times]})

    assert script.main() == 1

    assert "  the QueueConsumer: Ready=False: may not get the scale\n" in capsys.readouterr().out


def test_a_refusal_is_told_with_its_request(plane: ControlPlane, script: ModuleType) -> None:
    assert plane.call("DELETE", f"{RBAC}/rolebindings/{NAME}")

    def refused() -> bool:
        try:
            return script._ask("GET", script.DEPLOYMENT) is None
        except SystemExit:
            return True

    until(refused)
    with pytest.raises(SystemExit, match=f"GET {DEPLOYMENT}/{NAME}: 403 .*forbidden"):
        script.main()
