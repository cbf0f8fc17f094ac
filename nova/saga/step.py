"""One thing that an operation does, and how it is undone."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Step:
    """A do-undo pair. `do` and `undo` are called with (operation, cloud, journal); what `do` returns goes to the journal.

    `permanent` says why there is nothing to undo. `shows` is the activity that the server shows meanwhile.
    `when(operation)` false leaves the step out. What does not answer is asked again until the operation's deadline;
    a host only `patience` times, where another host could do it as well.
    """

    do: Callable[..., Any]
    undo: Callable[..., Any] | None = None
    permanent: str | None = None
    shows: Any = None
    when: Callable[[Any], bool] | None = None
    patience: int | None = None

    @property
    def name(self) -> str:
        return self.do.__name__.lstrip('_')

    def __post_init__(self):
        if (self.undo is None) == (self.permanent is None):
            raise TypeError(f'step {self.name}: give an undo, or say why none is needed')

    def applies(self, operation: Any) -> bool:
        return self.when is None or self.when(operation)
