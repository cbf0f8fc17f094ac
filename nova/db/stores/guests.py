"""Note on which hosts a server has, or may have, a guest."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from nova.db.tables.guests import guests
from nova.db.tables.servers import servers
from nova.db.tables.services import services
from nova.db.tables.types import now as present
from nova.domain.lifecycle import State

# Made once, because putting a statement together takes longer than sending it. What an UPDATE sets comes with its
# parameters: those that are named like columns.
_of_server = guests.c.server_id == sa.bindparam('this')
_CREATE = sa.insert(guests)
_UPDATE = sa.update(guests).where(_of_server, guests.c.host == sa.bindparam('where'))
_REMOVE = sa.delete(guests).where(_of_server, guests.c.host == sa.bindparam('where'))
_REMOVE_ALL = sa.delete(guests).where(_of_server, guests.c.abandoned_at.is_(None))


@dataclasses.dataclass(frozen=True)
class Abandoned:
    """A guest that was given up while its host was away. `host_seen_at` is set once the host has been seen since then."""

    server_id: str
    host: str
    name: str | None
    abandoned_at: datetime.datetime
    host_seen_at: datetime.datetime | None


def record(tx: sa.Connection, server_id: str, host: str, node: str | None = None, name: str | None = None) -> None:
    """Note that a host has, or is getting, the server's guest. Noting it twice is as good as once."""
    _put(tx, server_id, host, {'node': node, 'name': name, 'abandoned_at': None})


def remove(tx: sa.Connection, server_id: str, host: str | None = None) -> None:
    """Forget the server's guest on one host, or all of its guests but those that were abandoned."""
    if host is None:
        tx.execute(_REMOVE_ALL, {'this': server_id})
    else:
        tx.execute(_REMOVE, {'this': server_id, 'where': host})


def abandon(tx: sa.Connection, server_id: str, host: str, name: str | None) -> None:
    """Note that the guest must go, but its host cannot be reached."""
    _put(tx, server_id, host, {'name': name, 'abandoned_at': present()})


def abandoned(tx: sa.Connection, limit: int = 1000) -> list[Abandoned]:
    """The guests that were given up and have not been removed yet."""
    query = (
        sa.select(guests.c.server_id, guests.c.host, guests.c.name, guests.c.abandoned_at, services.c.seen_at)
        .outerjoin(services, sa.and_(services.c.host == guests.c.host, services.c.binary == 'nova-compute'))
        .where(guests.c.abandoned_at.is_not(None))
        .order_by(guests.c.abandoned_at)
        .limit(limit)
    )
    return [
        Abandoned(server_id, host, name, at, seen_at if seen_at and seen_at > at else None)
        for server_id, host, name, at, seen_at in tx.execute(query)
    ]


def expected(tx: sa.Connection, host: str) -> list[tuple[str, State]]:
    """The servers that have, or are getting, a guest on the host."""
    query = (
        sa.select(guests.c.server_id, servers.c.state)
        .join(servers, servers.c.id == guests.c.server_id)
        .where(guests.c.host == host, guests.c.abandoned_at.is_(None), servers.c.deleted.is_(False))
    )
    return [(server_id, State(state)) for server_id, state in tx.execute(query)]


def of_server(tx: sa.Connection, server_id: str) -> list[str]:
    """The hosts that have, or may have, a guest of the server."""
    return list(tx.execute(sa.select(guests.c.host).where(guests.c.server_id == server_id)).scalars())


def of_servers(tx: sa.Connection, server_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The hosts that have, or are getting, a guest of each server; servers that have none are left out."""
    query = sa.select(guests.c.server_id, guests.c.host).where(
        guests.c.server_id.in_(list(server_ids)), guests.c.abandoned_at.is_(None)
    )
    found: dict[str, tuple[str, ...]] = {}
    for server_id, host in tx.execute(query):
        found[server_id] = (*found.get(server_id, ()), host)
    return found


def _put(tx: sa.Connection, server_id: str, host: str, values: dict[str, Any]) -> None:
    if not tx.execute(_UPDATE, values | {'this': server_id, 'where': host}).rowcount:
        tx.execute(_CREATE, values | {'server_id': server_id, 'host': host, 'created_at': present()})
