from typing import Any

from rich.console import Console

from examples.demo.alert_history import AlertHistory
from examples.demo.alerts_view import alerts_shown
from examples.demo.prometheus_server import Prometheus

NOON = 1_795_348_800.0
"""2026-11-22T12:00:00Z."""


def an_alert(name: str, *, state: str, since: str = "12:00:00", consumer: str = "receipts") -> dict[str, Any]:
    """As Prometheus' API tells it."""
    return {
        "labels": {"alertname": name, "severity": "warning", "queueconsumer": consumer},
        "annotations": {"summary": f"{consumer} is in trouble."},
        "state": state,
        "activeAt": f"2026-11-22T{since}.123456789Z",
    }


def noted(*looks: tuple[float, list[dict[str, Any]]]) -> AlertHistory:
    """A history that has looked so many seconds after noon."""
    now = [0.0]
    history = AlertHistory(Prometheus("http://127.0.0.1:9090"), clock=lambda: NOON + now[0])
    history.fires_after |= {"CapacityExhausted": 900.0, "BurnFast": 0.0}
    for second, alerts in looks:
        now[0] = second
        history.note(alerts)
    return history


def shown(history: AlertHistory, *, page: str | None = "http://127.0.0.1:9090/alerts") -> list[str]:
    console = Console(width=130)
    with console.capture() as capture:
        console.print(alerts_shown(history, page=page))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_an_alert_that_is_over_is_still_known_with_its_longest_time() -> None:
    (alert,) = noted(
        (10, [an_alert("CapacityExhausted", state="pending")]),
        (25, [an_alert("CapacityExhausted", state="pending")]),
        (30, []),
        (50, [an_alert("CapacityExhausted", state="pending", since="12:00:45")]),
    ).alerted()

    assert (alert.name, alert.fired, round(alert.seconds), alert.fires_after) == ("CapacityExhausted", False, 25, 900.0)
    assert alert.summary == "receipts is in trouble."


def test_what_has_fired_has_fired_and_comes_first() -> None:
    history = noted(
        (10, [an_alert("CapacityExhausted", state="pending"), an_alert("BurnFast", state="firing")]),
        (20, [an_alert("BurnFast", state="pending")]),
    )

    assert [(each.name, each.fired) for each in history.alerted()] == [("BurnFast", True), ("CapacityExhausted", False)]


def test_alerts_are_told_apart_by_their_labels() -> None:
    alerts = [an_alert("CapacityExhausted", state="pending", consumer=name) for name in ("receipts", "invoices")]

    assert [each.summary for each in noted((5, alerts)).alerted()] == [
        "invoices is in trouble.",
        "receipts is in trouble.",
    ]


def test_that_there_was_nothing_is_said_plainly() -> None:
    assert shown(noted((5, []))) == [
        "Alerts, of 2 in Prometheus: http://127.0.0.1:9090/alerts",
        "None fired, and none was pending.",
    ]


def test_a_prometheus_that_ends_with_the_demo_has_no_address_any_more() -> None:
    assert shown(noted((5, [])), page=None)[0] == "Alerts, of 2 in Prometheus"


def test_one_that_was_pending_is_told_with_the_time_after_which_it_fires() -> None:
    assert shown(noted((25, [an_alert("CapacityExhausted", state="pending")]))) == [
        "Alerts, of 2 in Prometheus: http://127.0.0.1:9090/alerts",
        "None fired. 1 alert was pending:",
        "  CapacityExhausted (warning) was pending for 25 s, and fires after 15 min",
        "      receipts is in trouble.",
    ]


def test_one_that_fired_is_told_with_what_to_do() -> None:
    history = noted((300, [an_alert("CapacityExhausted", state="pending"), an_alert("BurnFast", state="firing")]))

    assert shown(history)[1:] == [
        "1 alert fired:",
        "  BurnFast (warning) was active for 5 min; what to do: docs/runbooks/BurnFast.md",
        "      receipts is in trouble.",
        "Pending only:",
        "  CapacityExhausted (warning) was pending for 5 min, and fires after 15 min",
        "      receipts is in trouble.",
    ]
