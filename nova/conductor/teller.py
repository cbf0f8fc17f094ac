"""Tell of one run of an operation as its journal goes on: notifications are a view of the journal."""

import dataclasses
import datetime
import logging
from collections.abc import Callable, Sequence
from typing import Any

from nova import errors
from nova.db.stores import block_devices, servers
from nova.domain.cell import CELL0_ID
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.lifecycle import Activity, State
from nova.domain.notifications import Notification, payloads, verbs
from nova.domain.notifications.envelope import ERROR, INFO, VM_AND_TASK_STATE
from nova.domain.notifications.servers import UPDATE, payload, state_update
from nova.domain.notifications.verbs import Event
from nova.domain.operation import OperationRow
from nova.domain.request import Selection
from nova.domain.server import Server, ServerRequest, building
from nova.domain.usage_audit import last_period
from nova.operations.create_server import CreateServer
from nova.operations.operation import Operation, fault_of
from nova.rpc.notifier import Notifier
from nova.saga.journal import Journal
from nova.saga.run import Outcome

LOG = logging.getLogger(__name__)

# Who is said to tell: of a server on a host its nova-compute, as consumers expect, though it is a conductor.
COMPUTE, CONDUCTOR = 'nova-compute', 'nova-conductor'


class Silence:
    """Tells nothing; of each run of an operation while nobody listens."""

    def began(self, journal: Journal) -> None:
        """The operation is claimed: for the first time, or to go on with it."""

    def step_began(self, name: str, shows: Activity | None) -> None:
        """A step begins, for the first time or again; the server shows what it does."""

    def step_ended(self, name: str) -> None:
        """A step is done."""

    def ended(self, journal: Journal, outcome: Outcome) -> None:
        """The run is over. The operation has ended if the outcome is DONE or FAILED."""

    def untold_until(self) -> datetime.datetime | None:
        """Until when others need not care whether the end has been told, if it is to be told at all."""
        return None


SILENCE = Silence()


def _unfailing(method: Callable[..., None]) -> Callable[..., None]:
    """What cannot be told must not keep an operation from its work."""

    def told(self: 'Teller', *arguments: Any) -> None:
        try:
            method(self, *arguments)
        except Exception:
            LOG.exception('%s could not be told of.', self.operation)
        finally:
            self._batch = []

    return told


