"""What a reconciler is: a named comparison of what is with what should be, made periodically."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Reconciler:
    """`repair(cloud)` mends the difference; `interval` in seconds, unless `interval_of(cloud)` is more than nothing."""

    name: str
    interval: float
    repair: Callable[[Any], None]
    interval_of: Callable[[Any], float] | None = None

    def seconds(self, cloud: Any) -> float:
        """Between two looks, as the operator wants it."""
        wanted = self.interval_of(cloud) if self.interval_of else 0
        return wanted if wanted > 0 else self.interval
