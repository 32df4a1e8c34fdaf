"""The cases: a series of a metric, a target of 20 per replica, bounds, and a `behavior` that both are given alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.e2e.hpa.series import Series, falling, rising, sawtooth, spikes, steps, walk

PER_REPLICA: Final = 20

Behavior = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Why we decide otherwise than the HPA, and at how many of the syncs replicas differ."""

    why: str
    syncs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One HorizontalPodAutoscaler, and the QueueConsumer that says the same."""

    about: str
    series: Series
    behavior: Behavior | None
    replicas: int = 2
    """At the beginning."""
    min: int = 1
    max: int = 50
    by_hand: Mapping[int, int] = field(default_factory=dict)
    """Replicas that somebody else sets, by the number of the sync that finds them."""
    differs: Difference | None = None


def pods(value: int, seconds: int) -> dict[str, Any]:
    """A policy of so many pods in a period."""
    return {"type": "Pods", "value": value, "periodSeconds": seconds}


def percent(value: int, seconds: int) -> dict[str, Any]:
    """A policy of so many percent in a period."""
    return {"type": "Percent", "value": value, "periodSeconds": seconds}


def rules(*policies: dict[str, Any], window: int = 0, select: str = "Max", tolerance: str = "0") -> dict[str, Any]:
    """One direction, with nothing left to anybody's defaults."""
    return {
        "policies": list(policies),
        "stabilizationWindowSeconds": window,
        "selectPolicy": select,
        "tolerance": tolerance,
    }


def behavior(*, up: dict[str, Any], down: dict[str, Any]) -> Behavior:
    """Both directions."""
    return {"scaleUp": up, "scaleDown": down}


def free(seconds: int, *, window: int = 0, tolerance: str = "0") -> dict[str, Any]:
    """No limit to speak of. The period is that of the other direction: see the case `forgets`."""
    return rules(pods(1000, seconds), window=window, tolerance=tolerance)


_WAVES: Final = sawtooth(low=10, high=390, over=13)
_BLOCKS: Final = steps((30, 4), (400, 10), (90, 11), (240, 7), (5, 8))
_UP_TWICE: Final = steps((20, 3), (990, 18), (100, 8), (600, 11))
_DOWN_TWICE: Final = steps((900, 6), (40, 18), (700, 5), (90, 11))
_THERE_AND_BACK: Final = spikes(low=60, high=460, every=9, width=5)

WINDOWS: Final = {
    "unlimited": Case(
        about="no windows, no limits: the metric over the target",
        series=walk(seed=1, start=200, most=900, stride=150),
        behavior=behavior(up=free(4), down=free(4)),
    ),
    "down-window": Case(
        about="a window of 7 s down, sawtooth",
        series=sawtooth(low=10, high=310, over=5),
        behavior=behavior(up=free(4), down=free(4, window=7)),
    ),
    "up-window": Case(
        about="a window of 5 s up; spikes shorter than it",
        series=spikes(low=40, high=600, every=8, width=4),
        behavior=behavior(up=free(4, window=5), down=free(4)),
    ),
    "up-window-passed": Case(
        about="a window of 5 s up; spikes longer than it",
        series=spikes(low=40, high=600, every=13, width=7),
        behavior=behavior(up=free(4, window=5), down=free(4, window=4)),
    ),
    "both-windows": Case(
        about="windows of 4 s up and 7 s down, random walk",
        series=walk(seed=2, start=100, most=800, stride=140),
        behavior=behavior(up=free(4, window=4), down=free(4, window=7)),
    ),
    "first-window": Case(
        about="a window of 16 s down: replicas that are found count as its first answer",
        series=steps((100, 6), (60, 34)),
        replicas=12,
        behavior=behavior(up=free(4), down=free(4, window=16)),
    ),
    "long-window": Case(
        about="a window of 17 s down, spikes",
        series=spikes(low=30, high=500, every=18, width=1),
        behavior=behavior(up=free(4), down=free(4, window=17)),
    ),
}

