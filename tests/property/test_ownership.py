"""Ownership of targets is that of sorting all claims by age, in every process, whatever it heard in which order."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qc_operator.ownership import Claim, Ownership, claimed
from qc_operator.registry import Key, Known, read

NAMES = "abcdef"
KEYS = [Key("shop", name) for name in NAMES]


def known(name: str, *, target: str, second: int, uid: int, mode: str) -> Known:
    metadata = {
        "namespace": "shop",
        "name": name,
        "uid": f"{uid}-{name}",
        "creationTimestamp": f"2026-11-01T08:00:{second:02}Z",
    }
    spec = {
        "scaleTargetRef": {"name": target},
        "broker": {"secretName": "rabbitmq"},
        "queues": [{"name": "receipts", "lag": {"scaleUpAbove": 20}}],
        "maxReplicas": 10,
        "mode": mode,
    }
    return read({"metadata": metadata, "spec": spec})


SIGHTINGS = st.builds(
    known,
    st.sampled_from(NAMES),
    target=st.sampled_from(["t", "u"]),
    second=st.integers(0, 2),
    uid=st.integers(0, 2),
    mode=st.sampled_from(["Scale", "Scale", "Scale", "Observe"]),
)
WORDS = st.lists(st.one_of(SIGHTINGS, st.sampled_from(KEYS)), max_size=40)


def by_sorting(objects: dict[Key, Known]) -> dict[Key, Claim | None]:
    """What a look at all objects at once says."""
    claims = [(claimed(one), Claim(one.created, one.uid, one.key)) for one in objects.values() if claimed(one)]
    owners = dict(sorted(claims, key=lambda pair: pair[1], reverse=True))
    wanted = {key: claimed(one) for key, one in objects.items()}
    return {key: owners[wanted[key]] if wanted.get(key) else None for key in KEYS}


@given(words=WORDS)
def test_puts_and_drops_in_any_order_give_the_answer_of_sorting_and_tell_whose_has_changed(
    words: list[Known | Key],
) -> None:
    ownership, objects = Ownership(), dict[Key, Known]()
    for word in words:
        before = by_sorting(objects)
        if isinstance(word, Key):
            key = word
            objects.pop(key, None)
            turned = ownership.drop(key)
        else:
            key = word.key
            objects[key] = word
            turned = ownership.put(word)
        after = by_sorting(objects)

        assert after == {other: ownership.owner(other) for other in KEYS}
        assert {other for other in KEYS if before[other] != after[other]} - {key} == turned


@given(objects=st.lists(SIGHTINGS, max_size=6, unique_by=lambda one: one.key), order=st.randoms(use_true_random=False))
def test_two_processes_that_hear_of_the_objects_in_other_orders_agree(objects: list[Known], order: object) -> None:
    one, other = Ownership(), Ownership()
    for known in objects:
        one.put(known)
    shuffled = [*objects, *objects]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    for known in shuffled:
        # It may also have seen an earlier state of each.
        other.put(replace(known, deleting=True))
        other.put(known)

    assert [one.owner(key) for key in KEYS] == [other.owner(key) for key in KEYS]
