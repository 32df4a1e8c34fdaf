# ruff: noqa: INP001 - the chart mounts it into the pod of `helm test`, beside no package
"""Have the operator scale a Deployment to one replica and back to none, and say what is wrong if it does not.

A pause by annotation asks for the replicas, so no broker is needed: what is tried is the way from a QueueConsumer by
the operator, its Lease and its rights to the target, and a pod on a node. The chart makes the two objects and deletes
them; here they are looked at, and the annotation is changed. NAMESPACE and NAME say which they are.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SECONDS = 120
"""For each of the two steps: a pod may have to wait for a node, and a new leader for the old one's Lease."""

_HOST = os.environ["KUBERNETES_SERVICE_HOST"]
_SERVER = f"https://{f'[{_HOST}]' if ':' in _HOST else _HOST}:{os.environ['KUBERNETES_SERVICE_PORT']}"
_PLACE = f"namespaces/{os.environ['NAMESPACE']}"
DEPLOYMENT = f"/apis/apps/v1/{_PLACE}/deployments/{os.environ['NAME']}"
QUEUE_CONSUMER = f"/apis/queueconsumer.dev/v1alpha1/{_PLACE}/queueconsumers/{os.environ['NAME']}"


def main() -> int:
    """Return the exit status."""
    if _until(one := "1 replica, and its pod is ready", _one_is_ready) is None:
        return 1
    # Without the seconds: the operator began before this pod did, and may well have finished.
    sys.stdout.write(f"{one}\n")
    annotations = {"queueconsumer.dev/paused-replicas": "0"}
    _ask("PATCH", QUEUE_CONSUMER, {"metadata": {"annotations": annotations}})
    if (seconds := _until("no replicas", _none_is_wanted)) is None:
        return 1
    sys.stdout.write(f"no replicas, after {seconds:.1f} s\n")
    return 0


def _one_is_ready(deployment: dict[str, Any]) -> bool:
    return bool(deployment["spec"]["replicas"] == deployment["status"].get("readyReplicas") == 1)


def _none_is_wanted(deployment: dict[str, Any]) -> bool:
    return bool(deployment["spec"]["replicas"] == 0)


def _until(what: str, condition: Callable[[dict[str, Any]], bool]) -> float | None:
    """Wait for it, and return for how many seconds; None, once told what is known, if it does not happen."""
    began = time.monotonic()
    while not condition(deployment := _ask("GET", DEPLOYMENT)):
        if time.monotonic() - began > SECONDS:
            _complain(what, deployment)
            return None
        time.sleep(0.5)
    return time.monotonic() - began


def _complain(what: str, deployment: dict[str, Any]) -> None:
    told, status = deployment["status"], _ask("GET", QUEUE_CONSUMER).get("status")
    sys.stdout.write(
        f"not within {SECONDS} s: {what}\n"
        f"  the Deployment: {deployment['spec']['replicas']} wanted, {told.get('replicas', 0)} there, "
        f"{told.get('readyReplicas', 0)} ready; {_conditions(told)}\n"
        f"  the QueueConsumer: {_conditions(status) if status else 'no operator has written a status'}\n"
        "  Is this namespace one that the operator serves? Does a pod of it lead? Its log says why not.\n"
    )


def _conditions(status: dict[str, Any]) -> str:
    conditions = status.get("conditions", ())
    return "; ".join(f"{each['type']}={each['status']}: {each.get('message', '')}" for each in conditions)


def _ask(method: str, path: str, body: object = None) -> dict[str, Any]:
    """Ask the API server. SystemExit tells what it refuses."""
    token = (ACCOUNT / "token").read_text()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{_SERVER}{path}", method=method, data=data, headers=headers)  # noqa: S310 - https
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as response:  # noqa: S310 - https
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise SystemExit(f"{method} {path}: {error}; does a NetworkPolicy close the way to {_SERVER}?") from None


if __name__ == "__main__":
    raise SystemExit(main())