POLICIES: Final = {
    "up-pods": Case(
        about="up by 2 pods in 4 s",
        series=_WAVES,
        behavior=behavior(up=rules(pods(2, 4)), down=free(4)),
    ),
    "up-percent": Case(
        about="up by 50 % in 5 s",
        series=_BLOCKS,
        behavior=behavior(up=rules(percent(50, 5)), down=free(5)),
    ),
    "up-most": Case(
        about="up by 4 pods or 100 % in 5 s, selectPolicy Max",
        series=_UP_TWICE,
        behavior=behavior(up=rules(pods(4, 5), percent(100, 5)), down=free(5)),
    ),
    "up-least": Case(
        about="up by 4 pods or 100 % in 5 s, selectPolicy Min",
        series=_UP_TWICE,
        behavior=behavior(up=rules(pods(4, 5), percent(100, 5), select="Min"), down=free(5)),
    ),
    "up-two-periods": Case(
        about="up by 3 pods in 4 s, and by no more than 7 in 16 s (Min)",
        series=_UP_TWICE,
        behavior=behavior(up=rules(pods(3, 4), pods(7, 16), select="Min"), down=free(16)),
    ),
    "up-disabled": Case(
        about="selectPolicy Disabled up",
        series=_BLOCKS,
        replicas=9,
        behavior=behavior(up=rules(pods(4, 5), select="Disabled"), down=free(5)),
    ),
    "down-pods": Case(
        about="down by 1 pod in 4 s",
        series=_BLOCKS,
        behavior=behavior(up=free(4), down=rules(pods(1, 4))),
    ),
    "down-percent": Case(
        about="down by 20 % in 5 s",
        series=_BLOCKS,
        behavior=behavior(up=free(5), down=rules(percent(20, 5))),
    ),
    "down-most": Case(
        about="down by 2 pods in 4 s or 30 % in 7 s, selectPolicy Max",
        series=_DOWN_TWICE,
        behavior=behavior(up=free(7), down=rules(pods(2, 4), percent(30, 7))),
    ),
    "down-least": Case(
        about="down by 2 pods in 4 s or 30 % in 7 s, selectPolicy Min",
        series=_DOWN_TWICE,
        behavior=behavior(up=free(7), down=rules(pods(2, 4), percent(30, 7), select="Min")),
    ),
    "down-disabled": Case(
        about="selectPolicy Disabled down",
        series=_BLOCKS,
        behavior=behavior(up=free(5), down=rules(pods(4, 5), select="Disabled")),
    ),
    "there-and-back": Case(
        about="pods, with a change of direction within a period: what was added may be taken away again, and more",
        series=_THERE_AND_BACK,
        behavior=behavior(up=rules(pods(4, 7)), down=rules(pods(3, 7))),
    ),
    "percent-there-and-back": Case(
        about="percent, with a change of direction within a period: of the replicas when it began",
        series=_THERE_AND_BACK,
        behavior=behavior(up=rules(percent(60, 7)), down=rules(percent(40, 7))),
    ),
    "ten-percent-of-hundred": Case(
        about="10 % up from 100: 111, because 100 * 1.1 is more than 110 in floating point",
        series=steps((2000, 3), (9000, 37)),
        replicas=100,
        max=400,
        behavior=behavior(up=rules(percent(10, 5)), down=free(5)),
    ),
    "percent-of-few": Case(
        about="10 % down from 7: a part of a replica counts as a whole one",
        series=steps((140, 3), (10, 37)),
        replicas=7,
        behavior=behavior(up=free(4), down=rules(percent(10, 4))),
    ),
    "all-at-once": Case(
        about="100 % in a period, both ways",
        series=steps((600, 12), (10, 8), (600, 12), (10, 8)),
        behavior=behavior(up=rules(percent(100, 5)), down=rules(percent(100, 5))),
    ),
}

REST: Final = {
    "tolerance": Case(
        about="a tolerance of 10 % both ways",
        series=walk(seed=3, start=200, most=400, stride=30),
        replicas=10,
        behavior=behavior(up=free(4, tolerance="0.1"), down=free(4, tolerance="100m")),
    ),
    "tolerance-edges": Case(
        about="a tolerance of 25 % up and 5 % down: to the very edge, and one message past it",
        series=steps((200, 2), (250, 4), (251, 4), (247, 4), (246, 4), (325, 4), (260, 4), (190, 4), (180, 10)),
        replicas=10,
        behavior=behavior(up=free(4, tolerance="0.25"), down=free(4, tolerance="0.05")),
    ),
    "bounds": Case(
        about="minReplicas 3, maxReplicas 8, waves beyond both",
        series=_WAVES,
        min=3,
        max=8,
        replicas=3,
        behavior=behavior(up=rules(pods(2, 4)), down=rules(pods(3, 4), window=4)),
    ),
    "above-the-bounds": Case(
        about="20 replicas found, maxReplicas 8: down at once, whatever the policies say",
        series=steps((300, 9), (60, 31)),
        max=8,
        replicas=20,
        behavior=behavior(up=free(5), down=rules(pods(1, 5), window=7)),
    ),
    "below-the-bounds": Case(
        about="1 replica found, minReplicas 6: up at once, then on as the policies say",
        series=steps((30, 6), (400, 34)),
        min=6,
        replicas=1,
        behavior=behavior(up=rules(pods(2, 5), window=4), down=free(5)),
    ),
    "nothing-to-do": Case(
        about="a metric of 0, with minReplicas 1",
        series=steps((300, 6), (0, 18), (1, 6), (0, 10)),
        behavior=behavior(up=free(4), down=rules(percent(50, 4), window=5)),
    ),
    "very-much": Case(
        about="a metric of a million millions",
        series=steps((100, 4), (10**12, 8), (100, 28)),
        max=1000,
        behavior=behavior(up=rules(percent(900, 5)), down=rules(percent(50, 4), pods(100, 5))),
    ),
    "by-hand": Case(
        about="somebody else sets replicas: no policy takes that for a change of its own",
        series=steps((200, 40)),
        by_hand={6: 20, 16: 3, 28: 30},
        behavior=behavior(up=rules(pods(2, 5)), down=rules(pods(3, 5))),
    ),
    "everything": Case(
        about="windows, policies of both kinds and tolerances, random walk",
        series=walk(seed=4, start=100, most=900, stride=160),
        behavior=behavior(
            up=rules(pods(3, 4), percent(40, 7), window=4, tolerance="0.1"),
            down=rules(pods(1, 4), percent(25, 7), window=5, tolerance="0.05"),
        ),
    ),
    "everything-least": Case(
        about="the same with selectPolicy Min, another walk",
        series=walk(seed=5, start=500, most=900, stride=160),
        behavior=behavior(
            up=rules(pods(6, 5), percent(60, 7), window=4, select="Min", tolerance="0.1"),
            down=rules(pods(4, 4), percent(25, 7), window=5, select="Min", tolerance="0.05"),
        ),
    ),
    "hundreds": Case(
        about="hundreds of replicas, random walk",
        series=walk(seed=6, start=5000, most=16000, stride=3000),
        max=700,
        replicas=200,
        behavior=behavior(up=rules(percent(30, 5), window=4), down=rules(percent(15, 5), window=5)),
    ),
}

