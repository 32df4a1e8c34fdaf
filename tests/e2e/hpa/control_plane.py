"""etcd, an API server and the HorizontalPodAutoscaler's controller: devcluster's programs, on loopback, without a node.

A control plane of its own, and not devcluster's, because the controller is to ask every 1.1 s and not every 15 s, and
two controllers would both scale the same targets. Nothing else runs in it: what is scaled are numbers of the adapter.
"""

import base64
import http.client
import json
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from devcluster import toolchain
from tests.certificates import Authority, Certificate
from tests.ports import free_ports

HOST: Final = "127.0.0.1"
SYNC_PERIOD: Final = 0.05
"""Seconds from the end of one sync of an HPA until the controller begins the next, which the adapter then holds."""

_READY_SECONDS: Final = 60.0


class ControlPlane:
    """Create, `start()`, use, `start_controller()`, `close()`. All of its files lie in `folder`.

    Everybody may do everything, or with `authorization` RBAC what roles allow; `users` have `tokens`, and no role yet.
    """

    def __init__(self, folder: Path, *, authorization: str = "AlwaysAllow", users: Sequence[str] = ()) -> None:
        self.authority = Authority()
        self.folder = folder
        """Where the logs are."""
        self.tokens = {user: secrets.token_urlsafe() for user in ("admin", *users)}
        """By user. The administrator is one of system:masters, who may do everything always."""
        self._authorization = authorization
        self._programs = toolchain.programs()
        self._etcd, self._peer, self.port = free_ports(3)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start etcd and the API server; returns when it is ready."""
        served = self.authority.server(HOST, "localhost")
        # The key that signs service accounts' tokens may be any; nobody here has one.
        self._write("server", served)
        self._write("accounts", self.authority.server("accounts.test"))
        groups = {user: "system:masters" if user == "admin" else "" for user in self.tokens}
        lines = [f'{token},{user},{user},"{groups[user]}"\n' for user, token in self.tokens.items()]
        (self.folder / "tokens.csv").write_text("".join(lines))
        client, peer = f"http://{HOST}:{self._etcd}", f"http://{HOST}:{self._peer}"
        self._spawn(
            "etcd", "--name=test", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=test={peer}",
        )  # fmt: skip
        self.start_api_server()

    def start_api_server(self) -> None:
        """Start the API server, again after `kill_api_server`; returns when it is ready."""
        client = f"http://{HOST}:{self._etcd}"
        self._api_server = self._spawn(
            "kube-apiserver", f"--bind-address={HOST}", f"--advertise-address={HOST}", f"--secure-port={self.port}",
            f"--etcd-servers={client}", f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--tls-cert-file={self.folder / 'server.crt'}", f"--tls-private-key-file={self.folder / 'server.key'}",
            f"--authorization-mode={self._authorization}", "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://accounts.test",
            f"--service-account-key-file={self.folder / 'accounts.crt'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            "--service-cluster-ip-range=10.96.0.0/24", "--endpoint-reconciler-type=none",
            # Requests that wait for the adapter's clock must not count against one another.
            "--enable-priority-and-fairness=false",
        )  # fmt: skip
        self._until(lambda: self.call("GET", "/readyz") is not None, what="the API server is ready")

    def kill_api_server(self) -> None:
        """Kill the API server: what it knows is in etcd, and its watch cache is gone."""
        self._api_server.kill()
        self._api_server.wait(10)
        self._processes.remove(self._api_server)

    def program(self, name: str) -> Path:
        """One of Kubernetes' programs, such as kubectl."""
        return self._programs[name]

    @property
    def url(self) -> str:
        """Where the API server is."""
        return f"https://{HOST}:{self.port}"

    def start_controller(self) -> None:
        """Start the controller. It finds the APIs that are registered by then."""
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_text(json.dumps(self._kubeconfig()))
        self._spawn(
            "kube-controller-manager", f"--kubeconfig={kubeconfig}", "--leader-elect=false", "--secure-port=0",
            "--controllers=horizontal-pod-autoscaler-controller",
            f"--horizontal-pod-autoscaler-sync-period={SYNC_PERIOD}s",
            # Each of them may wait for the adapter's clock at the same time.
            "--concurrent-horizontal-pod-autoscaler-syncs=200",
            "--kube-api-content-type=application/json", "--kube-api-qps=2000", "--kube-api-burst=4000",
        )  # fmt: skip

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API server as an administrator: the answer's JSON, or its text; None when there is no good one."""
        context = ssl.create_default_context(cadata=self.authority.certificate)
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=10, context=context)
        headers = {"Authorization": f"Bearer {self.tokens['admin']}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            content = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            assert answer.status in {404, 429, 500, 503, 504}, f"{method} {path}: {content}"
            return None
        return json.loads(content) if content.startswith("{") else content

    def register(self, *, group: str, version: str, port: int) -> None:
        """Have a group of APIs served at a port of this machine; returns when the API server has found it there."""
        if self.call("GET", "/api/v1/namespaces/default/services/adapter") is None:
            service = {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "adapter"},
                # Endpoints must not be on loopback, but a name may be.
                "spec": {"type": "ExternalName", "externalName": "localhost"},
            }
            self._until(lambda: self.call("GET", "/api/v1/namespaces/default"), what="there is a namespace")
            assert self.call("POST", "/api/v1/namespaces/default/services", service)
        certificate = self.authority.certificate.encode()
        body = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": _base64(certificate),
                "service": {"name": "adapter", "namespace": "default", "port": port},
            },
        }
        services = "/apis/apiregistration.k8s.io/v1/apiservices"
        assert self.call("POST", services, body)
        self._until(lambda: self._available(f"{services}/{version}.{group}"), what=f"{group} is available")

    @property
    def adapter_certificate(self) -> Certificate:
        """For whoever serves a registered group."""
        return self.authority.server("adapter.default.svc")

    def close(self) -> None:
        """End everything. Of what it has, only the logs are worth keeping."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def _available(self, path: str) -> bool:
        conditions = (self.call("GET", path) or {}).get("status", {}).get("conditions", [])
        return any(condition["type"] == "Available" and condition["status"] == "True" for condition in conditions)

    def _write(self, name: str, certificate: Certificate) -> None:
        (self.folder / f"{name}.crt").write_text(certificate.certificate)
        (self.folder / f"{name}.key").write_text(certificate.key)

    def _kubeconfig(self) -> dict[str, Any]:
        authority = _base64(self.authority.certificate.encode())
        cluster = {"server": self.url, "certificate-authority-data": authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": self.tokens["admin"]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            # The kernel ends it with the test run, even one that was killed with SIGKILL.
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", self._programs[name], *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _until(self, condition: Callable[[], object], *, what: str) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not condition():
            ended = [process for process in self._processes if process.poll() is not None]
            assert not ended, f"{ended[0].args!r} ended; see {self.folder}"
            assert time.monotonic() < deadline, f"not within {_READY_SECONDS:.0f} s: {what}; see {self.folder}"
            time.sleep(0.1)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
