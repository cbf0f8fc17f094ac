"""Record servers' moves from host to host, and list them."""

import dataclasses
import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from nova import errors
from nova.db.tables.migrations import migrations
from nova.db.tables.servers import servers
from nova.db.tables.types import now as present
from nova.domain import record as plain
from nova.domain.lifecycle import State
from nova.domain.migration import CONFIRMING, FINISHED, OVER, UNDECIDED, Migration, MigrationQuery
from nova.domain.resize import Kept

_columns = tuple(migrations.c[field.name] for field in dataclasses.fields(Migration))
_EQUAL = ('server_id', 'kind', 'status', 'source_compute', 'hidden', 'user_id', 'project_id')


def record(tx: sa.Connection, migration: Migration, kept: Kept | None = None) -> Migration:
    """Note a move that begins, and what the server goes back to when its user does not keep it; the same with its number.

    Noting it again changes nothing.
    """
    known = find(tx, migration.id)
    if known is not None:
        return known
    at = migration.created_at or present()
    made = dataclasses.replace(migration, created_at=at, updated_at=migration.updated_at or at)
    values = dataclasses.asdict(made)
    del values['number']
    if kept is not None:
        values['kept'] = plain.dump(kept)
    number = tx.execute(sa.insert(migrations).values(values)).inserted_primary_key[0]
    return dataclasses.replace(made, number=number)


def set_status(tx: sa.Connection, migration_id: str, status: str, **fields: Any) -> None:
    """Note how far a move is; `fields` are others that became known: dest_compute, memory_remaining..."""
    values = fields | {'status': status, 'updated_at': present()}
    if not tx.execute(sa.update(migrations).where(migrations.c.id == migration_id).values(values)).rowcount:
        raise _not_found(migration_id)


def set_progress(tx: sa.Connection, migration_id: str, **amounts: int) -> None:
    """Note what a live migration has copied: memory_total, disk_remaining..., in bytes."""
    values: dict[str, Any] = amounts | {'updated_at': present()}
    tx.execute(sa.update(migrations).where(migrations.c.id == migration_id).values(values))


def kept(tx: sa.Connection, migration_id: str) -> Kept:
    found = tx.execute(sa.select(migrations.c.kept).where(migrations.c.id == migration_id)).scalar()
    if found is None:
        raise _not_found(migration_id)
    return plain.load(Kept, found)


def undecided(tx: sa.Connection, server_id: str) -> Migration | None:
    """The move of a server that waits for its user to keep it or to go back."""
    query = sa.select(*_columns).where(migrations.c.server_id == server_id, migrations.c.status.in_(UNDECIDED))
    row = tx.execute(query.order_by(*_newest_first()).limit(1)).first()
    return Migration(*row) if row else None


def decide(tx: sa.Connection, migration_id: str, status: str) -> None:
    """Note which way a move that waits goes, for good: CONFIRMING or REVERTING. Conflict if it goes the other way."""
    this = (migrations.c.id == migration_id, migrations.c.status.in_((FINISHED, status)))
    values = {'status': status, 'updated_at': present()}
    if tx.execute(sa.update(migrations).where(*this).values(values)).rowcount:
        return
    known = find(tx, migration_id)
    if known is None:
        raise _not_found(migration_id)
    raise errors.Conflict(f'Instance {known.server_id} has a migration that is {known.status}; only that can go on.')


def overdue(tx: sa.Connection, before: datetime.datetime, limit: int = 100) -> list[tuple[str, Migration]]:
    """The moves that have waited since `before` for their users to keep them, each with its server's host; oldest first."""
    query = (
        sa.select(servers.c.host, *_columns)
        .join(servers, servers.c.id == migrations.c.server_id)
        .where(
            migrations.c.status.in_((FINISHED, CONFIRMING)),
            migrations.c.updated_at < before,
            servers.c.state == State.RESIZED.value,
            servers.c.operation_id.is_(None),
            servers.c.host.is_not(None),
        )
        .order_by(migrations.c.updated_at, migrations.c.number)
        .limit(limit)
    )
    return [(host, Migration(*row)) for host, *row in tx.execute(query)]


