"""What an operation has done and undone so far: the record from which any conductor can go on."""

import abc
import dataclasses
import enum
import traceback
from collections.abc import Callable
from typing import Any

from nova import errors
from nova.domain import record


class Direction(enum.Enum):
    DOING = 'doing'
    UNDOING = 'undoing'


@dataclasses.dataclass
class Failure:
    """The error that turned an operation round. `details` are for administrators."""

    kind: str
    text: str
    details: str | None = None


@dataclasses.dataclass
class Entry:
    """One step in one attempt. Times in seconds since the epoch; `result` as plain data."""

    name: str
    attempt: int
    began_at: float
    ended_at: float | None = None
    status: str = 'began'  # began, did, undid
    result: Any = None
    error: str | None = None
    # Times that the step was begun again: by another conductor, or after it was put off.
    repeats: int = 0
    # Times that it was put off because something did not answer.
    postponed: int = 0
    undo_failures: int = 0


@dataclasses.dataclass
class Page:
    """All that a journal remembers; `write` of a journal makes it last."""

    attempt: int = 1
    direction: Direction = Direction.DOING
    entries: list[Entry] = dataclasses.field(default_factory=list)
    failure: Failure | None = None


class Journal(abc.ABC):
    """A page with the engine's questions and notes. Subclasses say where it is kept."""

    def __init__(self, page: Page, clock: Callable[[], float]):
        self.page = page
        self._clock = clock
        # Whether the server was deleted meanwhile, as far as the last write has told.
        self.stop_requested = False

    @abc.abstractmethod
    def write(self, shows: Any = None) -> None:
        """Make the page last; tell the server's new activity with it. Raises Stopped or PastDeadline when doing
        should end, LeaseLost when the operation is no longer ours."""

    @abc.abstractmethod
    def close(self, operation: Any, cloud: Any) -> None:
        """Make the page last as the end of the operation, and let go of the server. Raises as `write` does."""

    # Questions

    @property
    def undoing(self) -> bool:
        return self.page.direction is Direction.UNDOING

    def has(self, name: str) -> bool:
        entry = self._entry(name)
        return entry is not None and entry.status == 'did'

    def may_have_run(self, name: str) -> bool:
        entry = self._entry(name)
        return entry is not None and entry.status in ('began', 'did')

    def maybe_ran_before(self, name: str) -> bool:
        """Whether the step that runs now may have run before, so that its work has to be looked for first."""
        entry = self._entry(name)
        return entry is not None and entry.repeats > 0

    def result(self, name: str, kind: Any) -> Any:
        """What a step returned in this attempt, or None if it has not ended."""
        entry = self._entry(name)
        return record.load(kind, entry.result) if entry and entry.status == 'did' and entry.result is not None else None

    def failed_attempts(self, name: str, kind: Any) -> list[tuple[Any, str]]:
        """What the step returned in each attempt that failed, and what went wrong then."""
        return [
            (record.load(kind, entry.result), self._error_of(entry.attempt))
            for entry in self.page.entries
            if entry.name == name and entry.attempt < self.page.attempt and entry.result is not None
        ]

    def postponed(self, name: str) -> int:
        return self._require(name).postponed

    def undo_failures(self, name: str) -> int:
        return self._require(name).undo_failures

    # Notes

    def begin(self, name: str, shows: Any) -> None:
        """Note that a step begins, and with the same write that the one before has ended."""
        if entry := self._entry(name):
            entry.repeats += 1
        else:
            self.page.entries.append(Entry(name, self.page.attempt, self._clock()))
        self.write(shows)

    def did(self, name: str, result: Any) -> None:
        """Note that a step has ended. It lasts with the next write; until then the step may run twice."""
        entry = self._require(name)
        entry.status, entry.result, entry.ended_at = 'did', record.dump(result), self._clock()
        # What it had to wait for is over.
        entry.error = None

    def undid(self, name: str) -> None:
        entry = self._require(name)
        entry.status, entry.ended_at = 'undid', self._clock()
        self.write()

    def turn(self, failure: Exception) -> None:
        """Note what went wrong, and that from now on the steps are undone."""
        waited_for = None
        if began := [entry for entry in self.page.entries if entry.status == 'began']:
            waited_for, began[-1].error = began[-1].error, str(failure)
            began[-1].ended_at = self._clock()
        self.page.direction = Direction.UNDOING
        self.page.failure = Failure(type(failure).__name__, str(failure), _details(failure, waited_for))
        self.write()

    def try_again(self) -> None:
        """Note that all is undone and another attempt begins."""
        self.page.attempt += 1
        self.page.direction = Direction.DOING
        self.page.failure = None
        self.write()

    def postpone(self, name: str, failure: Exception) -> None:
        entry = self._require(name)
        entry.postponed += 1
        entry.error = str(failure)
        self.write()

    def undo_failed(self, name: str, failure: Exception) -> None:
        entry = self._require(name)
        entry.undo_failures += 1
        entry.error = str(failure)
        self.write()

    def raised(self) -> errors.NovaError | None:
        """The noted failure, as an error."""
        if self.page.failure is None:
            return None
        found = getattr(errors, self.page.failure.kind, errors.NovaError)
        return found(self.page.failure.text)

    def _entry(self, name: str) -> Entry | None:
        return next(
            (entry for entry in self.page.entries if entry.name == name and entry.attempt == self.page.attempt), None
        )

    def _error_of(self, attempt: int) -> str:
        """What turned an attempt round: the step that failed is the last that began."""
        found = [entry.error for entry in self.page.entries if entry.attempt == attempt and entry.error]
        return found[-1] if found else ''

    def _require(self, name: str) -> Entry:
        entry = self._entry(name)
        if entry is None:
            raise LookupError(f'step {name} has not begun')
        return entry


def _details(failure: Exception, waited_for: str | None) -> str | None:
    if isinstance(failure, errors.PastDeadline):
        return waited_for
    if isinstance(failure, errors.NoRoom):
        return '\n'.join(f'{host}: {reason}' for host, reason in sorted(failure.reasons.items())) or None
    if isinstance(failure, errors.Refused):
        return None
    return ''.join(traceback.format_exception(failure))[-8000:]


class MemoryJournal(Journal):
    """A journal that lasts as long as the process; for tests and tools."""

    def __init__(self, page: Page | None = None, clock: Callable[[], float] = lambda: 0.0):
        super().__init__(page or Page(), clock)
        self.past_deadline = False
        self.shown: list[Any] = []
        self.closed = False

    def write(self, shows: Any = None) -> None:
        if shows is not None:
            self.shown.append(shows)
        if self.undoing:
            return
        if self.stop_requested:
            raise errors.Stopped('The server was deleted.')
        if self.past_deadline:
            raise errors.PastDeadline('The operation did not end in time.')

    def close(self, operation: Any, cloud: Any) -> None:
        self.write()
        self.closed = True
