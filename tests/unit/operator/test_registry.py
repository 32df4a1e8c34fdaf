"""What the watch says of an object, and when it is news."""

from typing import Any

import pytest

from qc_operator.registry import FINALIZER, Key, Registry
from tests.unit.operator.conftest import body

KEY = Key("shop", "receipts")


def seen(*, status: Any = None, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    given = {"namespace": "shop", "name": "receipts", "uid": "1", "generation": 1} | metadata
    return {"metadata": given, "spec": spec or body(), "status": status or {}}


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    assert made.see(seen()) is not None
    return made


def test_the_same_again_is_no_news(registry: Registry) -> None:
    assert registry.see(seen()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"uid": "2"},
        {"deletionTimestamp": "2026-11-27T00:00:00Z"},
        {"finalizers": [FINALIZER]},
        {"annotations": {"queueconsumer.dev/paused": "true"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_means_something_else_to_us_is_news(registry: Registry, change: dict[str, Any]) -> None:
    assert registry.see(seen(**change)) is not None


def test_annotations_of_others_are_no_news(registry: Registry) -> None:
    assert registry.see(seen(annotations={"kubectl.kubernetes.io/restartedAt": "now"})) is None


def test_the_echo_of_a_status_is_no_news_and_is_remembered(registry: Registry) -> None:
    assert registry.see(seen(status={"desiredReplicas": 5})) is None
    known = registry.get(KEY)

    assert known is not None
    assert {"desiredReplicas": 5} == known.status


def test_a_spec_that_cannot_be_used_is_part_of_what_is_known() -> None:
    known = Registry().see(seen(spec=body(maxReplicas=0)))

    assert known is not None
    assert (None, "spec.maxReplicas") == (known.spec, known.error and known.error.path)


def test_an_object_says_whether_it_is_held_and_since_when_it_is_there() -> None:
    known = Registry().see(seen(finalizers=["example.com/a", FINALIZER], creationTimestamp="2026-11-27T00:00:00Z"))

    assert known is not None
    assert (True, False, "2026-11-27T00:00:00Z") == (known.held, known.deleting, known.created)


def test_what_was_dropped_is_news_again(registry: Registry) -> None:
    assert registry.drop(KEY)
    assert (0, False) == (len(registry), registry.drop(KEY))
    assert registry.see(seen()) is not None
    assert [KEY] == [known.key for known in registry]
