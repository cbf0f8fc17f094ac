"""What a reconciler is: a named comparison of what is with what should be, made periodically."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Reconciler:
    """`repair(cloud)` mends the difference; `interval` in seconds."""

    name: str
    interval: float
    repair: Callable[[Any], None]
