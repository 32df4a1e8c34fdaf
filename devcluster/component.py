"""A program of the cluster: how it is started, what it listens on, and how one sees that it works."""

from collections.abc import Callable
from dataclasses import dataclass

from devcluster.toolchain import content_key


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A TCP port that a component needs for itself."""

    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Component:
    """One program. Two components with the same *command* behave alike, so a running one need not be replaced."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    listeners: tuple[Listener, ...] = ()
    settings: str = ""  # the content of its configuration files

    @property
    def command(self) -> str:
        """A hash of everything that decides how the program behaves."""
        return content_key(*self.argv, self.settings)
