"""The development cluster is a real one: names, logs, rights, and a repair after any of its programs was killed."""

import json
import os
import signal
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator

import pytest

from devcluster import __main__ as command_line
from devcluster import cluster, images, layout, processes
from devcluster.failure import Failure

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("DEMO_CLUSTER") == "current", reason="is about devcluster itself"),
]

SERVER = (
    "import http.server as h; print('serving', flush=True); h.test(HandlerClass=h.SimpleHTTPRequestHandler, port=8000)"
)


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    return cluster.kubectl(*arguments, layout=layout.current(), stdin=stdin)


def eventually(answer: Callable[[], str], *, seconds: float = 30) -> str:
    """The first answer that is no Failure."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return answer()
        except Failure:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def record_of(component: str) -> processes.Record:
    record = processes.read_record(layout.current().run / f"{component}.pid")
    assert record is not None
    return record


def kill(component: str) -> None:
    """Kill -9, and wait for the kernel to have taken down a process of many threads."""
    record = record_of(component)
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes.is_alive(record):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace with the restricted pod security standard, and in it a web server behind a Service."""
    if command_line.main(["status"]) != 0:
        pytest.fail("the development cluster is not healthy: run `python3 -m devcluster up`")
    images.load(name="base")
    name = f"devcluster-{uuid.uuid4().hex[:8]}"
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}},
        pod(namespace=name, name="server", command=["python3", "-c", SERVER]),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": name},
            "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8000}]},
        },
    ]
    try:
        # The pod's service account is made a moment after its namespace.
        eventually(
            lambda: kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        )
        kubectl("wait", "pod/server", "-n", name, "--for=condition=Ready", "--timeout=60s")
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def pod(*, namespace: str, name: str, command: list[str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": name,
                    "image": images.reference("base"),
                    "imagePullPolicy": "IfNotPresent",
                    "command": command,
                    "resources": {"limits": {"memory": "64Mi"}},
                    "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def python_in_pod(namespace: str, program: str) -> str:
    return kubectl("exec", "server", "-n", namespace, "--", "python3", "-c", program).strip()


@pytest.mark.parametrize("suffix", ["", ".{namespace}", ".{namespace}.svc.cluster.local"])
def test_a_pod_reaches_a_service_by_its_name(namespace: str, suffix: str) -> None:
    host = "web" + suffix.format(namespace=namespace)
    program = f"import urllib.request as u; print(u.urlopen('http://{host}/', timeout=10).status)"

    # A Service's endpoint is announced a moment after its pod is ready.
    assert eventually(lambda: python_in_pod(namespace, program)) == "200"


def test_the_host_reaches_a_service_by_its_address(namespace: str) -> None:
    address = kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")

    # Proxies of the environment are for the world outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/", timeout=10) as response:
        assert response.status == 200


def test_logs_come_from_the_kubelet(namespace: str) -> None:
    assert "serving" in kubectl("logs", "server", "-n", namespace)


def test_a_pod_runs_as_the_user_and_with_the_read_only_root_that_it_asked_for(namespace: str) -> None:
    assert python_in_pod(namespace, "import os; print(os.getuid())") == "65532"
    with pytest.raises(Failure, match="Read-only file system"):
        python_in_pod(namespace, "open('/x', 'w')")


def test_a_memory_limit_is_enforced(namespace: str) -> None:
    with pytest.raises(Failure):
        python_in_pod(namespace, "bytearray(200_000_000)")


def test_a_pod_that_asks_for_too_much_is_refused(namespace: str) -> None:
    greedy = pod(namespace=namespace, name="greedy", command=["true"])
    greedy["spec"]["containers"][0]["securityContext"] = {"privileged": True}  # type: ignore[index]

    with pytest.raises(Failure, match="violates PodSecurity"):
        kubectl("apply", "-f", "-", stdin=json.dumps(greedy))


def test_rights_are_checked_and_a_service_account_has_none_at_first(namespace: str) -> None:
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    program = (
        "import ssl, urllib.request as u, urllib.error as e\n"
        f"request = u.Request('https://kubernetes.default/api/v1/namespaces/{namespace}/secrets',"
        f" headers={{'Authorization': 'Bearer ' + open('{token}/token').read()}})\n"
        "try:\n"
        f"    print(u.urlopen(request, context=ssl.create_default_context(cafile='{token}/ca.crt')).status)\n"
        "except e.HTTPError as error:\n"
        "    print(error.code)\n"
    )

    assert python_in_pod(namespace, program) == "403"


def test_a_bound_role_gives_just_its_rights(namespace: str) -> None:
    account = f"system:serviceaccount:{namespace}:default"
    kubectl("create", "role", "reader", "--verb=get", "--resource=configmaps", "-n", namespace)
    kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    asked = ["-n", namespace, f"--as={account}"]

    assert eventually(lambda: kubectl("get", "configmap", "kube-root-ca.crt", "-o", "name", *asked)).strip() == (
        "configmap/kube-root-ca.crt"
    )
    with pytest.raises(Failure, match="Forbidden"):
        kubectl("delete", "configmap", "kube-root-ca.crt", *asked)


def test_up_again_is_a_matter_of_seconds_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: record_of(name) for name in ("etcd", "kube-apiserver", "kubelet", "containerd")}
    began = time.monotonic()

    assert command_line.main(["up"]) == 0

    assert time.monotonic() - began < 20
    assert "up already" in capsys.readouterr().err
    assert {name: record_of(name) for name in before} == before
    assert command_line.main(["status"]) == 0


@pytest.fixture
def repaired() -> Iterator[None]:
    """Whatever the test finds, those after it get a cluster that works."""
    yield
    command_line.main(["up"])


@pytest.mark.usefixtures("repaired")
@pytest.mark.parametrize("component", ["kubelet", "containerd", "kube-apiserver", "etcd", "kube-proxy", "coredns"])
def test_up_repairs_a_cluster_whose_program_was_killed_and_pods_live_on(
    component: str, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    identity = (
        "get",
        "pod",
        "server",
        "-n",
        namespace,
        "-o",
        "jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount}",
    )
    before = kubectl(*identity)

    kill(component)

    assert command_line.main(["status"]) == 1
    assert any(line.split()[0] == component and "dead" in line for line in capsys.readouterr().out.splitlines() if line)
    assert command_line.main(["up"]) == 0
    assert command_line.main(["status"]) == 0
    # A kubelet lists its pods anew before it lets anybody in.
    assert eventually(lambda: python_in_pod(namespace, "print('alive')")) == "alive"
    assert kubectl(*identity) == before


def test_a_second_cluster_on_the_machine_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", "/var/lib/queueconsumer-devcluster-second")

    assert command_line.main(["up"]) == 1
    assert command_line.main(["down"]) == 1

    assert "there is room for one" in capsys.readouterr().err
