"""Others write the replicas, too: once is told, again and again is a conflict, and it ends when they stop."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from qc_operator.cluster import OUR_WRITER, Scale
from qc_operator.foreign_writes import ForeignWrites, agrees
from qc_operator.scaling.pause import parse
from tests.unit.operator.conftest import Story, known, spec, totals, unknown

MINUTE = 60.0
BY_HAND = (
    "field manager kubectl set replicas from 5 to 7; the next decision sets them by the queues again; "
    'to hold them, set the annotation queueconsumer.dev/paused-replicas: "7"'
)


@dataclass
class Target:
    """A target for which the queues ask for `wanted`, and an operator that takes turns."""

    wanted: int = 5
    replicas: int = 5
    writer: str = OUR_WRITER
    uid: str = "1"
    version: int = 100
    now: float = 1000.0
    tells_writers: bool = True
    foreign: ForeignWrites = field(default_factory=ForeignWrites)
    writes: list[tuple[float, int]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def scale(self, *, replicas: int | None = None, version: int | None = None) -> Scale:
        return Scale(
            replicas=self.replicas if replicas is None else replicas,
            running=self.replicas,
            resource_version=str(self.version if version is None else version),
            uid=self.uid,
            writer=self.writer if self.tells_writers else "",
        )

    def set(self, replicas: int, *, by: str = "kubectl") -> None:
        self.replicas, self.writer, self.version = replicas, by, self.version + 1

    def turn(self, *, after: float = 1.0, agreed: bool | None = None) -> None:
        """One turn of the operator, as `ForeignWrites` describes it."""
        self.now += after
        agreed = self.replicas == self.wanted if agreed is None else agreed
        told = self.foreign.see(self.scale(), agreed=agreed, now=self.now)
        if told is not None:
            self.told.append(told)
            self.foreign.told()
        if self.replicas != self.wanted and self.foreign.may_write(now=self.now):
            self.foreign.asks(self.wanted)
            self.set(self.wanted, by=OUR_WRITER)
            self.writes.append((self.now, self.wanted))
            self.foreign.wrote(self.scale(), now=self.now)

    def run(self, seconds: float, *, undone_by: str | None = None, to: int = 2, within: float = 1.0) -> None:
        """Turns every second, and somebody who sets his number again `within` seconds after each of ours."""
        end = self.now + seconds
        while self.now < end:
            self.turn()
            since_ours = self.now - self.writes[-1][0] if self.writes else 0.0
            if undone_by and self.writer == OUR_WRITER and since_ours >= within - 1.0:
                self.set(to, by=undone_by)

    def in_conflict(self) -> bool:
        return self.foreign.conflict is not None

    @property
    def gaps(self) -> list[float]:
        """Seconds from each write to the next."""
        times = [time for time, _ in self.writes]
        return [later - earlier for earlier, later in pairwise(times)]


@pytest.fixture
def target() -> Target:
    made = Target()
    made.turn()
    return made


def test_a_number_set_by_hand_is_told_once_and_overridden_once(target: Target) -> None:
    target.set(7)
    target.run(30)

    assert [BY_HAND] == target.told
    assert [5] == [replicas for _, replicas in target.writes]
    assert not target.in_conflict()


def test_a_number_that_is_held_for_a_while_is_told_when_it_is_seen(target: Target) -> None:
    target.set(7)
    target.wanted = 7  # stabilization holds it
    target.turn(agreed=False)
    target.wanted = 5
    target.run(30)

    assert [BY_HAND] == target.told
    assert [5] == [replicas for _, replicas in target.writes]


def test_who_sets_replicas_twice_before_anything_can_be_said_of_them_has_undone_ours_once(target: Target) -> None:
    for _ in range(3):
        assert not target.in_conflict()
        target.run(30)
        for number in (8, 9):
            target.set(number)
            assert target.foreign.see(target.scale(), agreed=None, now=target.now) is None
        target.turn()

    assert target.in_conflict()
    assert target.told == [BY_HAND.replace("to 7", "to 9").replace('"7"', '"9"')] * 2


def test_who_sets_our_number_again_before_anything_can_be_said_has_undone_nothing(target: Target) -> None:
    for _ in range(4):
        for number in (8, 5):
            target.set(number)
            assert target.foreign.see(target.scale(), agreed=None, now=target.now) is None
        target.run(30)
    target.set(7)
    target.turn()

    assert ([BY_HAND], 1) == (target.told, len(target.writes))
    assert not target.in_conflict()


def test_the_first_look_after_a_start_tells_nothing() -> None:
    target = Target(replicas=9, writer="kubectl")
    target.run(30)

    assert ([], [5]) == (target.told, [replicas for _, replicas in target.writes])


def test_the_late_echo_of_what_was_before_our_write_tells_nothing(target: Target) -> None:
    before = target.scale(version=101)
    target.wanted = 8
    target.version = 101
    target.turn()
    assert "102" == target.scale().resource_version

    assert target.foreign.see(before, agreed=False, now=target.now) is None
    assert target.foreign.see(target.scale(), agreed=True, now=target.now) is None
    assert target.foreign.may_write(now=target.now)


def test_a_write_whose_answer_was_lost_is_ours(target: Target) -> None:
    target.tells_writers = False
    target.foreign.asks(8)
    target.set(8, by=OUR_WRITER)
    target.wanted = 8
    target.turn(agreed=False)

    assert [] == target.told


def test_a_write_that_never_arrived_does_not_make_the_next_one_of_somebody_else_ours(target: Target) -> None:
    target.tells_writers = False
    target.foreign.asks(8)
    target.turn()
    target.set(7)
    target.turn()
    target.set(8)
    target.turn()

    assert ["somebody set replicas from 5 to 7", "somebody set replicas from 5 to 8"] == [
        told.partition(";")[0] for told in target.told
    ]


def test_a_write_of_a_leader_before_us_is_ours(target: Target) -> None:
    target.set(3, by=OUR_WRITER)
    target.turn()

    assert ([], False) == (target.told, target.in_conflict())


def test_what_somebody_else_sets_as_we_would_is_nobodys_business(target: Target) -> None:
    target.wanted = 7
    target.set(7)
    target.run(30)

    assert ([], []) == (target.told, target.writes)


def test_a_target_that_was_created_again_is_a_new_beginning(target: Target) -> None:
    for _ in range(2):
        target.set(2)
        target.turn()
    target.uid = "2"
    target.set(1, by="kubectl-client-side-apply")
    target.turn()

    assert 2 == len(target.told)
    assert not target.in_conflict()
    assert 5 == target.replicas


def test_replicas_that_do_not_change_are_no_write_whoever_touches_the_target(target: Target) -> None:
    for by in ("kubectl-client-side-apply", "argocd-controller", "helm", "kubectl-edit"):
        target.set(5, by=by)
        target.turn()

    assert ([], []) == (target.told, target.writes)


def test_who_changes_our_number_back_three_times_is_not_fought(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(200, undone_by="argocd-controller")

    assert 2 == len(target.writes)
    assert 2 == len(target.told)
    conflict = target.foreign.conflict
    assert conflict is not None
    assert (
        "field manager argocd-controller has changed replicas back 3 times, to 2 last; nothing is written for 5 "
        "minutes, then the operator tries once. To end it, remove spec.replicas from the manifest that it applies; a "
        "change of this QueueConsumer has it tried at once"
    ) == conflict.message


def test_a_number_of_ours_that_was_never_there_has_not_been_changed_back() -> None:
    target = Target(replicas=2, writer="helm")
    target.turn(agreed=True)
    for replicas in (3, 4, 6, 7):
        target.set(replicas, by="kubectl")
        target.turn(agreed=True)
    target.wanted = 7
    for replicas in (3, 4, 6):
        target.set(replicas, by="kubectl")
        target.foreign.see(target.scale(), agreed=False, now=target.now)

    assert not target.in_conflict()


def test_three_different_people_are_a_conflict_as_well(target: Target) -> None:
    for replicas, by in ((7, "kubectl"), (8, "kubectl-edit"), (9, "Mozilla")):
        target.set(replicas, by=by)
        target.turn()

    conflict = target.foreign.conflict
    assert conflict is not None
    assert conflict.message.startswith("field manager Mozilla has changed replicas back 3 times, to 9 last;")


def test_tries_are_one_write_each_at_growing_intervals(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(4 * 3600, undone_by="argocd-controller", within=1.0)

    pauses = [round(gap / MINUTE) for gap in target.gaps]
    assert [0, 5, 10, 20, 40, 60, 60] == pauses[:7]
    assert target.in_conflict()
    assert 2 == len(target.told)


def test_it_is_over_when_a_try_has_stood_for_a_minute(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    assert target.in_conflict()

    writes = len(target.writes)
    while len(target.writes) == writes:
        target.turn()
    target.run(59)
    assert target.in_conflict()
    target.run(2)

    assert not target.in_conflict()
    target.wanted = 6
    target.turn()
    target.wanted = 8
    target.turn()
    assert [6, 8] == [replicas for _, replicas in target.writes[-2:]]


def test_a_number_that_had_stood_for_hours_before_does_not_prolong_it(target: Target) -> None:
    target.run(3 * 3600)
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    target.run(5 * MINUTE + 65)

    assert not target.in_conflict()


def test_it_never_takes_longer_than_twenty_minutes_to_be_sure(target: Target) -> None:
    target.set(2, by="cron")
    target.run(600, undone_by="cron", within=250.0)
    assert target.in_conflict()
    # Each try is changed back just before it would be believed.
    for seconds in (499, 998, 1199, 1199):
        writes = len(target.writes)
        while len(target.writes) == writes:
            target.turn()
        target.run(seconds)
        assert target.in_conflict()
        target.set(2, by="cron")
    while target.writer == "cron":
        target.turn()
    target.run(1201)

    assert not target.in_conflict()


def test_of_one_who_comes_every_two_minutes_it_takes_four_to_be_sure(target: Target) -> None:
    target.set(2, by="cron")
    target.run(300, undone_by="cron", within=120.0)
    assert target.in_conflict()
    writes = len(target.writes)
    while len(target.writes) == writes:
        target.turn()
    target.run(230)
    assert target.in_conflict()
    target.run(20)

    assert not target.in_conflict()


def test_one_who_comes_every_six_minutes_is_overridden_each_time(target: Target) -> None:
    target.set(2, by="kustomize-controller")
    target.run(3600, undone_by="kustomize-controller", within=360.0)

    assert not target.in_conflict()
    assert 10 <= len(target.writes)
    assert 10 <= len(target.told)


def test_a_try_is_one_write_also_when_the_queues_ask_for_something_else_meanwhile(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    writes = len(target.writes)
    while len(target.writes) == writes:
        target.turn()
    for wanted in (6, 7, 8, 9):
        target.wanted = wanted
        target.turn()

    assert writes + 1 == len(target.writes)


def test_it_is_over_without_a_write_where_there_is_what_we_want(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    writes = len(target.writes)
    target.wanted = 2
    target.run(5 * MINUTE - 10)
    assert target.in_conflict()
    target.run(90)

    assert not target.in_conflict()
    assert writes == len(target.writes)


def test_another_number_in_a_trial_without_a_write_prolongs_it(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    target.wanted = 2
    target.run(5 * MINUTE - 20)
    writes = len(target.writes)
    target.wanted = 5
    target.set(3, by="argocd-controller")
    target.run(9 * MINUTE)
    assert writes == len(target.writes)
    target.run(2 * MINUTE)

    assert writes + 1 == len(target.writes)


def test_a_change_of_the_object_has_it_tried_at_once(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    writes = len(target.writes)
    target.foreign.retry(now=target.now)
    target.turn()
    assert writes + 1 == len(target.writes)

    # Which is one write as any other, and not one more for each change.
    target.wanted = 9
    target.foreign.retry(now=target.now)
    target.turn()
    assert writes + 1 == len(target.writes)


def test_a_change_of_the_object_without_a_conflict_is_nothing(target: Target) -> None:
    target.foreign.retry(now=target.now)

    assert target.foreign.may_write(now=target.now)


def test_versions_that_are_no_numbers_are_taken_as_they_come(target: Target) -> None:
    strange = Scale(replicas=7, running=5, resource_version="a-1", uid="1", writer="kubectl")

    assert BY_HAND == target.foreign.see(strange, agreed=False, now=target.now)


@pytest.mark.parametrize("uids", [("", "1"), ("1", "")])
def test_a_target_whose_uid_is_not_known_is_the_same(uids: tuple[str, str]) -> None:
    foreign = ForeignWrites()
    first, second = (
        Scale(replicas=replicas, running=5, resource_version=version, uid=uid, writer="kubectl")
        for replicas, version, uid in zip((5, 7), ("1", "2"), uids, strict=True)
    )

    assert foreign.see(first, agreed=True, now=0.0) is None
    assert BY_HAND == foreign.see(second, agreed=False, now=1.0)


def test_what_nobody_was_told_is_said_again(target: Target) -> None:
    target.set(7)
    looks = [target.foreign.see(target.scale(), agreed=False, now=target.now + look) for look in range(3)]
    target.foreign.told()

    assert [BY_HAND] * 3 == looks
    assert target.foreign.see(target.scale(), agreed=False, now=target.now + 3) is None


def test_what_is_forgotten_begins_anew(target: Target) -> None:
    target.set(2, by="argocd-controller")
    target.run(60, undone_by="argocd-controller")
    target.foreign.forget()

    assert not target.in_conflict()
    target.set(7)
    target.turn()
    assert 2 == len(target.told)
    assert target.foreign.may_write(now=target.now)


def test_a_decision_agrees_with_what_the_queues_ask_for(story: Story) -> None:
    story.replicas = 5

    assert agrees(story.turn(known(ready=95, unacknowledged=0, at=story.now)))


def test_a_decision_agrees_with_a_bound(story: Story) -> None:
    story.replicas = 10

    assert agrees(story.turn(known(ready=9500, unacknowledged=0, at=story.now)))


def test_a_decision_that_only_waits_for_its_window_does_not_agree(story: Story) -> None:
    story.replicas = 9

    decision = story.turn(known(ready=0, unacknowledged=1, at=story.now))

    assert (9, False) == (decision.replicas, agrees(decision))


def test_a_decision_that_knows_nothing_does_not_agree(story: Story) -> None:
    story.replicas = 5

    decision = story.turn(unknown(at=story.now))

    assert (5, False) == (decision.replicas, agrees(decision))


def test_a_paused_object_agrees_with_whatever_is_set_by_hand(story: Story) -> None:
    story.pause = parse({"queueconsumer.dev/paused": "true"})
    story.replicas = 7

    assert agrees(story.turn(known(ready=0, unacknowledged=0, at=story.now)))


def raised_unnoticed(*, agreed_later: bool) -> list[str | None]:
    """Five are ours; somebody sets seven while no decision can say whether fewer would do; two looks later one can."""
    target = Target()
    target.turn()
    target.set(7)
    looks = (None, None, agreed_later)
    return [
        target.foreign.see(target.scale(), agreed=agreed, now=target.now + 1.0 + look)
        for look, agreed in enumerate(looks)
    ]


def test_replicas_raised_between_two_counts_are_told_once_it_is_known_that_fewer_do() -> None:
    assert [None, None, BY_HAND] == raised_unnoticed(agreed_later=False)


def test_replicas_raised_between_two_counts_are_not_told_if_the_queues_want_as_many() -> None:
    assert [None, None, None] == raised_unnoticed(agreed_later=True)


def test_between_two_counts_a_decision_cannot_say_whether_it_agrees() -> None:
    told = Story(spec(), replicas=4)
    for _ in range(70):
        told.turn(known(ready=20, unacknowledged=0, at=told.now + 1.0), after=1.0)
    told.replicas = 9
    seen = known(ready=20, unacknowledged=0, at=told.now)
    counted = totals(ready=20, unacknowledged=0, at=told.now - 4.0)

    assert agrees(told.turn(replace(seen, totals=counted))) is None
    assert agrees(told.turn(known(ready=20, unacknowledged=0, at=told.now + 1.0), after=1.0)) is not None
