"""The steps of `make demo`, in order."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from kubernetes import client
from rich.console import Console, RenderableType
from rich.text import Text

from . import recording, release, shop
from .cluster import Cluster, bring_up, take_down
from .failure import DemoError
from .images import provide
from .observation import CONSUMERS
from .observer import Observer
from .performance import Performance
from .progress import Progress
from .replica_history import ReplicaHistory
from .settings import Settings, parse
from .story import story
from .summary_view import rendered
from .view import live


def main(arguments: Sequence[str]) -> int:
    """Run the demo; 0 when everything went as it should, 1 when not, 130 when interrupted."""
    settings = parse(arguments)
    progress = Progress(Console(highlight=False))
    # A SIGTERM, as from a CI job that runs out of time, cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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
    cluster = bring_up(settings, progress)
    release_stays = not cluster.ours and release.is_installed(cluster)
    cleanup.callback(_clean_up, cluster, settings, progress, release_stays=release_stays)
    progress.step("Images: operator, broker, shop")
    provide(cluster, settings)
    progress.step(f"Operator: Helm release {release.RELEASE} in {release.NAMESPACE}")
    release.install(cluster, settings)
    progress.step(f"Shop: broker, mail server, invoice store and order service in {shop.NAMESPACE}")
    shop.open_shop(cluster, settings)
    progress.step("Orders come in")
    return _play(cluster, settings, progress)


def _play(cluster: Cluster, settings: Settings, progress: Progress) -> int:
    api = cluster.api()
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
    )
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
    progress.step("Summary")
    progress.console.print(picture)
    if settings.record is not None and performance.peak is not None:
        pictures: list[RenderableType] = [live(performance.peak), Text(), picture]
        recording.save(settings.record, pictures)
        progress.detail(f"recorded in {settings.record}")
    return 1 if summary.problems() else 0


def _clean_up(cluster: Cluster, settings: Settings, progress: Progress, *, release_stays: bool) -> None:
    if settings.keep:
        progress.step("Everything is left running, as DEMO_KEEP asks. To look around:")
        progress.detail(f"export KUBECONFIG={cluster.environment.get('KUBECONFIG', '')}")
        progress.detail(f"export PATH={os.path.dirname(cluster.programs['kubectl'])}:$PATH")  # noqa: PTH120 - text for a shell
        progress.detail(f"kubectl -n {shop.NAMESPACE} get queueconsumers,deployments,pods")
        return
    # From here on Ctrl-C would leave things behind, and that is all that it could speed up.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    progress.step("Cleaning up")
    if cluster.ours:
        # The cluster goes as a whole, and everything in it.
        take_down(progress)
        return
    shop.close_shop(cluster)
    if release_stays:
        progress.detail(f"the Helm release {release.RELEASE} was there before and stays")
    else:
        release.uninstall(cluster)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
