import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devcluster.failure import Failure
from tests import rabbitmq_release
from tests.rabbitmq_release import RabbitMQMissingError, Release

Unpack = Callable[[set[str]], list[str]]


@pytest.fixture
def unpacking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Unpack:
    """Suites other than the given ones cannot be fetched; returns the list of those that were tried."""
    monkeypatch.setenv("QC_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def only(suites: set[str]) -> list[str]:
        tried: list[str] = []

        def unpack(*, suite: str, home: Path) -> None:
            tried.append(suite)
            if suite not in suites:
                raise Failure(f"the mirror has no {suite}")
            (home / f"lib/rabbitmq/lib/rabbitmq_server-4.{len(suite)}.6").mkdir(parents=True)

        monkeypatch.setattr(rabbitmq_release, "_unpack", unpack)
        return tried

    return only


def test_the_newest_suite_is_made_once(unpacking: Unpack) -> None:
    tried = unpacking({"forky", "trixie"})
    first, again = rabbitmq_release.release("4"), rabbitmq_release.release("4")
    assert first == again
    assert tried == ["forky"]
    assert first.version == (4, 5, 6)


def test_the_suite_before_it_stands_in(unpacking: Unpack, capsys: pytest.CaptureFixture[str]) -> None:
    unpacking({"trixie"})
    assert "trixie-" in str(rabbitmq_release.release("4").usr)
    assert "Debian forky has no RabbitMQ for us now; going on with trixie. the mirror has no forky" in (
        capsys.readouterr().err
    )


def test_without_any_suite_the_reason_is_told(unpacking: Unpack) -> None:
    unpacking(set())
    with pytest.raises(RabbitMQMissingError, match="the mirror has no trixie"):
        rabbitmq_release.release("4")


def test_without_root_the_reason_is_told(unpacking: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = unpacking({"forky"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RabbitMQMissingError, match="only root may mount"):
        rabbitmq_release.release("4")
    assert tried == []


def test_programs_of_this_machine_are_run_as_they_are() -> None:
    assert Release(name="3.10", usr=Path("/usr")).command("epmd", "-names") == ["epmd", "-names"]
