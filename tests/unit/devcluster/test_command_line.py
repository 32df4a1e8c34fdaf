"""What the commands of devcluster accept, and how they refuse."""

from pathlib import Path

import pytest

from devcluster import __main__ as command_line
from devcluster import images, layout, machine
from devcluster.failure import Failure


@pytest.mark.parametrize("arguments", [[], ["sideways"], ["load"], ["load", "nonsense"], ["build", "nonsense"]])
def test_unknown_commands_and_images_are_refused_with_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        command_line.main(arguments)

    assert refusal.value.code == 2
    assert "usage: python -m devcluster" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["up"], ["down"], ["build", "base"], ["load", "base"]])
def test_without_root_one_sentence_says_so(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    status = command_line.main(command)

    shown = capsys.readouterr()
    assert status == 1
    assert shown.err.startswith("devcluster: ")
    assert "run this as root" in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(Failure) as failure:
        machine.require_packages(["runc", "buildah"])

    assert "Not installed: buildah, runc." in str(failure.value)
    assert "python3 -m devcluster packages" in str(failure.value)


def test_the_broker_that_only_tests_need_does_not_stop_the_cluster() -> None:
    machine.require_packages(["rabbitmq-server"])


def test_packages_are_told_by_their_files(tmp_path: Path) -> None:
    for package, file in machine.PACKAGES.items():
        if package != "runc":
            installed = tmp_path / file.lstrip("/")
            installed.parent.mkdir(parents=True, exist_ok=True)
            installed.touch()

    assert "runc" in machine.missing_packages(root=tmp_path)
    assert "containerd" not in machine.missing_packages(root=tmp_path)


def test_kubeconfig_prints_the_path_in_the_chosen_state_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", "/srv/cluster")

    assert command_line.main(["kubeconfig"]) == 0

    assert capsys.readouterr().out == "/srv/cluster/kubeconfig\n"


@pytest.mark.parametrize(
    ("folder", "complaint"),
    [("relative", "absolute path"), ("/", "folder of its own"), ("/" + "x" * 90, "too long for the sockets")],
)
def test_a_state_folder_that_cannot_work_is_refused(
    folder: str, complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", folder)

    assert command_line.main(["kubeconfig"]) == 1

    assert complaint in capsys.readouterr().err


def test_status_of_no_cluster_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QC_DEVCLUSTER_STATE", str(tmp_path / "none"))

    assert command_line.main(["status"]) == 1

    assert "down" in capsys.readouterr().out


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.delenv("QC_CACHE", raising=False)
    assert layout.cache() == Path("/xdg/queueconsumer")

    monkeypatch.setenv("QC_CACHE", "/elsewhere")
    assert layout.cache() == Path("/elsewhere")


def test_every_image_is_named_alike_in_the_cluster() -> None:
    assert [images.reference(name) for name in ("base", "operator", "consumer", "rabbitmq", "shop")] == [
        "localhost/queueconsumer/base:dev",
        "localhost/queueconsumer/operator:dev",
        "localhost/queueconsumer/consumer:dev",
        "localhost/queueconsumer/rabbitmq:dev",
        "localhost/queueconsumer/shop:dev",
    ]
