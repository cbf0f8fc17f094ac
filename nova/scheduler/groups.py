"""Tell where the members of server groups are: as recorded, and as chosen here a moment ago."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nova.db import group_places
from nova.domain.request import GroupPlaces, PlacementRequest

# Seconds after which a choice of ours that is still not recorded no longer counts.
SETTLED_AFTER = 30.0


def group_of(request: PlacementRequest) -> str | None:
    return request.scheduler_hints.get('group')


class Groups:
    """`read` finds a group's places without one server; None if there is no such group."""

    def __init__(self, read: Callable[[str, str], GroupPlaces | None], clock: Callable[[], float] = time.monotonic):
        self._read, self._clock = read, clock
        # Host and time by server, by group.
        self._chosen: dict[str, dict[str, tuple[str, float]]] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, databases: Any) -> 'Groups':
        return cls(lambda group_id, server_id: group_places.read(databases, group_id, server_id))

    def places(self, request: PlacementRequest, drafted: Mapping[str, str]) -> GroupPlaces | None:
        """`drafted` are further members' hosts, chosen together with this one's."""
        group_id = group_of(request)
        found = self._read(group_id, request.server_id)
        if found is None:
            return None
        recent = self._recent(group_id) | drafted
        recent.pop(request.server_id, None)
        return found.joined(recent)

    def chosen(self, choices: Iterable[tuple[str, str, str]]) -> None:
        """Count claims at once: group, server and host of each."""
        at = self._clock()
        with self._lock:
            for group_id, server_id, host in choices:
                self._chosen.setdefault(group_id, {})[server_id] = (host, at)

    def _recent(self, group_id: str) -> dict[str, str]:
        old = self._clock() - SETTLED_AFTER
        with self._lock:
            for known in list(self._chosen):
                kept = {server: entry for server, entry in self._chosen[known].items() if entry[1] >= old}
                self._chosen[known] = kept
                if not kept:
                    del self._chosen[known]
            return {server_id: host for server_id, (host, _at) in self._chosen.get(group_id, {}).items()}
