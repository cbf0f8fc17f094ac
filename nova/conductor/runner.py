"""Run recorded operations in a bounded pool, hold their leases, and take over what no conductor holds."""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import logging
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.conductor import powers
from nova.conductor.announcer import WITHIN, Announcer
from nova.conductor.journal import Lease, StoredJournal
from nova.context import Context
from nova.db.stores import operations
from nova.domain import record
from nova.domain.operation import OperationRow
from nova.operations import registry
from nova.operations.cloud import Cloud
from nova.operations.guest_operation import GuestOperation
from nova.operations.operation import Operation
from nova.saga.run import Outcome, run

LOG = logging.getLogger(__name__)

# Seconds before a put-off operation is looked at again: a little longer each time, up to the last.
PAUSES = (1, 2, 5, 10, 30)
# Seconds after which a recorded operation that nobody claimed is taken for one whose message was lost.
UNCLAIMED_AFTER = 3


class Runner:
    """The operations that this conductor runs. `workers` at a time; the rest wait in the pool's queue."""

    def __init__(
        self,
        cloud: Cloud,
        host: str,
        lease_seconds: float,
        takeover_interval: float,
        workers: int,
        pauses: Sequence[float] = PAUSES,
        unclaimed_after: float = UNCLAIMED_AFTER,
        told_within: float = WITHIN,
    ):
        self._cloud, self._host = cloud, host
        self._announcer = Announcer(cloud, told_within)
        self._pauses, self._unclaimed_after = pauses, unclaimed_after
        self._lease = Lease(f'{host}:{uuid.uuid4()}', lease_seconds)
        self._takeover_interval = takeover_interval
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix='operation')
        self._running: dict[str, concurrent.futures.Future] = {}
        # Operations that this conductor could not go on with, nor yet tell the database so.
        self._held: dict[str, str | None] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.outcomes: dict[str, int] = dict.fromkeys((outcome.value for outcome in Outcome), 0)

    def start(self) -> None:
        self._stopping.clear()
        if self._release_former():
            self.take_over()
        self._threads = [
            threading.Thread(
                target=self._every, args=(self._lease.seconds / 3, self._renew), name='leases', daemon=True
            ),
            threading.Thread(
                target=self._every,
                # The first look is for what an earlier conductor here was told of, and had not claimed.
                args=(self._takeover_interval, self.take_over, min(self._unclaimed_after, self._takeover_interval)),
                name='takeover',
                daemon=True,
            ),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_seconds: float) -> None:
        """Finish what runs within the deadline; what is left is let go, for others to take over."""
        self._stopping.set()
        with self._lock:
            running = list(self._running.values())
        concurrent.futures.wait(running, timeout=deadline_seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(errors.ServiceDown):
            for _cell_id, database in self._databases():
                with database.writing() as tx:
                    operations.release(tx, self._lease.owner, datetime.datetime.now(datetime.UTC))
            self._announcer.stop(self._databases())

    def _release_former(self) -> int:
        """What a conductor on this host ran when it was killed need not wait for its lease to end; how much that was."""
        total = 0
        for _cell_id, database in self._databases():
            with database.writing() as tx:
                if count := operations.release_former(tx, self._host, datetime.datetime.now(datetime.UTC)):
                    LOG.info('%d operations of an earlier conductor on this host are taken over.', count)
                    total += count
        return total

    @property
    def queued(self) -> int:
        with self._lock:
            return len(self._running)

    def submit(self, operation_id: str, cell_id: str | None) -> None:
        """Run the operation soon, unless it runs here already."""
        with self._lock:
            if operation_id in self._running or self._stopping.is_set():
                return
            self._running[operation_id] = self._pool.submit(self._run_logged, operation_id, cell_id)

    def take_over(self) -> None:
        """Claim the operations that have no conductor, or whose conductor died."""
        self._let_go()
        now = datetime.datetime.now(datetime.UTC)
        for cell_id, database in self._databases():
            with database.reading() as tx:
                orphans = operations.orphans(tx, now, now - datetime.timedelta(seconds=self._unclaimed_after))
            for operation_id in orphans:
                self.submit(operation_id, cell_id)
            self._announcer.settle(cell_id, database)

    def past_deadline(self) -> int:
        """How many operations should have ended and have not; must be 0."""
        now = datetime.datetime.now(datetime.UTC)
        total = 0
        for _cell_id, database in self._databases():
            with database.reading() as tx:
                total += operations.past_deadline(tx, now)
        return total

    def _databases(self) -> list[tuple[str | None, Any]]:
        """The API database, as None, and those of the cells."""
        databases = self._cloud.databases
        found: list[tuple[str | None, Any]] = [(None, databases.api)]
        return found + [(cell.id, databases.cell(cell.id)) for cell in databases.cells()]

    def _database(self, cell_id: str | None) -> Any:
        return self._cloud.databases.api if cell_id is None else self._cloud.databases.cell(cell_id)

    def _run_logged(self, operation_id: str, cell_id: str | None) -> None:
        try:
            self._run(operation_id, cell_id)
        except errors.LeaseLost as failure:
            LOG.warning('%s', failure)
        except errors.ServiceDown as failure:
            LOG.warning('Operation %s waits for its database: %s', operation_id, failure)
            self._held[operation_id] = cell_id
        except Exception:
            LOG.exception('Operation %s ended in a way that nobody foresaw; it is tried again.', operation_id)
            self._held[operation_id] = cell_id
        finally:
            with self._lock:
                self._running.pop(operation_id, None)

    def _let_go(self) -> None:
        for operation_id, cell_id in list(self._held.items()):
            until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._pauses[-1])
            with contextlib.suppress(errors.LeaseLost), self._database(cell_id).writing() as tx:
                operations.put_off(tx, operation_id, self._lease.owner, until)
            self._held.pop(operation_id, None)

    def _run(self, operation_id: str, cell_id: str | None) -> None:
        database = self._database(cell_id)
        with database.writing() as tx:
            row = operations.claim(
                tx, operation_id, self._lease.owner, self._lease.until(), datetime.datetime.now(datetime.UTC)
            )
        if row is None:
            return
        began = time.monotonic()
        operation = registry.load(row.verb, row.parameters)
        cloud = dataclasses.replace(self._cloud, context=record.load(Context, row.context))
        telling = self._announcer.teller(row, operation, cloud)
        journal = StoredJournal(database, row, self._lease.owner, telling)
        telling.began(journal)
        outcome = run(operation, cloud, journal)
        self.outcomes[outcome.value] += 1
        LOG.info('%s: %s after %.3f s (request %s)', operation, outcome.value, time.monotonic() - began, row.request_id)
        if outcome is Outcome.POSTPONED:
            self._put_off(database, row, journal)
        elif outcome is Outcome.STUCK:
            self._give_up(database, row, operation, cloud, journal)
        telling.ended(journal, outcome)
        if journal.next_operation:
            self.submit(journal.next_operation, cell_id)
        elif outcome is Outcome.FAILED and isinstance(operation, GuestOperation) and operation.host:
            powers.look_after(cloud, operation)

    def _put_off(self, database: Any, row: OperationRow, journal: StoredJournal) -> None:
        tries = max((entry.postponed + entry.undo_failures for entry in journal.page.entries), default=1)
        pause = self._pauses[min(tries, len(self._pauses)) - 1]
        with database.writing() as tx:
            operations.put_off(
                tx, row.id, self._lease.owner, datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=pause)
            )

    def _give_up(
        self, database: Any, row: OperationRow, operation: Operation, cloud: Cloud, journal: StoredJournal
    ) -> None:
        LOG.error('%s is stuck: an undo keeps failing. Its journal (operation %s) says where.', operation, row.id)
        if journal.stop_requested and row.cell_id is not None:
            # What it could not undo goes with the server.
            journal.close(operation, cloud)
            return
        with database.writing() as tx:
            operations.stick(tx, row.id, self._lease.owner)
            operation.show_stuck(cloud, journal, tx)

    def _renew(self) -> None:
        with self._lock:
            if not self._running:
                return
        for _cell_id, database in self._databases():
            with database.writing() as tx:
                operations.renew(tx, self._lease.owner, self._lease.until())

    def _every(self, seconds: float, task: Any, first: float | None = None) -> None:
        pause = seconds if first is None else first
        while not self._stopping.wait(pause):
            pause = seconds
            try:
                task()
            except errors.ServiceDown as failure:
                LOG.warning('%s', failure)
            except Exception:
                LOG.exception('A periodic task failed; it is tried again in %s s.', seconds)
