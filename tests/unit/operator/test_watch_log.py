"""kopf's words of its watch are left out, and what they are about is said once."""

import logging

import aiohttp
import kopf
import pytest
from kopf._cogs.clients.errors import APIForbiddenError
from kopf._cogs.clients.watching import WatchingError

from qc_operator.cluster.client import ApiError
from qc_operator.watch_log import RequestsTold, TellsNothingTwice

BANK = "/apis/queueconsumer.dev/v1alpha1/namespaces/bank/queueconsumers"
FORBIDDEN = ApiError(status=403, reason="Forbidden", message="queueconsumers is forbidden")
AWAY = ApiError(status=0, reason="Unreachable", message="connection refused")


def test_what_fails_is_told_once_and_so_is_that_it_no_longer_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    again: list[str] = []
    told = RequestsTold(again=lambda: again.append("again"))
    for _ in range(5):
        told.failed(BANK, FORBIDDEN)
    for _ in range(5):
        told.failed(BANK, AWAY)
    told.succeeded(BANK)
    told.succeeded(BANK)
    told.failed("/apis/queueconsumer.dev/v1alpha1/queueconsumers", AWAY)

    grant = "grant its ServiceAccount get, list, watch and patch on queueconsumers (API group queueconsumer.dev)"
    forbidden = f"queueconsumers is forbidden; {grant}"
    assert [
        f"QueueConsumers in namespace bank are not watched: {forbidden}; it is tried again every few seconds",
        "QueueConsumers in namespace bank are not watched: connection refused; it is tried again every few seconds",
        "QueueConsumers in namespace bank are watched again",
        "QueueConsumers are not watched: connection refused; it is tried again every few seconds",
    ] == caplog.messages
    assert ["again"] == again


@pytest.mark.parametrize(
    ("name", "message", "error", "told"),
    [
        ("kopf._cogs.clients.watching", "Request attempt #3 failed; will retry", None, False),
        ("kopf._core.reactor.running", "A task has failed", APIForbiddenError(None, status=403, headers={}), False),
        ("kopf._core.reactor.orchestration", "A watcher has failed", WatchingError("Error in it"), False),
        ("asyncio", "Task exception was never retrieved", WatchingError("Error in it"), False),
        ("kopf._core.reactor.running", "A task has failed", KeyError("metadata"), True),
        ("kopf._core.engines.activities", "Login has failed", kopf.PermanentError("no kubeconfig"), True),
        ("qc_operator.watch", "Request attempt #3", aiohttp.ClientError(), True),
    ],
)  # fmt: skip
def test_only_what_is_told_anyhow_is_left_out(name: str, message: str, error: Exception | None, *, told: bool) -> None:
    record = logging.LogRecord(
        name, logging.ERROR, __file__, 1, message, (), (type(error), error, None) if error else None
    )

    assert told == TellsNothingTwice().filter(record)
