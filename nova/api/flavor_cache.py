"""Keep the flavors that servers are created with at hand, for a bounded time."""

import threading
import time
from collections.abc import Callable
from typing import Any

from nova.db.stores import flavors
from nova.domain.flavor import Flavor

KEPT = 1000


class FlavorCache:
    """Flavors by id, at most `age` seconds old. What is not found is looked for each time; own writes drop all.

    Only creating servers uses it; whoever shows or changes flavors reads the database.
    """

    def __init__(self, databases: Any, age: float, clock: Callable[[], float] = time.monotonic):
        self._databases, self._age, self._clock = databases, age, clock
        self._kept: dict[tuple[str, str | None], tuple[float, Flavor]] = {}
        self._lock = threading.Lock()

    def get(self, flavor_id: str, project_id: str | None) -> Flavor:
        """The flavor, if it is public, or private and open to the project; None as project opens all. Else NotFound."""
        key = (flavor_id, project_id)
        found = self._kept.get(key)
        now = self._clock()
        if found and now - found[0] <= self._age:
            return found[1]
        with self._databases.api.reading() as tx:
            flavor = flavors.get(tx, flavor_id, project_id)
        with self._lock:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = (now, flavor)
        return flavor

    def drop(self) -> None:
        with self._lock:
            self._kept.clear()
