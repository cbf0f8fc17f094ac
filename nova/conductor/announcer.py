"""Have the ends of operations told at least once, whichever conductor dies meanwhile."""

import collections
import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from nova.conductor.journal import StoredJournal
from nova.conductor.teller import SILENCE, Silence, Teller
from nova.context import Context
from nova.db.stores import operations
from nova.domain import record
from nova.domain.notifications import Notification
from nova.domain.operation import DONE, OperationRow
from nova.operations import registry
from nova.operations.cloud import Cloud
from nova.operations.operation import Operation
from nova.saga.run import Outcome

# Seconds within which a conductor tells of what has ended; after them another one does.
WITHIN = 60
# How long the end of the daemon waits for notifications to be sent.
FLUSH_SECONDS = 2


class Announcer:
    """An operation whose end is to be told ends with a lease, which is taken away when that is done."""

    def __init__(self, cloud: Cloud, within: float = WITHIN):
        self._cloud, self._notifier, self._within = cloud, cloud.notifier, within
        # Ids by cell: what has been told and is not noted yet, and what waits for the bus.
        self._told: dict[str | None, set[str]] = collections.defaultdict(set)
        self._waiting: set[str] = set()

    def teller(self, row: OperationRow, operation: Operation, cloud: Cloud) -> Silence:
        """What tells of one run of an operation. `cloud` has the context of who asked for it."""
        if not self._notifier.on:
            return SILENCE

        def settled(sent: bool) -> None:
            self._waiting.discard(row.id)
            if sent:
                self._told[row.cell_id].add(row.id)

        def send_end(batch: list[Notification]) -> None:
            self._waiting.add(row.id)
            self._notifier.send(batch, settled)

        return Teller(self._notifier, row, operation, cloud, send_end, self._within)

    def settle(self, cell_id: str | None, database: Any) -> None:
        """Note what has been told, and tell what others have left untold. In the API database, or a cell's."""
        if not self._notifier.on:
            return
        self._note(cell_id, database)
        now = datetime.datetime.now(datetime.UTC)
        with database.reading() as tx:
            untold = operations.untold(tx, now)
        for operation_id in untold:
            if operation_id not in self._waiting:
                self._tell_again(operation_id, database, now)

    def stop(self, databases: Iterable[tuple[str | None, Any]]) -> None:
        """Send what waits, so that nobody needs to tell it again."""
        if self._notifier.on:
            self._notifier.flush(FLUSH_SECONDS)
            for cell_id, database in databases:
                self._note(cell_id, database)

    def _note(self, cell_id: str | None, database: Any) -> None:
        if told := sorted(self._told[cell_id]):
            with database.writing() as tx:
                operations.note_told(tx, told)
            self._told[cell_id].difference_update(told)

    def _tell_again(self, operation_id: str, database: Any, now: datetime.datetime) -> None:
        until = now + datetime.timedelta(seconds=self._within)
        with database.writing() as tx:
            row = operations.claim_untold(tx, operation_id, until, now)
        if row is None:
            return
        operation = registry.load(row.verb, row.parameters)
        cloud = dataclasses.replace(self._cloud, context=record.load(Context, row.context))
        outcome = Outcome.DONE if row.status == DONE else Outcome.FAILED
        self.teller(row, operation, cloud).ended(StoredJournal(database, row, ''), outcome)
