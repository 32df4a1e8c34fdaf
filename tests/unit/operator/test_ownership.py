"""The oldest QueueConsumer owns a target, whatever order the operator hears of them in."""

from typing import Any

import pytest

from qc_operator.ownership import Ownership, TargetId, target_id
from qc_operator.registry import Key, Known, read
from qc_operator.resource import ScaleTargetRef
from tests.unit.operator.conftest import body

OLD, YOUNG = "2026-11-01T08:00:00Z", "2026-11-20T08:00:00Z"


def seen(
    name: str,
    *,
    created: str = OLD,
    uid: str | None = None,
    namespace: str = "shop",
    deleting: bool = False,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Known:
    metadata: dict[str, Any] = {
        "namespace": namespace,
        "name": name,
        "uid": uid or f"uid-of-{name}",
        "generation": 1,
        "creationTimestamp": created,
        "annotations": annotations or {},
    }
    if deleting:
        metadata["deletionTimestamp"] = YOUNG
    return read({"metadata": metadata, "spec": body(**spec)})


def key(name: str) -> Key:
    return Key("shop", name)


def owner(ownership: Ownership, name: str) -> str | None:
    claim = ownership.owner(key(name))
    return None if claim is None else claim.key.name


def test_a_target_that_one_names_is_its_own() -> None:
    ownership = Ownership()
    assert frozenset() == ownership.put(seen("a"))

    assert "a" == owner(ownership, "a")


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_older_one_owns(order: tuple[str, str]) -> None:
    objects = {"a": seen("a", created=YOUNG), "b": seen("b", created=OLD)}
    ownership = Ownership()
    for name in order:
        ownership.put(objects[name])

    assert ("b", "b") == (owner(ownership, "a"), owner(ownership, "b"))


def test_of_the_same_second_the_lower_uid_owns() -> None:
    ownership = Ownership()
    ownership.put(seen("a", uid="2"))
    ownership.put(seen("b", uid="1"))

    assert "b" == owner(ownership, "a")


def test_an_older_one_that_turns_up_is_told_to_all_that_it_pushes_aside() -> None:
    ownership = Ownership()
    ownership.put(seen("b", created="2026-11-02T00:00:00Z"))
    assert frozenset() == ownership.put(seen("c", created="2026-11-03T00:00:00Z"))

    assert {key("b"), key("c")} == ownership.put(seen("a"))


def test_the_next_one_owns_when_the_owner_is_gone() -> None:
    ownership = Ownership()
    for name, created in (("a", OLD), ("b", "2026-11-02T00:00:00Z"), ("c", YOUNG)):
        ownership.put(seen(name, created=created))

    assert {key("b"), key("c")} == ownership.drop(key("a"))
    assert ("b", "b") == (owner(ownership, "b"), owner(ownership, "c"))
    assert frozenset() == ownership.drop(key("c"))
    assert frozenset() == ownership.drop(key("c"))


def test_an_owner_that_turns_to_another_target_leaves_this_one() -> None:
    ownership = Ownership()
    ownership.put(seen("a"))
    ownership.put(seen("b", created=YOUNG))
    ownership.put(seen("z", created=YOUNG, scaleTargetRef={"name": "other"}))

    turned = ownership.put(seen("a", scaleTargetRef={"name": "other"}))

    assert {key("b"), key("z")} == turned
    assert ("a", "b", "a") == tuple(owner(ownership, name) for name in "abz")


def test_the_same_again_turns_nothing() -> None:
    ownership = Ownership()
    ownership.put(seen("a"))
    ownership.put(seen("b", created=YOUNG))

    assert frozenset() == ownership.put(seen("a", maxReplicas=7))


def test_one_that_was_created_again_is_young() -> None:
    ownership = Ownership()
    ownership.put(seen("a"))
    ownership.put(seen("b", created="2026-11-02T00:00:00Z"))

    assert {key("b")} == ownership.put(seen("a", uid="new", created=YOUNG))
    assert "b" == owner(ownership, "a")


@pytest.mark.parametrize(
    "steps_aside",
    [
        pytest.param(seen("a", deleting=True), id="being deleted"),
        pytest.param(seen("a", maxReplicas=0), id="invalid"),
        pytest.param(seen("a", mode="Observe"), id="only observes"),
    ],
)
def test_who_writes_nothing_claims_nothing(steps_aside: Known) -> None:
    ownership = Ownership()
    ownership.put(seen("a"))
    ownership.put(seen("b", created=YOUNG))

    assert {key("b")} == ownership.put(steps_aside)
    assert (None, "b") == (owner(ownership, "a"), owner(ownership, "b"))
    assert frozenset() == ownership.put(steps_aside)


def test_who_is_paused_keeps_its_target() -> None:
    ownership = Ownership()
    ownership.put(seen("a", annotations={"queueconsumer.dev/paused": "true"}))
    ownership.put(seen("b", created=YOUNG))

    assert "a" == owner(ownership, "b")


def test_the_version_of_a_kind_does_not_matter_and_its_group_does() -> None:
    ownership = Ownership()
    ownership.put(seen("a", scaleTargetRef={"name": "t", "kind": "Fleet", "apiVersion": "shop.example/v1"}))
    ownership.put(
        seen("b", created=YOUNG, scaleTargetRef={"name": "t", "kind": "Fleet", "apiVersion": "shop.example/v2"})
    )
    ownership.put(seen("c", scaleTargetRef={"name": "t", "kind": "Fleet", "apiVersion": "other.example/v1"}))

    assert ("a", "c") == (owner(ownership, "b"), owner(ownership, "c"))


def test_targets_of_one_name_in_two_namespaces_are_two() -> None:
    ownership = Ownership()
    ownership.put(seen("a", namespace="bank"))
    ownership.put(seen("a", created=YOUNG))

    claim = ownership.owner(key("a"))
    assert claim is not None
    assert key("a") == claim.key


def test_all_claims_on_a_target_are_told_oldest_first() -> None:
    ownership = Ownership()
    ownership.put(seen("b", created=YOUNG))
    ownership.put(seen("a"))
    target = TargetId("shop", "apps", "Deployment", "receipts")

    assert [key("a"), key("b")] == [claim.key for claim in ownership.claims(target)]
    ownership.drop(key("a"))
    ownership.drop(key("b"))
    assert () == ownership.claims(target)


def test_the_core_group_has_no_name() -> None:
    ref = ScaleTargetRef(name="old", kind="ReplicationController", api_version="v1")

    assert TargetId("shop", "", "ReplicationController", "old") == target_id(namespace="shop", ref=ref)
