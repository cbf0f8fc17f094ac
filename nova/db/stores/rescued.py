"""Find servers that are rescued, and for how long."""

import datetime

import sqlalchemy as sa

from nova.db.tables.operations import cell_operations
from nova.db.tables.servers import servers
from nova.domain.lifecycle import State
from nova.domain.operation import DONE


def overdue(tx: sa.Connection, before: datetime.datetime, limit: int = 100) -> list[tuple[str, str]]:
    """The id and the host of each that has been rescued since before that, longest first, and that nothing is done to."""
    columns, since = servers.c, sa.func.max(cell_operations.c.finished_at)
    query = (
        sa.select(columns.id, columns.host)
        .join_from(servers, cell_operations, cell_operations.c.server_id == columns.id)
        .where(
            columns.state == State.RESCUED.value,
            columns.operation_id.is_(None),
            columns.deleted.is_(False),
            columns.host.is_not(None),
            cell_operations.c.verb == 'rescue',
            cell_operations.c.status == DONE,
        )
        .group_by(columns.id, columns.host)
        .having(since <= before)
        .order_by(since, columns.id)
        .limit(limit)
    )
    return [(server_id, host) for server_id, host in tx.execute(query)]
