"""The journal of an operation as its row in the database keeps it."""

import dataclasses
import datetime
import time
from typing import Any

from nova import errors
from nova.conductor.teller import SILENCE, Silence
from nova.db.stores import operations, servers
from nova.domain import record
from nova.domain.operation import DONE, FAILED, OperationRow
from nova.operations import waiting
from nova.saga.journal import Direction, Entry, Failure, Journal, Page


class StoredJournal(Journal):
    """Each note is one write: the page, and the activity that the server shows. `owner` is this conductor's lease."""

    def __init__(self, database: Any, row: OperationRow, owner: str, teller: Silence = SILENCE):
        super().__init__(_page(row), time.time)
        self._teller = teller
        self._database, self._row, self._owner = database, row, owner
        self._shown = row.activity
        self.stop_requested = row.stop_requested
        # The operation that began when this one let go of the server.
        self.next_operation: str | None = None

    @property
    def operation_id(self) -> str:
        return self._row.id

    def begin(self, name: str, shows: Any) -> None:
        super().begin(name, shows)
        self._teller.step_began(name, shows)

    def did(self, name: str, result: Any) -> None:
        super().did(name, result)
        self._teller.step_ended(name)

    def write(self, shows: Any = None) -> None:
        if not self.undoing and self._row.deadline_at < datetime.datetime.now(datetime.UTC):
            until = f'{self._row.deadline_at:%Y-%m-%d %H:%M:%S} UTC'
            raise errors.PastDeadline(
                f'This was given up, because it had not ended by {until}; an administrator sees why.'
            )
        changes = _columns(self.page)
        if shows is not None:
            changes['activity'] = shows.value
        self.stop_requested = self._database.write(lambda tx: self._save(tx, changes, shows))
        self._shown = changes.get('activity', self._shown)
        if self.stop_requested and not self.undoing:
            raise errors.Stopped('The server was deleted.')

    def close(self, operation: Any, cloud: Any) -> None:
        self._database.write(lambda tx: self._close(tx, operation, cloud))

    def _save(self, tx: Any, changes: dict[str, Any], shows: Any) -> bool:
        stop_requested = operations.save(tx, self._row.id, self._owner, **changes)
        if shows is not None and shows.value != self._shown and self._row.cell_id is not None:
            servers.show_activity(tx, self._row.server_id, self._row.id, shows)
        return stop_requested

    def _close(self, tx: Any, operation: Any, cloud: Any) -> None:
        status = FAILED if self.undoing else DONE
        # First, so that from here on nobody can ask it to stop: what `finish` writes elsewhere does not go back with this.
        columns = _columns(self.page) | {'lease_until': self._teller.untold_until()}
        if kept := operation.without_secrets():
            columns['parameters'] = record.dump(kept)
        if not operations.close(tx, self._row.id, self._owner, status, unless_stopped=not self.undoing, **columns):
            raise errors.Stopped('The server was deleted.')
        if self.undoing:
            self.stop_requested = operations.get(tx, self._row.id).stop_requested
        self.next_operation = operation.finish(cloud, self, tx)
        if self.stop_requested and self._row.cell_id is not None:
            self.next_operation = waiting.begin_next(
                tx, self._row.server_id, self._row.cell_id, cloud.instance_name_template
            )


def _page(row: OperationRow) -> Page:
    return Page(
        attempt=row.attempt,
        direction=Direction(row.direction),
        entries=record.load(list[Entry], row.steps),
        failure=record.load(Failure, row.failure) if row.failure else None,
    )


def _columns(page: Page) -> dict[str, Any]:
    return {
        'attempt': page.attempt,
        'direction': page.direction.value,
        'steps': record.dump(page.entries),
        'failure': record.dump(page.failure),
    }


@dataclasses.dataclass(frozen=True)
class Lease:
    """Who runs an operation, and until when it need not be looked after by others. `seconds` between renewals is a third."""

    owner: str
    seconds: float

    def until(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.seconds)