DIFFERENT: Final = {
    "forgets": Case(
        about="up in periods of 4 s, down by 2 pods in 17 s",
        series=steps((60, 3), (200, 4), (300, 4), (400, 4), (100, 25)),
        behavior=behavior(up=rules(pods(5, 4)), down=rules(pods(2, 17))),
        differs=Difference(
            why="The HPA forgets steps up that are older than the longest period of `scaleUp` when others follow, "
            "though a policy of `scaleDown` looks further back. So to it there were more replicas when that period "
            "began, and it lets fewer go.",
            syncs=25,
        ),
    ),
    "from-zero": Case(
        about="no replicas at the beginning",
        series=steps((200, 40)),
        replicas=0,
        behavior=behavior(up=free(4), down=free(4)),
        differs=Difference(why="The HPA is off while its target has no replicas. We wake it up.", syncs=40),
    ),
    "defaults": Case(
        about="no `behavior`",
        series=steps((40, 4), (42, 4), (900, 10), (100, 22)),
        behavior=None,
        differs=Difference(
            why="The HPA tolerates 10 % and doubles at most, at each sync. We tolerate nothing and go up at once.",
            syncs=8,
        ),
    ),
    "without-policies": Case(
        about="a `behavior` without policies",
        series=steps((40, 6), (900, 34)),
        behavior={
            "scaleUp": {"stabilizationWindowSeconds": 0, "tolerance": "0"},
            "scaleDown": {"stabilizationWindowSeconds": 4, "tolerance": "0"},
        },
        differs=Difference(
            why="The HPA fills in policies of its own: up by 4 pods or 100 % in 15 s. We limit nothing then.",
            syncs=34,
        ),
    ),
    "unread": Case(
        about="a metric that is missing for 3 syncs",
        series=steps((400, 6), (100, 3), (None, 3), (100, 28)),
        behavior=behavior(up=free(4), down=free(4, window=7)),
        differs=Difference(
            why="Neither moves while nothing is read. The HPA's window goes on meanwhile; ours begins anew.", syncs=6
        ),
    ),
    "tolerance-in-floating-point": Case(
        about="a tolerance of 70 % down, and replicas that carry exactly 30 % of the target",
        series=steps((200, 6), (60, 17), (59, 17)),
        replicas=10,
        behavior=behavior(up=free(4), down=free(4, tolerance="0.7")),
        differs=Difference(
            why="The HPA takes 0.7 for 700 * 0.001, which is a little more in floating point, and 1 - 0.7 is a little "
            "more than 0.3.",
            syncs=17,
        ),
    ),
    "many-answers": Case(
        about="a window of 38 s down in which the metric falls 34 times",
        series=falling(high=990, by=20),
        replicas=50,
        behavior=behavior(up=free(4), down=free(4, window=38)),
        differs=Difference(
            why="We keep 24 answers of a window; when there are more, those of a twelfth of it count as one, with the "
            "time of its last. So the window lasts up to a twelfth longer.",
            syncs=3,
        ),
    ),
    "many-changes": Case(
        about="14 pods in 17 s, taken one by one",
        series=rising(low=40, by=20),
        max=100,
        behavior=behavior(up=rules(pods(14, 17)), down=free(17)),
        differs=Difference(
            why="We keep 12 changes; when there are more, the two that are nearest count as one, with the time of the "
            "later one where that is the stricter.",
            syncs=4,
        ),
    ),
}

CASES: Final[dict[str, Case]] = {**WINDOWS, **POLICIES, **REST, **DIFFERENT}
