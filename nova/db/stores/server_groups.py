"""Count groups of servers, for the quota."""

import sqlalchemy as sa

from nova.db.tables.server_groups import server_groups


def count(tx: sa.Connection, project_id: str, user_id: str | None = None) -> int:
    query = sa.select(sa.func.count()).where(server_groups.c.project_id == project_id)
    if user_id is not None:
        query = query.where(server_groups.c.user_id == user_id)
    return tx.execute(query).scalar_one()
