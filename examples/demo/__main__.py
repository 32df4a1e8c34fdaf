"""The steps of `make demo`, in order."""

import contextlib
import signal
import sys
from collections.abc import Sequence

from kubernetes import client
from rich.console import Console, Group
from rich.text import Text

from . import recording, release, shop
from .alert_history import await_calm, noting_alerts
from .alerts_view import alerts_shown
from .cluster import bring_up
from .ending import Ending
from .failure import DemoError
from .images import provide
from .observation import CONSUMERS
from .observer import Observer
from .performance import Performance
from .progress import Progress
from .prometheus_server import require_installed
from .replica_history import ReplicaHistory
from .settings import Settings, parse
from .story import story
from .summary_view import rendered
from .view import live
from .windows import Windows, opened


def main(arguments: Sequence[str]) -> int:
    """Run the demo; 0 when everything went as it should, 1 when not, 130 when interrupted."""
    settings = parse(arguments)
    progress = Progress(Console(highlight=False))
    # A SIGTERM, as from a CI job that runs out of time, cleans up as Ctrl-C does, and so does a terminal that closes,
    # unless nohup has it that nothing is to happen then. Prometheus would go on: to it, SIGHUP means to read its rules.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    code = 1
    try:
        with contextlib.ExitStack() as cleanup:
            code = _played(settings, progress, cleanup)
    except DemoError as error:
        _tell(progress, "Not everything could be cleaned up", error)
        code = code or 1
    progress.step(f"Done in {progress.elapsed:.0f} s" if code == 0 else f"Ended after {progress.elapsed:.0f} s")
    return code


def _played(settings: Settings, progress: Progress, cleanup: contextlib.ExitStack) -> int:
    try:
        return _demo(settings, progress, cleanup)
    except DemoError as error:
        _tell(progress, "The demo failed", error)
        return 1
    except KeyboardInterrupt:
        progress.problem("Interrupted; cleaning up")
        return 130


def _tell(progress: Progress, what: str, error: DemoError) -> None:
    progress.problem(f"{what}: {error.sentence}")
    for line in error.evidence:
        progress.detail(line)


def _demo(settings: Settings, progress: Progress, cleanup: contextlib.ExitStack) -> int:
    if settings.prometheus:
        # Before minutes are spent on a cluster.
        require_installed()
    cluster = bring_up(settings, progress)
    ending = Ending(cluster, settings)
    cleanup.callback(ending.come)
    progress.step("Images: operator, broker, shop")
    provide(cluster, settings)
    progress.step(f"Operator: Helm release {release.RELEASE} in {release.NAMESPACE}")
    release.install(cluster, settings)
    progress.step("To watch in the browser, from now on:")
    api = cluster.api()
    windows = opened(cluster, api, settings, cleanup)
    progress.step(f"Shop: broker, mail server, invoice store and order service in {shop.NAMESPACE}")
    shop.open_shop(cluster, settings)
    if windows.prometheus is not None:
        await_calm(windows.prometheus, progress)
    progress.step("Orders come in" + (f"; watch it at {windows.page}" if windows.page else ""))
    code = _play(api, settings, progress, windows, pages_stay=ending.holds_open)
    ending.hold_open(windows)
    return code


def _play(api: client.ApiClient, settings: Settings, progress: Progress, windows: Windows, *, pages_stay: bool) -> int:
    history = ReplicaHistory(client.AppsV1Api(api), namespace=shop.NAMESPACE)
    performance = Performance(
        observer=Observer(
            api,
            namespace=shop.NAMESPACE,
            operator_namespace=release.NAMESPACE,
            operator_lease=release.NAME,
            history=history,
        ),
        history=history,
        phases=story(
            per_second=settings.per_second,
            calm_seconds=settings.calm_seconds,
            black_friday_seconds=settings.black_friday_seconds,
        ),
        progress=progress,
        page=windows.page,
    )
    with noting_alerts(windows.prometheus) as alerts:
        history.start()
        try:
            summary = performance.play()
        finally:
            history.stop()
    picture = rendered(
        summary,
        wanted={name: history.wanted(name) for name in CONSUMERS},
        phases=performance.phases,
        started_at=performance.started_at,
        ended_at=performance.ended_at,
    )
    pictures = [picture]
    if windows.prometheus is not None and alerts is not None:
        page = windows.prometheus.alerts_page() if pages_stay else None
        pictures += [Text(), alerts_shown(alerts, page=page)]
    progress.step("Summary")
    progress.console.print(Group(*pictures))
    if settings.record is not None and performance.peak is not None:
        recording.save(settings.record, [live(performance.peak), Text(), *pictures])
        progress.detail(f"recorded in {settings.record}")
    return 1 if summary.problems() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