def orphaned(tx: sa.Connection, limit: int = 100) -> list[Migration]:
    """The moves that nobody can decide on any more, because their servers are deleted; oldest first."""
    query = (
        sa.select(*_columns)
        .join(servers, servers.c.id == migrations.c.server_id)
        .where(migrations.c.status.in_(UNDECIDED), servers.c.deleted.is_(True))
        .order_by(migrations.c.updated_at, migrations.c.number)
        .limit(limit)
    )
    return [Migration(*row) for row in tx.execute(query)]


def end_all(tx: sa.Connection, server_id: str, status: str) -> None:
    """Note that the server's moves are over, whatever they waited for."""
    this = (migrations.c.server_id == server_id, migrations.c.status.not_in(OVER))
    tx.execute(sa.update(migrations).where(*this).values(status=status, updated_at=present()))


def find(tx: sa.Connection, migration_id: str) -> Migration | None:
    row = tx.execute(sa.select(*_columns).where(migrations.c.id == migration_id)).first()
    return Migration(*row) if row else None


def get(tx: sa.Connection, server_id: str, number: int) -> Migration:
    """One of a server's moves by its number in the cell."""
    this = (migrations.c.server_id == server_id, migrations.c.number == number)
    row = tx.execute(sa.select(*_columns).where(*this)).first()
    if row is None:
        raise _not_found(number, server_id)
    return Migration(*row)


def of_server(
    tx: sa.Connection,
    server_id: str,
    kinds: Collection[str] | None = None,
    statuses: Collection[str] | None = None,
) -> list[Migration]:
    """A server's moves, newest first; of some kinds and statuses only, if they are named."""
    query = sa.select(*_columns).where(migrations.c.server_id == server_id)
    if kinds is not None:
        query = query.where(migrations.c.kind.in_(list(kinds)))
    if statuses is not None:
        query = query.where(migrations.c.status.in_(list(statuses)))
    return [Migration(*row) for row in tx.execute(query.order_by(*_newest_first()))]


def listing(tx: sa.Connection, query: MigrationQuery) -> list[Migration]:
    """One page of this cell's moves, newest first."""
    wanted = sa.select(*_columns).where(*_conditions(query)).order_by(*_newest_first())
    if query.limit is not None:
        wanted = wanted.limit(query.limit)
    return [Migration(*row) for row in tx.execute(wanted)]


def under_way(tx: sa.Connection, host: str) -> bool:
    """Whether a move from or to the host is not over yet."""
    query = sa.select(migrations.c.number).where(_touches(host), migrations.c.status.not_in(OVER)).limit(1)
    return tx.execute(query).first() is not None


def _conditions(query: MigrationQuery) -> list[sa.ColumnElement[bool]]:
    columns = migrations.c
    found: list[Any] = [
        columns[name] == value for name in _EQUAL for value in [getattr(query, name)] if value is not None
    ]
    if query.host is not None:
        found.append(_touches(query.host))
    if query.changes_since is not None:
        found.append(columns.updated_at >= query.changes_since)
    if query.changes_before is not None:
        found.append(columns.updated_at <= query.changes_before)
    if query.marker is not None:
        found.append(_after(query.marker))
    return found


def _after(marker: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    created_at, number, migration_id = marker
    columns = migrations.c
    same_number = sa.and_(columns.number == number, columns.id < migration_id)
    same_moment = sa.and_(columns.created_at == created_at, sa.or_(columns.number < number, same_number))
    return sa.or_(columns.created_at < created_at, same_moment)


def _touches(host: str) -> sa.ColumnElement[bool]:
    return sa.or_(migrations.c.source_compute == host, migrations.c.dest_compute == host)


def _newest_first() -> tuple[sa.ColumnElement[Any], ...]:
    return migrations.c.created_at.desc(), migrations.c.number.desc(), migrations.c.id.desc()


def _not_found(migration_id: int | str, server_id: str | None = None) -> errors.NotFound:
    of = f' for instance {server_id}' if server_id else ''
    return errors.NotFound(f'Migration {migration_id} not found{of}.')