class Teller(Silence):
    """Reads the server once for each thing that there is to tell.

    What it has to tell in the end it gives to `send_end`. If that is not sent `within` seconds, others tell it once more.
    """

    def __init__(
        self,
        notifier: Notifier,
        row: OperationRow,
        operation: Operation,
        cloud: Any,
        send_end: Callable[[list[Notification]], None],
        within: float,
    ):
        self._notifier, self._wishes = notifier, notifier.wishes
        self._send_end, self._within = send_end, within
        self._batch: list[Notification] = []
        self._row, self.operation, self._cloud = row, operation, cloud
        self._line = verbs.of(row.verb)
        self._journal: Journal | None = None
        self._shown = row.activity and Activity(row.activity)
        self._state: State | None = None
        self._over = False

    @_unfailing
    def began(self, journal: Journal) -> None:
        self._journal = journal
        first = not journal.page.entries
        if not (first and (self._line.starts or self._tells_activities) or self._wishes.on_state_change):
            return
        server, disks = self._read()
        self._state = server.state
        if first:
            self._tell_all(self._line.starts, server, disks)
            if self._tells_activities and self._shown:
                self._tell_update(server, disks, server.state, None, self._shown)
            self._notifier.send(self._batch)

    @_unfailing
    def step_began(self, name: str, shows: Activity | None) -> None:
        before, changed = self._shown, shows is not None and shows is not self._shown
        events = list(self._line.shows.get(shows, ())) if changed else []
        if name in self._line.steps:
            events.append(verbs.start(self._line.steps[name]))
        if changed:
            self._shown = shows
        if not events and not (changed and self._tells_activities):
            return
        server, disks = self._read()
        self._tell_all(events, server, disks)
        if changed and self._tells_activities:
            self._tell_update(server, disks, server.state, before, shows)
        self._notifier.send(self._batch)

    @_unfailing
    def step_ended(self, name: str) -> None:
        if name in self._line.steps:
            self._tell_all([verbs.end(self._line.steps[name])], *self._read())
            self._notifier.send(self._batch)

    @_unfailing
    def ended(self, journal: Journal, outcome: Outcome) -> None:
        if outcome not in (Outcome.DONE, Outcome.FAILED):
            return
        self._journal, self._over = journal, True
        try:
            server, disks = self._read()
        except errors.NotFound:
            # Its record is gone by now: there is nothing left to tell of.
            self._send_end([])
            return
        if journal.page.failure is None:
            self._tell_all(self._line.ends, server, disks)
        elif server.deleted and journal.stop_requested and isinstance(self.operation, CreateServer):
            self._tell_all(verbs.DELETED_MEANWHILE, server, disks)
        else:
            self._tell_failure(server, disks)
        if self._wishes.on_state_change and self._changed(server):
            self._tell_update(server, disks, self._state, self._shown, server.activity)
        self._send_end(self._batch)

    def untold_until(self) -> datetime.datetime | None:
        return self._cloud.now() + datetime.timedelta(seconds=self._within)

    @property
    def _tells_activities(self) -> bool:
        return self._wishes.on_state_change == VM_AND_TASK_STATE

    def _changed(self, server: Server) -> bool:
        if self._state is None:
            return False
        return server.state is not self._state or (self._tells_activities and server.activity is not self._shown)

    def _tell_failure(self, server: Server, disks: Sequence[Any]) -> None:
        failure = self._failure()
        if self._line.fails:
            self._tell_all(self._line.fails, server, disks, fault=failure)
        elif self._journal.page.failure.kind != errors.Stopped.__name__:
            self._tell('compute.exception', failure, server, ERROR)
        if self._line.task and self._journal.page.failure.kind == errors.NoRoom.__name__:
            task = payloads.compute_task(self._request(server), server.state.value, failure)
            self._add(CONDUCTOR, f'compute_task.{self._line.task}.error', task, ERROR)

    def _failure(self) -> dict[str, Any]:
        page = self._journal.page
        where = [entry.name for entry in page.entries if entry.attempt == page.attempt and entry.error]
        function = where[0] if where else self._row.verb
        told = fault_of(self._journal, self.operation.verb).message
        return payloads.failure(page.failure.kind, told, type(self.operation).__module__, function)

    def _tell_all(self, events: Sequence[Event], server: Server, disks: Sequence[Any], **facts: Any) -> None:
        if not events:
            return
        known = {name: _reached(self.operation, path) for name, path in self._line.facts.items()} | facts
        known['instance_name'] = server.guest_name(self._cloud.instance_name_template)
        for event in events:
            shown = dataclasses.replace(server, activity=event.activity) if event.activity else server
            told = payload(event.kind, shown, self._cloud.context, disks, **known)
            self._tell(event.name, told, server, ERROR if event.is_error else INFO)

    def _tell_update(
        self, server: Server, disks: Sequence[Any], old: State, before: Activity | None, shows: Activity | None
    ) -> None:
        change = state_update(old, server.state, before, shows)
        now = self._cloud.now()
        period = payloads.audit_period(last_period(self._wishes.audit_period, now)[1], now)
        told = payload(UPDATE, server, self._cloud.context, disks, state_update=change, audit_period=period)
        self._tell('instance.update', told, server)

    def _tell(self, event_type: str, told: dict[str, Any], server: Server, priority: str = INFO) -> None:
        # A server that has just left its host is told of by that host.
        host = server.host or getattr(self.operation, 'host', None)
        self._add(COMPUTE if host else CONDUCTOR, event_type, told, priority, host)

    def _add(self, binary: str, event_type: str, told: dict[str, Any], priority: str, host: str | None = None) -> None:
        self._batch.append(self._notifier.notification(binary, event_type, told, priority, host))

    def _read(self) -> tuple[Server, Sequence[Any]]:
        """The server as it is, and its disks where those are wished for."""
        cell_id = self._cell_id()
        if cell_id is None:
            request = self.operation.request
            return building(request), request.block_devices if self._wishes.with_disks else ()
        with self._cloud.databases.cell(cell_id).reading() as tx:
            disks = block_devices.of_server(tx, self.operation.server_id) if self._wishes.with_disks else ()
            return servers.get(tx, self.operation.server_id), disks

    def _cell_id(self) -> str | None:
        """Where the server is; None for one that is being created and has no cell yet."""
        if self._row.cell_id is not None:
            return self._row.cell_id
        failed = self._journal.page.failure is not None
        if failed or not self._journal.has('place_in_cell'):
            return CELL0_ID if failed and self._over else None
        return self._journal.result('reserve_room', Selection).cell_id

    def _request(self, server: Server) -> ServerRequest:
        if isinstance(self.operation, CreateServer):
            return self.operation.request
        image = Image(server.image_id, properties=server.image_properties) if server.image_id else None
        return ServerRequest(
            server.id,
            server.name,
            server.hostname,
            server.project_id,
            server.user_id,
            server.flavor,
            image=image,
            security_groups=server.security_groups,
            availability_zone=server.pinned_availability_zone,
            scheduler_hints=server.scheduler_hints,
        )


def _reached(operation: Operation, path: str) -> Any:
    """An attribute's attribute as a payload has it; None where there is none."""
    found: Any = operation
    for name in path.split('.'):
        found = getattr(found, name, None)
    return payloads.flavor(found) if isinstance(found, Flavor) else found
