"""Begin an operation: record it with its server's claim, then tell a conductor."""

import dataclasses
import datetime
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.context import Context
from nova.db.stores import mappings, operations, servers
from nova.domain import record
from nova.domain.lifecycle import Activity, State
from nova.domain.operation import WAITING, OperationRow
from nova.domain.server import Server, ServerRequest
from nova.operations.cloud import bus_url
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.guest_operation import GuestOperation
from nova.operations.operation import Operation
from nova.operations.soft_delete_server import deletion_of
from nova.rpc.compute import Compute
from nova.rpc.conductor import Conductor

LOG = logging.getLogger(__name__)

# How often, and with what pause in seconds, a delete looks again at a server that changes hands under it.
_DELETE_TRIES, _DELETE_PAUSE = 20, 0.1


def record_creation(services: Any, tx: Any, context: Context, requests: Sequence[ServerRequest]) -> list[OperationRow]:
    """Record new servers, in a transaction on the API database; `tell` of what is returned once it has ended."""
    rows = [_row(services, context, CreateServer(request.server_id, request)) for request in requests]
    mappings.create_many(tx, [_mapping(request) for request in requests])
    operations.start_many(tx, rows)
    return rows


def tell(services: Any, context: Context, rows: Sequence[OperationRow]) -> None:
    """Have recorded operations run. `services` has `databases` and `bus`.

    The bus is a hint: a conductor finds the record by itself, only later, if its message is lost.
    """
    for row in rows:
        try:
            client = services.bus.client(Conductor, url=bus_url(services.databases, row.cell_id))
            client.run_operation(context, operation_id=row.id, cell_id=row.cell_id)
        except errors.ServiceDown as failure:
            LOG.warning('%s of server %s begins when the bus is back: %s', row.verb, row.server_id, failure)


def delete(services: Any, context: Context, server_id: str, soft: bool = False) -> None:
    """Have a server deleted, whatever is being done to it; `soft`: for the time being, where that is possible.

    Errors: NotFound, Conflict when it is locked.
    """
    for _try in range(_DELETE_TRIES):
        with services.databases.api.reading() as tx:
            mapping = mappings.find(tx, server_id)
        if mapping is None:
            raise errors.NotFound(f'Instance {server_id} could not be found.')
        if _stop_creating(services, context, server_id, mapping.cell_id) or _delete_in_cell(
            services, context, server_id, mapping.cell_id, soft
        ):
            return
        time.sleep(_DELETE_PAUSE)
    raise errors.Conflict(f'Instance {server_id} changes too fast to be deleted now; try again.')


def _stop_creating(services: Any, context: Context, server_id: str, cell_id: str | None) -> bool:
    """Ask the operation that creates the server to stop. It undoes itself, and the server ends deleted."""
    if cell_id is not None and not _is_building(services, server_id, cell_id):
        return False
    with services.databases.api.writing() as tx:
        stopping = operations.request_stop(tx, server_id, shows=Activity.DELETING)
    if stopping and cell_id is not None:
        with services.databases.cell(cell_id).writing() as tx:
            servers.show_activity(tx, server_id, None, Activity.DELETING)
            found = servers.find(tx, server_id)
        _hurry(services, context, server_id, cell_id, found and found.host)
    return stopping


def _hurry(services: Any, context: Context, server_id: str, cell_id: str, host: str | None) -> None:
    """Have the host stop waiting for others on behalf of a server that is to be deleted."""
    if host is None:
        return
    try:
        client = services.bus.client(Compute, host=host, url=bus_url(services.databases, cell_id))
        client.stop_waiting(context, server_id=server_id)
    except errors.ServiceDown as failure:
        LOG.info('Host %s goes on with what it does for server %s: %s', host, server_id, failure)


def _is_building(services: Any, server_id: str, cell_id: str) -> bool:
    with services.databases.cell(cell_id).reading() as tx:
        return servers.is_building(tx, server_id)


