"""etcd and an API server that notes every write: who, what, which resourceVersion came of it."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.e2e.hpa.control_plane import ControlPlane
from tests.e2e.leadership.audit import Note, note
from tests.e2e.leadership.writer import INSTALLATION, NAMESPACE
from tests.packaging.rendering import only, rendered

LEASES: Final = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
OPERATOR: Final = "operator"
"""The user that all writers are; they may do with Leases what the chart grants."""
_ROLES: Final = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"
_WRITTEN: Final = [
    {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "patch"]},
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]},
]
"""Rights on what the writers write, beside the Leases."""

_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch", "delete"],
            "namespaces": [NAMESPACE],
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "apps", "resources": ["deployments/scale"]},
                {"group": "", "resources": ["configmaps"]},
            ],
        },
        {"level": "None"},
    ],
}


class AuditedPlane(ControlPlane):
    """A control plane with an audit log."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, authorization="RBAC", users=[OPERATOR])
        self._log = folder / "audit.log"
        (folder / "audit-policy.json").write_text(json.dumps(_POLICY))
        self.authority_file = folder / "authority.crt"
        self.authority_file.write_text(self.authority.certificate)

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        if name == "kube-apiserver":
            policy = self.folder / "audit-policy.json"
            arguments = (*arguments, f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")
        return super()._spawn(name, *arguments)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The API server does nothing, and its connections stay open."""
        self._api_server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._api_server.send_signal(signal.SIGCONT)

    def notes(self) -> list[Note]:
        """What was noted so far, in the order in which etcd has it."""
        text = self._log.read_text() if self._log.exists() else ""
        # The last line may be half written.
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [found for line in lines if (found := note(json.loads(line))) is not None]

    def prepare(self, name: str, *, lease: str = INSTALLATION) -> None:
        """Make what is written anew, and the Lease as if somebody had given it back."""
        self.call("DELETE", f"{LEASES}/{lease}")
        spec = {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0}
        made = [self.call("POST", LEASES, {"metadata": {"name": lease}, "spec": spec})]
        maps, deployments = (
            f"/api/v1/namespaces/{NAMESPACE}/configmaps",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
        )
        for path, body in ((maps, {"metadata": {"name": name}}), (deployments, _deployment(name))):
            if self.call("GET", f"{path}/{name}") is None:
                made.append(self.call("POST", path, body))
        assert all(made)

    def lease(self, name: str = INSTALLATION) -> dict[str, Any]:
        """The Lease as it is."""
        answer: dict[str, Any] = self.call("GET", f"{LEASES}/{name}")
        return answer

    def edit_lease(self, **changes: object) -> None:
        """Write it by hand, whoever writes in between."""
        for _ in range(50):
            lease = self.lease()
            lease["spec"] |= changes
            try:
                if self.call("PUT", f"{LEASES}/{INSTALLATION}", lease):
                    return
            except AssertionError:
                time.sleep(0.01)  # A renewal came in between.
        raise AssertionError("the Lease was written in between each time")

    def until_served(self) -> None:
        """Wait for the namespace that everything is in."""
        self._until(lambda: self.call("GET", f"/api/v1/namespaces/{NAMESPACE}"), what="there is a namespace")

    def grant(self, helm: Path, *settings: str) -> None:
        """Give the writers the Role that the chart has with these settings, in place of the one before."""
        rules = only(rendered(helm, *settings), "Role")["rules"] + _WRITTEN
        role, made = {"metadata": {"name": OPERATOR}, "rules": rules}, self.call("GET", f"{_ROLES}/roles/{OPERATOR}")
        if made is not None:
            assert self.call("PUT", f"{_ROLES}/roles/{OPERATOR}", role)
            return
        group = {"apiGroup": "rbac.authorization.k8s.io", "name": OPERATOR}
        subjects, ref = [group | {"kind": "User"}], group | {"kind": "Role"}
        binding = {"metadata": {"name": OPERATOR}, "subjects": subjects, "roleRef": ref}
        assert self.call("POST", f"{_ROLES}/roles", role)
        assert self.call("POST", f"{_ROLES}/rolebindings", binding)


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "none.invalid/none"}]}}
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
