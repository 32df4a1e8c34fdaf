"""Every pod that the chart makes, those of `helm test` among them: hardened, and with no right that it does not use."""

from pathlib import Path
from typing import Any

import pytest

from tests.packaging.rendering import CHART, HOOK, everything, only, tried

PODS = {
    ("Deployment", "queueconsumer-operator"): True,
    ("Deployment", "queueconsumer-operator-test"): False,
    ("Pod", "queueconsumer-operator-test"): True,
}
"""By kind and name of who makes them; True for those that talk to the API server."""


def pods(helm: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for manifest in everything(helm):
        if manifest["kind"] == "Pod":
            found["Pod", manifest["metadata"]["name"]] = manifest["spec"]
        elif "template" in manifest.get("spec", {}):
            found[manifest["kind"], manifest["metadata"]["name"]] = manifest["spec"]["template"]["spec"]
    return found


def test_these_are_all_pods(helm: Path) -> None:
    assert pods(helm).keys() == PODS.keys()


@pytest.mark.parametrize("who", PODS, ids="-".join)
def test_a_pod_meets_the_restricted_standard_and_more(helm: Path, who: tuple[str, str]) -> None:
    pod = pods(helm)[who]

    (container,) = pod["containers"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"hostNetwork", "hostPID", "hostIPC", "initContainers"}.isdisjoint(pod)
    assert pod["enableServiceLinks"] is False
    assert container["resources"]["limits"].keys() == {"memory"}
    assert container["resources"]["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    volumes = [next(kind for kind in volume if kind != "name") for volume in pod.get("volumes", ())]
    assert set(volumes) <= {"emptyDir", "configMap"}


@pytest.mark.parametrize(("who", "talks"), PODS.items(), ids=str)
def test_only_who_talks_to_the_api_server_has_a_token(helm: Path, who: tuple[str, str], *, talks: bool) -> None:
    assert pods(helm)[who]["automountServiceAccountToken"] is talks


def test_no_account_gives_its_token_to_others(helm: Path) -> None:
    accounts = [manifest for manifest in everything(helm) if manifest["kind"] == "ServiceAccount"]

    assert [account["automountServiceAccountToken"] for account in accounts] == [False, False]


def test_the_test_may_look_at_its_own_objects_only(helm: Path) -> None:
    role = only(tried(helm), "Role")

    assert [(rule["resources"], rule["verbs"], rule["resourceNames"]) for rule in role["rules"]] == [
        (["deployments"], ["get"], ["queueconsumer-operator-test"]),
        (["queueconsumers"], ["get", "patch"], ["queueconsumer-operator-test"]),
    ]


def test_whatever_the_test_makes_is_deleted_after_it_and_before_the_next(helm: Path) -> None:
    annotations = [found["metadata"]["annotations"] for found in tried(helm)]

    assert {each[HOOK] for each in annotations} == {"test"}
    assert {each["helm.sh/hook-delete-policy"] for each in annotations} == {"before-hook-creation,hook-succeeded"}


def test_the_pod_of_the_test_comes_last(helm: Path) -> None:
    weights = {found["kind"]: int(found["metadata"]["annotations"]["helm.sh/hook-weight"]) for found in tried(helm)}

    assert weights.pop("Pod") > max(weights.values())
    assert weights["QueueConsumer"] > weights["RoleBinding"]


@pytest.mark.parametrize(
    ("settings", "namespace"),
    [
        ((), "queueconsumer-system"),
        (("watch.namespaces={shop,bank}",), "shop"),
        (("watch.namespaceSelector=team=shop", "test.namespace=till"), "till"),
    ],
)
def test_what_is_scaled_is_where_the_operator_serves_and_the_pod_where_helm_looks_for_its_log(
    helm: Path, settings: tuple[str, ...], namespace: str
) -> None:
    places: dict[str, set[str]] = {}
    for found in tried(helm, *settings):
        places.setdefault(found["metadata"]["namespace"], set()).add(found["kind"])

    served = {"Role", "RoleBinding", "Deployment", "QueueConsumer", "NetworkPolicy"}
    at_the_release = {"ServiceAccount", "ConfigMap", "Pod", "NetworkPolicy"}
    if namespace == "queueconsumer-system":
        assert places == {namespace: served | at_the_release}
    else:
        assert places == {namespace: served, "queueconsumer-system": at_the_release}


def test_the_pod_has_its_rights_and_looks_where_the_target_is(helm: Path) -> None:
    found = tried(helm, "watch.namespaces={shop}")

    (container,) = only(found, "Pod")["spec"]["containers"]
    assert {"name": "NAMESPACE", "value": "shop"} in container["env"]
    assert only(found, "RoleBinding")["subjects"] == [
        {"kind": "ServiceAccount", "name": "queueconsumer-operator-test", "namespace": "queueconsumer-system"}
    ]
    assert only(found, "Pod")["spec"]["serviceAccountName"] == only(found, "ServiceAccount")["metadata"]["name"]


def test_each_pod_of_the_test_is_under_one_network_policy_and_the_target_is_closed(helm: Path) -> None:
    found = tried(helm)

    policies = [each["spec"] for each in found if each["kind"] == "NetworkPolicy"]
    pods = [
        only(found, "Pod")["metadata"]["labels"],
        only(found, "Deployment")["spec"]["template"]["metadata"]["labels"],
    ]
    of_each = [
        [one for one in policies if one["podSelector"]["matchLabels"].items() <= labels.items()] for labels in pods
    ]
    ((of_pod,), (of_target,)) = of_each
    assert of_pod["egress"] == [{"ports": [{"port": port, "protocol": "TCP"} for port in (443, 6443)]}]
    assert of_target.keys() == {"podSelector", "policyTypes"}
    assert of_pod["policyTypes"] == of_target["policyTypes"] == ["Ingress", "Egress"]


def test_no_selector_of_the_operator_finds_what_the_test_makes(helm: Path) -> None:
    """Else the Service would send scrapes there, and the disruption budget would count it."""
    selectors = [
        selector.get("matchLabels", selector)
        for found in everything(helm)
        if HOOK not in found["metadata"].get("annotations", {})
        for key in ("selector", "podSelector")
        if (selector := found.get("spec", {}).get(key))
    ]
    labels = [found["metadata"]["labels"] for found in tried(helm)]

    assert len(selectors) == 4
    assert not [each for each in labels for selector in selectors if selector.items() <= each.items()]


def test_the_script_is_mounted_as_it_is(helm: Path) -> None:
    data = only(tried(helm), "ConfigMap")["data"]

    assert data == {"scale_test.py": (CHART / "files" / "scale_test.py").read_text().rstrip("\n")}
