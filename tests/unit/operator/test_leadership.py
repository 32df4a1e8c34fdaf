"""The rules of the Lease, on a clock of the test: who may write, from when, and until when."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from qc_operator.leadership import Leadership
from qc_operator.lease_record import Record, Sight, Timing

TIMING = Timing(lease_seconds=8, renew_deadline=5.0, retry=1.0)


def wall(now: float) -> datetime:
    return datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=now)


@dataclass
class Server:
    """One Lease, and the time."""

    now: float = 1000.0
    sight: Sight | None = None
    version: int = 0
    deleted: int = 0

    def write(self, record: Record) -> Sight:
        self.version += 1
        self.sight = Sight(uid=f"uid-{self.deleted}", record=record)
        return self.sight

    def edit(self, **changes: object) -> None:
        """What somebody does by hand."""
        assert self.sight
        self.write(replace(self.sight.record, **changes))  # type: ignore[arg-type]

    def delete(self) -> None:
        self.sight = None
        self.version += 1
        self.deleted += 1


@dataclass
class Process:
    """Looks and writes as `Candidate` does, with a network that the test decides about."""

    server: Server
    identity: str
    state: Leadership = field(init=False)
    seen_version: int = -1

    def __post_init__(self) -> None:
        self.state = Leadership(identity=self.identity, timing=TIMING)

    def look(self) -> None:
        self.seen_version = self.server.version
        self.state.see(self.server.sight, now=self.server.now)

    def write(self, *, takes: float = 0.0, answered: bool = True) -> bool:
        """Whether there was something to write, and nobody else had written since the last look."""
        asked_at = self.server.now
        claimed = self.state.claim(now=asked_at, wall=wall(asked_at))
        if claimed is None or self.seen_version != self.server.version:
            return False
        sight = self.server.write(claimed[1])
        self.server.now += takes
        if answered:
            self.seen_version = self.server.version
            self.state.wrote(sight, asked_at=asked_at, now=self.server.now)
        return True

    def turn(self) -> float:
        """Look and write, and say for how long writing is allowed."""
        self.look()
        self.write()
        return self.remaining

    @property
    def remaining(self) -> float:
        return self.state.remaining(now=self.server.now)


@pytest.fixture
def server() -> Server:
    server = Server()
    server.write(Record(seconds=1))  # Given back by whoever had it.
    return server


@pytest.fixture
def first(server: Server) -> Process:
    """A process that has the right to write."""
    process = Process(server, "first")
    process.turn()
    assert 5.0 == process.turn()
    return process


@pytest.fixture
def second(server: Server, first: Process) -> Process:
    """One that has seen that `first` holds it."""
    process = Process(server, "second")
    assert first.remaining
    assert 0.0 == process.turn()
    return process


def test_a_lease_that_was_given_back_is_taken_at_once_and_led_from_the_first_renewal_on(server: Server) -> None:
    process = Process(server, "first")

    assert (0.0, True) == (process.turn(), process.state.ours)
    assert 5.0 == process.turn()
    assert server.sight
    assert (
        Record(holder="first", seconds=8, acquired=wall(1000), renewed=wall(1000), transitions=1) == server.sight.record
    )


def test_time_counts_from_the_start_of_the_renewal(server: Server, first: Process) -> None:
    server.now += 1.0
    first.look()
    first.write(takes=2.0)

    assert 3.0 == first.remaining


def test_an_answer_that_comes_after_the_deadline_gives_no_right(server: Server, first: Process) -> None:
    server.now += 1.0
    first.look()
    first.write(takes=20.0)

    assert 0.0 == first.remaining


def test_renewals_keep_when_it_was_acquired_and_how_often_it_changed_hands(server: Server, first: Process) -> None:
    server.now += 1.0
    first.turn()

    assert server.sight
    assert (wall(1000), wall(1001), 1) == (
        server.sight.record.acquired,
        server.sight.record.renewed,
        server.sight.record.transitions,
    )


def test_a_lease_is_taken_when_it_has_looked_the_same_for_as_long_as_it_says(
    server: Server, first: Process, second: Process
) -> None:
    server.now += 1.0
    first.turn()
    server.now += 0.5
    second.look()  # Sees the renewal of half a second ago: now it counts from here.

    server.now += 7.9
    assert (0.0, False) == (second.turn(), second.state.ours)
    assert 1009.5 == second.state.changes_at()
    server.now += 0.1
    second.turn()
    assert 5.0 == second.turn()
    assert server.sight
    assert ("second", 2) == (server.sight.record.holder, server.sight.record.transitions)


def test_clocks_of_other_machines_do_not_count(server: Server, second: Process) -> None:
    server.edit(renewed=wall(-1e6))
    second.look()
    server.now += 7.9

    assert 0.0 == second.turn()


def test_a_lease_that_says_longer_is_waited_for_longer(server: Server, second: Process) -> None:
    server.edit(seconds=30)
    second.look()
    server.now += 29.9

    assert (0.0, False) == (second.turn(), second.state.ours)
    server.now += 0.1
    second.turn()
    assert second.state.ours


@pytest.mark.parametrize("seconds", [None, 1, -5])
def test_one_that_says_less_than_ours_or_nothing_counts_as_long_as_ours(
    server: Server, second: Process, seconds: int | None
) -> None:
    server.edit(seconds=seconds)
    second.look()
    server.now += 7.9
    second.turn()

    assert not second.state.ours


def test_one_that_says_years_by_mistake_is_waited_for_5_minutes(server: Server, second: Process) -> None:
    server.edit(seconds=2**31 - 1, transitions=2**31 - 1)
    second.look()
    server.now += 300.0
    second.turn()

    assert 5.0 == second.turn()
    assert server.sight
    assert 2**31 - 1 == server.sight.record.transitions


def test_a_lease_without_any_field_is_not_free_at_once(server: Server) -> None:
    server.write(Record())
    process = Process(server, "first")

    assert (0.0, False) == (process.turn(), process.state.ours)
    server.now += 8.0
    process.turn()
    assert process.state.ours


def test_a_holder_taken_out_by_hand_does_not_make_it_free_at_once(
    server: Server, first: Process, second: Process
) -> None:
    server.edit(holder="")
    server.now += 0.5

    assert (0.0, False) == (second.turn(), second.state.ours)
    assert 5.0 == first.turn()
    assert server.sight
    assert "first" == server.sight.record.holder


def test_another_holder_put_in_by_hand_ends_the_right_at_once(server: Server, first: Process) -> None:
    server.edit(holder="somebody")

    assert 0.0 == first.turn()
    assert server.sight
    assert "somebody" == server.sight.record.holder


def test_our_name_put_in_by_hand_gives_no_right(server: Server, second: Process) -> None:
    server.edit(holder="second")

    assert (0.0, False) == (second.turn(), second.state.ours)


def test_a_process_of_before_a_restart_is_another_one(server: Server, first: Process) -> None:
    again = Process(server, "first")

    assert first.remaining
    assert (0.0, False) == (again.turn(), again.state.ours)


def test_a_write_whose_answer_was_lost_is_found_to_be_ours(server: Server, first: Process) -> None:
    server.now += 1.0
    first.look()
    assert first.write(answered=False)

    assert not first.write(), "somebody has written since, as far as it knows"
    assert 5.0 == first.turn()


def test_one_that_could_not_renew_goes_on_when_nobody_has_taken_it(
    server: Server, first: Process, second: Process
) -> None:
    server.now += 6.0
    assert (0.0, True) == (first.remaining, first.state.ours)
    second.look()

    assert 5.0 == first.turn()
    assert not second.write()


def test_one_that_could_not_renew_stands_by_when_somebody_has_taken_it(
    server: Server, first: Process, second: Process
) -> None:
    server.now += 8.0
    second.turn()
    second.turn()

    assert (0.0, 5.0) == (first.turn(), second.remaining)
    assert not first.state.ours


def test_a_record_of_ours_that_comes_back_after_anothers_gives_no_right(server: Server, first: Process) -> None:
    assert server.sight
    saved = server.sight.record
    server.edit(holder="somebody")
    first.look()
    server.write(saved)

    assert (0.0, False) == (first.turn(), first.state.ours)


def test_whoever_creates_it_writes_only_after_the_time_of_a_lease(server: Server) -> None:
    server.delete()
    process = Process(server, "first")

    assert (0.0, True) == (process.turn(), process.state.ours)
    server.now += 7.9
    assert 0.0 == process.turn()
    server.now += 0.1
    assert 5.0 == process.turn()


def test_others_leave_its_holder_the_time_to_create_it_again(server: Server, first: Process, second: Process) -> None:
    server.now += 2.9
    server.delete()

    assert (0.0, False) == (second.turn(), second.state.ours)
    server.now += 2.0
    assert (0.0, True) == (second.turn(), second.state.ours)
    assert 0.1 == pytest.approx(first.remaining), "it has not seen yet that it is missing"
    assert 0.0 == first.turn()
    server.now += 7.9
    assert 0.0 == second.turn()
    server.now += 0.1
    assert 5.0 == second.turn()


def test_the_holder_creates_it_again_and_goes_on(server: Server, first: Process, second: Process) -> None:
    server.delete()

    server.now += 1.0
    assert 5.0 == first.turn()
    assert (0.0, False) == (second.turn(), second.state.ours)


def test_the_holder_whose_time_is_over_creates_it_like_anybody_else(server: Server, first: Process) -> None:
    server.delete()
    server.now += 5.0

    assert (0.0, True) == (first.turn(), first.state.ours)
    server.now += 8.0
    assert 5.0 == first.turn()


def test_a_creation_whose_answer_was_lost_counts_from_when_it_is_seen(server: Server) -> None:
    server.delete()
    process = Process(server, "first")
    process.look()
    process.write(answered=False)
    server.now += 7.0
    process.turn()

    server.now += 7.9
    assert 0.0 == process.turn()
    server.now += 0.1
    assert 5.0 == process.turn()


def test_writes_that_are_refused_again_and_again_are_not_remembered_for_ever(server: Server) -> None:
    process = Process(server, "first")
    for _ in range(1000):
        process.look()
        process.state.claim(now=server.now, wall=wall(server.now))
        server.now += 1.0

    assert len(process.state._sent) <= 64


def give_back(server: Server, process: Process) -> Record | None:
    record = process.state.handover(now=server.now, wall=wall(server.now))
    if record is not None:
        server.write(record)
    process.state.forfeit()
    return record


def test_given_back_it_is_free_at_once(server: Server, first: Process, second: Process) -> None:
    server.now += 0.5

    assert Record(seconds=1, acquired=wall(1000.5), renewed=wall(1000.5), transitions=1) == give_back(server, first)
    assert 0.0 == first.remaining
    second.turn()
    assert 5.0 == second.turn()


def test_given_back_by_one_that_may_not_write_yet_it_is_not_free_at_once(server: Server) -> None:
    server.delete()
    creator, other = Process(server, "creator"), Process(server, "other")
    creator.turn()
    assert give_back(server, creator)
    other.turn()

    server.now += 7.9
    assert (0.0, False) == (other.turn(), other.state.ours)


def test_one_that_stands_by_has_nothing_to_give_back(server: Server, second: Process) -> None:
    assert give_back(server, second) is None


def test_one_that_was_taken_from_us_is_not_given_back(server: Server, first: Process) -> None:
    server.edit(holder="somebody")
    first.look()

    assert give_back(server, first) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lease_seconds": 1}, r"lease_seconds must be above 1 and at most 300 \(is 1\)"),
        ({"lease_seconds": 301}, r"lease_seconds must be above 1 and at most 300 \(is 301\)"),
        ({"renew_deadline": 8.0}, r"renew_deadline must be less than lease_seconds, 8 \(is 8.0\)"),
        ({"retry": 4.5}, r"retry must be above 0, and 1.2 times it less than renew_deadline, 5.0 \(is 4.5\)"),
        ({"retry": 0.0}, r"retry must be above 0"),
    ],
)
def test_times_that_do_not_go_together_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Timing(**changes)  # type: ignore[arg-type]
