"""Begin what waited for a server to be let go of."""

import datetime
from typing import Any

from nova import errors
from nova.db.stores import operations, servers
from nova.domain import record
from nova.domain.operation import OperationRow
from nova.operations import registry
from nova.operations.delete_server import DeleteServer
from nova.operations.operation import Operation
from nova.operations.soft_delete_server import SoftDeleteServer, deletion_of


def begin_next(tx: Any, server_id: str, cell_id: str, instance_name_template: str) -> str | None:
    """In the transaction that lets the server go: the id of the operation that holds it now, or None.

    A deletion goes before all else; what cannot begin any more is closed.
    """
    rows = sorted(operations.waiting(tx, server_id), key=_turn)
    begun = None
    for row in rows:
        if begun is None and _begin(tx, row, cell_id, instance_name_template):
            begun = row.id
        else:
            operations.refuse_waiting(tx, row.id)
    return begun


def _turn(row: OperationRow) -> int:
    first = (DeleteServer.verb, SoftDeleteServer.verb)
    return first.index(row.verb) if row.verb in first else len(first)


def _begin(tx: Any, row: OperationRow, cell_id: str, instance_name_template: str) -> bool:
    server = servers.find(tx, row.server_id)
    if server is None or server.deleted:
        return False
    operation: Operation = registry.load(row.verb, row.parameters)
    if isinstance(operation, DeleteServer | SoftDeleteServer):
        # Its host and its ports may have changed since it was asked for.
        soft = isinstance(operation, SoftDeleteServer)
        operation = deletion_of(server, cell_id, instance_name_template, soft)
    try:
        servers.begin(tx, server.id, operation.transition, row.id, may_override_lock=True)
    except errors.Conflict:
        return False
    until = datetime.datetime.now(datetime.UTC) + (row.deadline_at - row.created_at)
    operations.begin_waiting(tx, row.id, record.dump(operation), until, operation.verb)
    return True
