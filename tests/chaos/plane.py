"""The API server that is to fail: etcd, an API server with RBAC and an audit log of all that is scaled, no node.

The operator has the rights that the chart gives it and no others. Each of its processes is a user of its own, so that
the audit log tells them apart.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.e2e.hpa.control_plane import HOST, ControlPlane
from tests.packaging.rendering import CRD, rendered

OPERATORS: Final = ("one", "two")
NAMESPACE: Final = "queueconsumer-system"
LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
OBJECTS: Final = "/apis/queueconsumer.dev/v1alpha1"
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CRD_NAME: Final = "queueconsumers.queueconsumer.dev"
_ROLES: Final = "/apis/rbac.authorization.k8s.io/v1"

_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch"],
            "users": list(OPERATORS),
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "apps", "resources": ["deployments/scale", "statefulsets/scale"]},
            ],
        },
        {"level": "None"},
    ],
}


class Plane(ControlPlane):
    """A control plane whose parts can be stopped, killed and slowed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, authorization="RBAC", users=OPERATORS)
        self.audit_log = folder / "audit.log"
        (folder / "audit-policy.json").write_text(json.dumps(_POLICY))

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        if name == "kube-apiserver":
            policy = self.folder / "audit-policy.json"
            arguments = (*arguments, f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}")
        return super()._spawn(name, *arguments)

    def install(self, helm: Path) -> None:
        """Apply the CRD and the chart's rights."""
        self._until(lambda: self.call("GET", "/api/v1/namespaces/default"), what="there is a namespace")
        self.namespace(NAMESPACE)
        self.apply_crd()
        for manifest in rendered(helm):
            place = "" if manifest["kind"].startswith("Cluster") else f"/namespaces/{NAMESPACE}"
            if manifest["kind"] in {"ClusterRole", "Role"}:
                assert self.call("POST", f"{_ROLES}{place}/{manifest['kind'].lower()}s", manifest)
            if manifest["kind"] in {"ClusterRoleBinding", "RoleBinding"}:
                group = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io"}
                manifest["subjects"] = [group | {"name": user} for user in OPERATORS]
                assert self.call("POST", f"{_ROLES}{place}/{manifest['kind'].lower()}s", manifest)

    def namespace(self, name: str) -> None:
        """Make a namespace."""
        assert self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def apply_crd(self) -> None:
        """Apply the CRD; returns when QueueConsumers are served."""
        assert self.call("POST", _CRDS, yaml.safe_load(CRD.read_text()))
        self._until(lambda: self.call("GET", f"{OBJECTS}/queueconsumers"), what="QueueConsumers are served")

    def delete_crd(self) -> None:
        """Delete the CRD, and with it all objects; returns when it is gone."""
        self.call("DELETE", f"{_CRDS}/{_CRD_NAME}")
        self._until(lambda: self.call("GET", f"{_CRDS}/{_CRD_NAME}") is None, what="the CRD is gone")

    def free_lease(self, name: str) -> None:
        """Leave a Lease as a leader does that was told to end."""
        if self.call("GET", f"{LEASES}/{name}") is None:
            metadata = {"name": name, "labels": {"queueconsumer.dev/operator": "queueconsumer-operator"}}
            assert self.call(
                "POST", LEASES, {"metadata": metadata, "spec": {"holderIdentity": "", "leaseDurationSeconds": 1}}
            )

    def kubeconfig(self, user: str, *, port: int | None = None) -> Path:
        """For a user, by another way to the API server if a port is given."""
        config = self._kubeconfig()
        config["users"][0]["user"]["token"] = self.tokens[user]
        config["clusters"][0]["cluster"] = {
            "server": f"https://{HOST}:{port or self.port}",
            "certificate-authority-data": base64.b64encode(self.authority.certificate.encode()).decode(),
        }
        path = self.folder / f"kubeconfig-{user}-{port or self.port}"
        path.write_text(json.dumps(config))
        return path

    def start_namespace_controller(self) -> None:
        """Start the controller that empties namespaces which are deleted."""
        kubeconfig = self.kubeconfig("admin")
        self._spawn(
            "kube-controller-manager", f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0",
            "--controllers=namespace-controller", "--kube-api-content-type=application/json",
        )  # fmt: skip

    def events(self) -> list[dict[str, Any]]:
        """The audit log so far."""
        text = self.audit_log.read_text() if self.audit_log.exists() else ""
        # The last line may be half written.
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    @contextmanager
    def api_server_frozen(self) -> Iterator[None]:
        """The API server does nothing, and its connections stay open."""
        with _frozen(self._pid("kube-apiserver")):
            yield

    @contextmanager
    def etcd_stuttering(self, *, stopped: float, running: float) -> Iterator[None]:
        """Stop etcd and let it go on again and again, for so many seconds each."""
        pid, over = self._pid("etcd"), threading.Event()

        def stutter() -> None:
            while not over.is_set():
                with _frozen(pid):
                    over.wait(stopped)
                over.wait(running)

        rhythm = threading.Thread(target=stutter)
        rhythm.start()
        try:
            yield
        finally:
            over.set()
            rhythm.join()

    def _pid(self, name: str) -> int:
        (pid,) = [
            process.pid
            for process in self._processes
            if process.poll() is None and str(self._programs[name]) in map(str, process.args)  # type: ignore[arg-type]
        ]
        return pid


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def until(condition: Callable[[], object], *, within: float, what: str | Callable[[], str]) -> float:
    """Wait for something; how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what() if callable(what) else what}"
        time.sleep(0.05)
    return time.monotonic() - began
