"""Read and change groups of servers, and who is in them."""

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.cells import server_mappings
from nova.db.tables.server_groups import server_group_members, server_groups
from nova.db.tables.types import now as present


@dataclasses.dataclass(frozen=True)
class ServerGroup:
    """Servers that a policy keeps together or apart. `members` are those that live, oldest first."""

    id: str
    name: str
    project_id: str
    user_id: str
    policy: str
    rules: dict[str, Any]
    members: tuple[str, ...] = ()


_columns = tuple(server_groups.c[field.name] for field in dataclasses.fields(ServerGroup) if field.name != 'members')


def create(
    tx: sa.Connection, name: str, project_id: str, user_id: str, policy: str, rules: dict[str, Any] | None = None
) -> ServerGroup:
    group = ServerGroup(str(uuid.uuid4()), name, project_id, user_id, policy, dict(rules or {}))
    values = {field.name: getattr(group, field.name) for field in dataclasses.fields(group) if field.name != 'members'}
    tx.execute(sa.insert(server_groups).values(created_at=present(), **values))
    return group


def get(tx: sa.Connection, group_id: str) -> ServerGroup:
    """The group with its members, in two statements."""
    row = tx.execute(sa.select(*_columns).where(server_groups.c.id == group_id)).first()
    if row is None:
        raise _not_found(group_id)
    return ServerGroup(*row, members=_members(tx, [group_id]).get(group_id, ()))


def listing(tx: sa.Connection, project_id: str | None, limit: int, offset: int = 0) -> list[ServerGroup]:
    """A page of the project's groups, or of all projects', oldest first: two statements."""
    query = sa.select(*_columns).order_by(server_groups.c.created_at, server_groups.c.id).limit(limit).offset(offset)
    if project_id is not None:
        query = query.where(server_groups.c.project_id == project_id)
    rows = tx.execute(query).all()
    members = _members(tx, [row.id for row in rows])
    return [ServerGroup(*row, members=members.get(row.id, ())) for row in rows]


def remove(tx: sa.Connection, group_id: str) -> None:
    """Remove a group; its servers live on."""
    if not tx.execute(sa.delete(server_groups).where(server_groups.c.id == group_id)).rowcount:
        raise _not_found(group_id)


def count(tx: sa.Connection, project_id: str, user_id: str | None = None) -> int:
    query = sa.select(sa.func.count()).where(server_groups.c.project_id == project_id)
    if user_id is not None:
        query = query.where(server_groups.c.user_id == user_id)
    return tx.execute(query).scalar_one()


class Rules(NamedTuple):
    """What a group asks of the hosts of its members."""

    policy: str
    rules: dict


def owner(tx: sa.Connection, group_id: str) -> str | None:
    """The project that has the group; None if there is no such group."""
    return tx.execute(sa.select(server_groups.c.project_id).where(server_groups.c.id == group_id)).scalar()


def rules(tx: sa.Connection, group_id: str) -> Rules | None:
    row = tx.execute(
        sa.select(server_groups.c.policy, server_groups.c.rules).where(server_groups.c.id == group_id)
    ).first()
    return Rules(row.policy, row.rules or {}) if row else None


def count_members(tx: sa.Connection, group_id: str) -> int:
    members = server_group_members.c
    return tx.execute(sa.select(sa.func.count()).where(members.group_id == group_id)).scalar_one()


def add_members(tx: sa.Connection, group_id: str, server_ids: Sequence[str]) -> None:
    """Let servers join a group; Invalid if the group is gone."""
    rows = [{'group_id': group_id, 'server_id': server_id} for server_id in server_ids]
    try:
        tx.execute(sa.insert(server_group_members), rows)
    except sqlalchemy.exc.IntegrityError as failure:
        raise errors.Invalid(f'Instance group {group_id} could not be found.') from failure


def remove_member(tx: sa.Connection, server_id: str) -> None:
    """Let a server leave the group that it is in, if any."""
    tx.execute(sa.delete(server_group_members).where(server_group_members.c.server_id == server_id))


def cells_of_members(tx: sa.Connection, group_id: str) -> dict[str, str | None]:
    """The cell of each member; None for one that has none yet."""
    members = server_group_members.c
    query = (
        sa.select(members.server_id, server_mappings.c.cell_id)
        .join(server_mappings, server_mappings.c.server_id == members.server_id)
        .where(members.group_id == group_id)
    )
    return dict(tx.execute(query).all())


def _members(tx: sa.Connection, group_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The living servers of each group; the members' rows of those that were deleted may still be there."""
    members = server_group_members.c
    query = (
        sa.select(members.group_id, members.server_id)
        .join(server_mappings, server_mappings.c.server_id == members.server_id)
        .where(members.group_id.in_(group_ids), server_mappings.c.queued_for_delete.is_(False))
        .order_by(server_mappings.c.created_at, members.server_id)
    )
    found: dict[str, tuple[str, ...]] = {}
    for group_id, server_id in tx.execute(query):
        found[group_id] = (*found.get(group_id, ()), server_id)
    return found


def _not_found(group_id: str) -> errors.NotFound:
    return errors.NotFound(f'Instance group {group_id} could not be found.')
