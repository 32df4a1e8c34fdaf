"""Which objects of a collection have been told, so that each end is told, too, and one in another's name is another."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from qc_operator.cluster.watch_event import Watched
from qc_operator.registry import Key

log = logging.getLogger(__name__)
T = TypeVar("T", bound=Watched)


class ToldObjects(Generic[T]):
    """Tells the objects of one path, `changed` and `deleted`. What these raise is logged and holds up nobody."""

    def __init__(self, *, path: str, changed: Callable[[T], None], deleted: Callable[[Key], None]) -> None:
        self._path = path
        self._changed, self._deleted = changed, deleted
        self._uids: dict[Key, str] = {}

    def show(self, shown: T) -> Key:
        """Tell an object as it is now."""
        key = Key(sys.intern(shown.metadata.namespace), shown.metadata.name)
        if self._uids.get(key, shown.metadata.uid) != shown.metadata.uid:
            # Deleted and created again in a gap.
            self._tell(self._deleted, key)
        self._uids[key] = shown.metadata.uid
        self._tell(self._changed, shown)
        return key

    def drop(self, key: Key) -> None:
        """Tell that an object is gone, if it was there."""
        if self._uids.pop(key, None) is not None:
            self._tell(self._deleted, key)

    def keep(self, listed: AbstractSet[Key] = frozenset()) -> None:
        """Tell that all others are gone."""
        for key in [key for key in self._uids if key not in listed]:
            self.drop(key)

    def _tell(self, whom: Callable[[Key], None] | Callable[[T], None], what: Key | T) -> None:
        try:
            whom(what)  # type: ignore[arg-type] # each is told what it takes
        except Exception:
            log.exception("%s: a change was not taken in", self._path)
