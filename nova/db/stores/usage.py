"""Read which servers ran in a span of time, and what they took."""

import datetime

import sqlalchemy as sa

from nova.db.tables.servers import servers
from nova.domain import record
from nova.domain.flavor import Flavor
from nova.domain.lifecycle import State
from nova.domain.usage import ServerUsage

_columns = (
    servers.c.id,
    servers.c.name,
    servers.c.project_id,
    servers.c.flavor,
    servers.c.state,
    servers.c.launched_at,
    servers.c.terminated_at,
)


def in_span(
    tx: sa.Connection,
    start: datetime.datetime,
    stop: datetime.datetime,
    project_id: str | None = None,
    limit: int | None = None,
    after: tuple[str, str] | None = None,
) -> list[ServerUsage]:
    """A page of the servers, deleted ones too, that ran at some time from `start` to `stop`; by project and id.

    `after` is the project and the id of the last server of the page before.
    """
    columns = servers.c
    query = (
        sa.select(*_columns)
        .where(
            columns.launched_at < stop,
            sa.or_(columns.terminated_at.is_(None), columns.terminated_at > start),
        )
        .order_by(columns.project_id, columns.id)
        .limit(limit)
    )
    if project_id is not None:
        query = query.where(columns.project_id == project_id)
    if after is not None:
        same = sa.and_(columns.project_id == after[0], columns.id > after[1])
        query = query.where(sa.or_(columns.project_id > after[0], same))
    return [
        ServerUsage(server_id, name, project, record.load(Flavor, flavor), State(state), launched_at, terminated_at)
        for server_id, name, project, flavor, state, launched_at, terminated_at in tx.execute(query)
    ]