def _delete_in_cell(services: Any, context: Context, server_id: str, cell_id: str | None, soft: bool) -> bool:
    if cell_id is None:
        return False
    with services.databases.cell(cell_id).writing() as tx:
        server = servers.find(tx, server_id)
        if server is None or server.deleted:
            raise errors.NotFound(f'Instance {server_id} could not be found.')
        if soft and State.SOFT_DELETED is server.state and server.operation_id is None:
            # It is deleted for the time being already; asking again is fine.
            return True
        operation = deletion_of(server, cell_id, services.instance_name_template, soft)
        row = _row(services, context, operation, cell_id)
        busy = server.operation_id is not None
        if busy and not _delete_next(tx, server, row, context, operation.transition.activity):
            return False
        if not busy:
            servers.begin(tx, server_id, operation.transition, row.id, may_override_lock=context.is_admin)
            operations.start(tx, row)
    if busy:
        _hurry(services, context, server_id, cell_id, server.host)
    else:
        tell(services, context, [row])
    return True


def _delete_next(tx: Any, server: Server, row: OperationRow, context: Context, activity: Activity) -> bool:
    """Have what is being done to the server stop, and its deletion begin then. False if that cannot be stopped now."""
    if server.activity in (Activity.DELETING, activity):
        # It is being deleted already; asking again is fine.
        return True
    if server.locked and not context.is_admin:
        raise errors.Conflict(f'Instance {server.id} is locked')
    if not operations.request_stop(tx, server.id, shows=activity):
        return False
    operations.start(tx, dataclasses.replace(row, status=WAITING))
    servers.show_activity(tx, server.id, None, activity)
    return True


def reclaim(services: Any, context: Context, server_id: str, cell_id: str) -> None:
    """Delete a server for good whose time to be restored is over. Errors: Conflict if it is not deleted any more."""
    with services.databases.cell(cell_id).writing() as tx:
        operation = DeleteServer.of(servers.get(tx, server_id), cell_id, services.instance_name_template)
        row = _row(services, context, operation, cell_id)
        only = dataclasses.replace(operation.transition, allowed=frozenset({State.SOFT_DELETED}))
        servers.begin(tx, server_id, only, row.id, may_override_lock=True)
        operations.start(tx, row)
    tell(services, context, [row])


def verb(services: Any, context: Context, operation: GuestOperation) -> str:
    """Claim the server for a verb, and have it run; the id of its journal. Errors: Conflict where the table of
    transitions says so.

    What the table lets it interrupt is asked to stop; the verb begins when that has undone itself.
    """
    row = _row(services, context, operation, operation.cell_id)
    with services.databases.cell(operation.cell_id).writing() as tx:
        if operation.transition.interrupts and _interrupted(tx, operation, context):
            operations.start(tx, dataclasses.replace(row, status=WAITING))
            return row.id
        servers.begin(tx, operation.server_id, operation.transition, row.id, may_override_lock=context.is_admin)
        operations.start(tx, row)
    tell(services, context, [row])
    return row.id


def follow(cloud: Any, tx: Any, operation: GuestOperation) -> str:
    """Claim the server for a verb in the transaction that ends another one; the id of its journal, for `finish` to return."""
    row = _row(cloud, cloud.context, operation, operation.cell_id)
    servers.begin(tx, operation.server_id, operation.transition, row.id, may_override_lock=True)
    operations.start(tx, row)
    return row.id


def _interrupted(tx: Any, operation: GuestOperation, context: Context) -> bool:
    """Whether something goes on that gives way to the operation, and has been asked to."""
    server = servers.get(tx, operation.server_id)
    if server.operation_id is None or server.activity not in operation.transition.interrupts:
        return False
    if server.locked and not context.is_admin:
        raise errors.Conflict(f'Instance {server.id} is locked')
    return operations.request_stop(tx, server.id)


def _mapping(request: ServerRequest) -> tuple:
    flavor = request.flavor
    return (request.server_id, request.project_id, request.user_id, flavor.vcpus, flavor.memory_mb)


def _row(services: Any, context: Context, operation: Operation, cell_id: str | None = None) -> OperationRow:
    now = datetime.datetime.now(datetime.UTC)
    return OperationRow(
        id=str(uuid.uuid4()),
        verb=operation.verb,
        server_id=operation.server_id,
        cell_id=cell_id,
        project_id=context.project_id,
        user_id=context.user_id,
        request_id=context.request_id,
        parameters=record.dump(operation),
        context=record.dump(context),
        activity=operation.transition.activity and operation.transition.activity.value,
        deadline_at=now + datetime.timedelta(seconds=services.operation_deadline),
        created_at=now,
        updated_at=now,
    )
