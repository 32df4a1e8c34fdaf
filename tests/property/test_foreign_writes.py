"""Whatever others do to the replicas: they are not fought, and all is well some time after they have stopped."""

from hypothesis import given, settings
from hypothesis import strategies as st

from qc_operator.standoff import PAUSES, STANDS_MOST
from tests.unit.operator.test_foreign_writes import Target

FOREIGN = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 20), st.integers(1, 4000)),
        st.sampled_from([2, 3, 5, 7]),
        st.sampled_from(["kubectl", "argocd-controller", ""]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(foreign=FOREIGN)
def test_others_are_overridden_rarely_and_what_we_want_is_there_once_they_have_stopped(
    foreign: list[tuple[int, int, str]],
) -> None:
    target = Target()
    target.turn()
    for seconds, replicas, by in foreign:
        target.run(seconds)
        target.set(replicas, by=by)
    target.run(PAUSES[-1] + STANDS_MOST + 2)

    assert (5, None) == (target.replicas, target.foreign.conflict)
    # Two until it is a conflict, a try, and once that was believed, two more until it is one again.
    times = [time for time, _ in target.writes]
    assert all(len([other for other in times if time <= other < time + 300.0]) <= 4 for time in times)
