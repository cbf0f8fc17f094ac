"""Find the cell of a server, and count those that have none yet."""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from nova.db.tables.cells import request_specs, server_mappings
from nova.db.tables.server_groups import server_group_members
from nova.db.tables.types import now as present
from nova.domain.usage import Usage

_mappings = server_mappings

# Made once, because putting a statement together takes longer than sending it. What an UPDATE sets comes with its
# parameters: those that are named like columns.
_this = _mappings.c.server_id == sa.bindparam('this')
_CREATE = sa.insert(_mappings)
_UPDATE = sa.update(_mappings).where(_this)
# A server is in one group at most.
_group = (
    sa.select(sa.func.min(server_group_members.c.group_id))
    .where(server_group_members.c.server_id == _mappings.c.server_id)
    .scalar_subquery()
)
_selected = (
    _mappings.c.cell_id, _mappings.c.project_id, _mappings.c.user_id, _mappings.c.queued_for_delete,
    _mappings.c.created_at,
)  # fmt: skip
_FIND = sa.select(*_selected, _group).where(_this)


class Mapping(NamedTuple):
    """Where a server is, and whose it is. `cell_id` is None while it is being built and no cell was chosen."""

    cell_id: str | None
    project_id: str
    user_id: str | None = None
    queued_for_delete: bool = False
    created_at: datetime.datetime | None = None
    group_id: str | None = None


def create(
    tx: sa.Connection,
    server_id: str,
    project_id: str,
    user_id: str,
    cell_id: str | None = None,
    vcpus: int = 0,
    memory_mb: int = 0,
) -> None:
    """Note a new server, and what it takes of the quota."""
    create_many(tx, [(server_id, project_id, user_id, vcpus, memory_mb)], cell_id)


def create_many(tx: sa.Connection, rows: Iterable[Sequence[Any]], cell_id: str | None = None) -> None:
    """As `create`, for (server_id, project_id, user_id[, vcpus, memory_mb]) of several servers in one statement."""
    at = present()
    names = ('server_id', 'project_id', 'user_id', 'vcpus', 'memory_mb')
    rest = {'vcpus': 0, 'memory_mb': 0, 'cell_id': cell_id, 'queued_for_delete': False, 'created_at': at}
    values = [rest | dict(zip(names, row, strict=False)) for row in rows]
    if values:
        tx.execute(_CREATE, values)


def set_cell(tx: sa.Connection, server_id: str, cell_id: str | None) -> None:
    tx.execute(_UPDATE, {'this': server_id, 'cell_id': cell_id})


def queue_for_delete(tx: sa.Connection, server_id: str) -> None:
    """Note that the server is deleted, or is about to be; it is no longer counted."""
    tx.execute(_UPDATE, {'this': server_id, 'queued_for_delete': True})


def set_size(tx: sa.Connection, server_id: str, vcpus: int, memory_mb: int) -> None:
    """Note what the server takes of the quota from now on."""
    tx.execute(_UPDATE, {'this': server_id, 'vcpus': vcpus, 'memory_mb': memory_mb})


def count_again(tx: sa.Connection, server_id: str) -> None:
    """Note that the server is not deleted after all: it is counted as before."""
    tx.execute(_UPDATE, {'this': server_id, 'queued_for_delete': False})


def find(tx: sa.Connection, server_id: str) -> Mapping | None:
    row = tx.execute(_FIND, {'this': server_id}).first()
    return Mapping(*row) if row else None


def find_many(tx: sa.Connection, server_ids: Iterable[str]) -> dict[str, Mapping]:
    """The mappings of those servers that have one."""
    query = sa.select(_mappings.c.server_id, *_selected).where(_mappings.c.server_id.in_(list(server_ids)))
    return {server_id: Mapping(*rest) for server_id, *rest in tx.execute(query)}


def of_cells(
    tx: sa.Connection,
    cell_ids: Iterable[str],
    project_id: str | None,
    limit: int,
    after: tuple[datetime.datetime, str] | None = None,
) -> dict[str, Mapping]:
    """A page of the servers that these cells have, newest first; for when the cells cannot be asked themselves."""
    columns = _mappings.c
    query = sa.select(columns.server_id, *_selected).where(
        columns.cell_id.in_(list(cell_ids)), columns.queued_for_delete.is_(False)
    )
    if project_id is not None:
        query = query.where(columns.project_id == project_id)
    if after is not None:
        created_at, server_id = after
        same = sa.and_(columns.created_at == created_at, columns.server_id < server_id)
        query = query.where(sa.or_(columns.created_at < created_at, same))
    query = query.order_by(columns.created_at.desc(), columns.server_id.desc()).limit(limit)
    return {server_id: Mapping(*rest) for server_id, *rest in tx.execute(query)}


def count_usage(tx: sa.Connection, project_id: str, user_id: str | None = None) -> Usage:
    """What the project's servers take of its quota, wherever they are."""
    columns = _mappings.c
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(columns.vcpus), 0),
        sa.func.coalesce(sa.func.sum(columns.memory_mb), 0),
    ).where(columns.project_id == project_id, columns.queued_for_delete.is_(False))
    if user_id is not None:
        query = query.where(columns.user_id == user_id)
    return Usage(*(int(number) for number in tx.execute(query).one()))


def count_in_cell(tx: sa.Connection, cell_id: str) -> int:
    """How many servers are mapped to a cell."""
    return tx.execute(sa.select(sa.func.count()).where(_mappings.c.cell_id == cell_id)).scalar_one()


def remove_all_of_cell(tx: sa.Connection, cell_id: str) -> int:
    return tx.execute(sa.delete(_mappings).where(_mappings.c.cell_id == cell_id)).rowcount


def keep_request(tx: sa.Connection, server_id: str, request: dict[str, Any]) -> None:
    """Keep what the server was asked for with, as plain data, for when it has to move."""
    remove_request(tx, server_id)
    tx.execute(sa.insert(request_specs).values(server_id=server_id, request=request, created_at=present()))


def find_request(tx: sa.Connection, server_id: str) -> dict[str, Any] | None:
    return tx.execute(sa.select(request_specs.c.request).where(request_specs.c.server_id == server_id)).scalar()


def remove_request(tx: sa.Connection, server_id: str) -> None:
    tx.execute(sa.delete(request_specs).where(request_specs.c.server_id == server_id))
