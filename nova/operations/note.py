"""Note in a server's history what was done to it at once, without an operation."""

import datetime
import uuid
from typing import Any

from nova.context import Context
from nova.db.stores import operations
from nova.domain.operation import DONE, OperationRow
from nova.domain.server import Server


def note(tx: Any, context: Context, server: Server, verb: str) -> None:
    """In the transaction, on the server's cell, that did it."""
    now = datetime.datetime.now(datetime.UTC)
    row = OperationRow(
        id=str(uuid.uuid4()),
        verb=verb,
        server_id=server.id,
        cell_id=server.cell_id,
        project_id=context.project_id,
        user_id=context.user_id,
        request_id=context.request_id,
        status=DONE,
        deadline_at=now,
        created_at=now,
        updated_at=now,
        finished_at=now,
    )
    operations.start(tx, row)
