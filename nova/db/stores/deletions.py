"""Know when servers were deleted, for good or for a while, and find those whose time is over."""

import datetime
from collections.abc import Iterable

import sqlalchemy as sa

from nova.db.tables.servers import servers
from nova.domain.lifecycle import State


def note(tx: sa.Connection, server_id: str, at: datetime.datetime | None) -> None:
    """When the server was deleted; None for one that is not deleted any more."""
    tx.execute(sa.update(servers).where(servers.c.id == server_id).values(deleted_at=at))


def overdue(tx: sa.Connection, before: datetime.datetime, limit: int = 100) -> list[str]:
    """The servers that were deleted before that, oldest first, and that nothing is being done to."""
    columns = servers.c
    query = (
        sa.select(columns.id)
        .where(
            columns.state == State.SOFT_DELETED.value,
            columns.deleted.is_(False),
            columns.operation_id.is_(None),
            columns.deleted_at < before,
        )
        .order_by(columns.deleted_at, columns.id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def at(tx: sa.Connection, server_ids: Iterable[str]) -> dict[str, datetime.datetime]:
    """When those of the servers were deleted for good that were, and are on record."""
    columns = servers.c
    query = sa.select(columns.id, columns.deleted_at).where(
        columns.id.in_(list(server_ids)), columns.deleted.is_(True), columns.deleted_at.is_not(None)
    )
    return dict(tx.execute(query).all())
