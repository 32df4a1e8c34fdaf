"""Each QueueConsumer belongs to one shard, always the same, and the shards are of the same size."""

import pytest

from qc_operator.sharding import Shard


@pytest.mark.parametrize(("text", "expected"), [("1/1", Shard()), ("2/3", Shard(index=2, count=3)), (" 16/16 ", None)])
def test_a_shard_is_written_as_i_of_n(text: str, expected: Shard | None) -> None:
    assert (expected or Shard(index=16, count=16)) == Shard.parse(text)
    assert text.strip() == str(Shard.parse(text))


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/17", "-1/3", "1/0", "a/b", "1/3/3", "01/3", "٢/٣"])
def test_anything_else_is_refused_with_the_rule_and_the_value(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"must be i/n, such as 2/3, with i from 1 to n and n up to 16 \(is "
    ) as raised:
        Shard.parse(text)

    assert str(raised.value).endswith(f"(is {text!r})")


@pytest.mark.parametrize("count", [3, 7])
def test_shards_are_of_the_same_size_to_5_percent(count: int) -> None:
    shards = [Shard(index=index, count=count) for index in range(1, count + 1)]
    # Names as people give them: 40 namespaces, 250 numbered objects in each, which differ in one or two characters.
    keys = [(f"team-{namespace}", f"receipts-{name}") for namespace in range(40) for name in range(250)]

    owners = [[shard for shard in shards if shard.owns(*key)] for key in keys]

    assert {1} == {len(owning) for owning in owners}
    sizes = [sum(owning == [shard] for owning in owners) for shard in shards]
    assert max(abs(size * count / len(keys) - 1) for size in sizes) < 0.05


def test_a_shard_stays_the_same_in_every_process_and_version() -> None:
    shards = [Shard(index=index, count=7) for index in range(1, 8)]
    keys = [("shop", "receipts"), ("shop", "invoices"), ("bank", "receipts"), ("a", "b-c"), ("a-b", "c")]

    assert [1, 2, 7, 7, 3] == [next(shard.index for shard in shards if shard.owns(*key)) for key in keys]


def test_the_one_shard_owns_everything() -> None:
    assert Shard().owns("shop", "receipts")


def test_each_shard_has_a_lease_of_its_own() -> None:
    assert "queueconsumer-operator" == Shard().lease("queueconsumer-operator")
    assert "queueconsumer-operator-2-of-3" == Shard(index=2, count=3).lease("queueconsumer-operator")


@pytest.mark.parametrize(
    ("shard", "lease", "expected"),
    [
        (Shard(index=2, count=3), "op-1-of-3", None),
        (Shard(index=2, count=3), "op-1-of-4", Shard(index=1, count=4)),
        (Shard(index=2, count=3), "op", Shard()),
        (Shard(), "op", None),
        (Shard(), "op-1-of-4", Shard(index=1, count=4)),
        (Shard(), "op-something-else", None),
        (Shard(), "other-1-of-4", None),
    ],
)
def test_a_lease_of_another_number_of_shards_is_known_by_its_name(
    shard: Shard, lease: str, expected: Shard | None
) -> None:
    assert expected == shard.foreign(lease, operator="op")
