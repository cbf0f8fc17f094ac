"""Find the journals of servers that are gone, and forget them. In the API database or a cell's."""

import datetime
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from nova.db.tables.cells import server_mappings
from nova.db.tables.operations import api_operations, cell_operations
from nova.db.tables.servers import servers


class Past(NamedTuple):
    """A journal that has ended, of a server that is deleted or about to be. `cell_id` is None if no cell has the server."""

    operation_id: str
    server_id: str
    finished_at: datetime.datetime
    cell_id: str | None


def in_cell(tx: sa.Connection, before: datetime.datetime, limit: int) -> list[str]:
    """Ids of ended operations on servers that were deleted before, or that are not on record any more."""
    columns = cell_operations.c
    gone = sa.or_(servers.c.id.is_(None), sa.and_(servers.c.deleted.is_(True), servers.c.deleted_at < before))
    query = (
        sa.select(columns.id)
        .select_from(cell_operations.outerjoin(servers, servers.c.id == columns.server_id))
        .where(columns.finished_at < before, gone)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def in_api(tx: sa.Connection, before: datetime.datetime, limit: int, after: Past | None = None) -> list[Past]:
    """Journals that ended before, of servers that may be gone: their cells know since when. Oldest first, behind `after`."""
    columns = api_operations.c
    gone = sa.or_(server_mappings.c.server_id.is_(None), server_mappings.c.queued_for_delete.is_(True))
    query = (
        sa.select(columns.id, columns.server_id, columns.finished_at, server_mappings.c.cell_id)
        .select_from(api_operations.outerjoin(server_mappings, server_mappings.c.server_id == columns.server_id))
        .where(columns.finished_at < before, gone)
        .order_by(columns.finished_at, columns.id)
        .limit(limit)
    )
    if after is not None:
        same = sa.and_(columns.finished_at == after.finished_at, columns.id > after.operation_id)
        query = query.where(sa.or_(columns.finished_at > after.finished_at, same))
    return [Past(*row) for row in tx.execute(query)]


def kept_in_cell(tx: sa.Connection, server_ids: Iterable[str], before: datetime.datetime) -> set[str]:
    """Those of the servers that are on record and were not deleted before."""
    columns = servers.c
    kept = sa.or_(columns.deleted.is_(False), columns.deleted_at.is_(None), columns.deleted_at >= before)
    return set(tx.execute(sa.select(columns.id).where(columns.id.in_(list(server_ids)), kept)).scalars())


def forget(tx: sa.Connection, operation_ids: Iterable[str]) -> int:
    """Remove ended operations; how many those were."""
    # The table is the same in both kinds of database, so either object names it.
    columns = api_operations.c
    return tx.execute(
        sa.delete(api_operations).where(columns.id.in_(list(operation_ids)), columns.finished_at.is_not(None))
    ).rowcount
