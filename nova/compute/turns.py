"""Let only one at a time do something with a thing; others wait for their turn."""

import contextlib
import threading
from collections.abc import Iterator


class Turns:
    """Things are known by their ids, and only as long as somebody is at them or waits for it."""

    def __init__(self) -> None:
        self._taken: dict[str, list] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def alone(self, thing: str) -> Iterator[None]:
        with self._lock:
            entry = self._taken.setdefault(thing, [threading.Lock(), 0])
            entry[1] += 1
        try:
            with entry[0]:
                yield
        finally:
            with self._lock:
                entry[1] -= 1
                if not entry[1]:
                    del self._taken[thing]

    def taken(self) -> frozenset[str]:
        """The things that somebody is at, or waits for."""
        with self._lock:
            return frozenset(self._taken)
