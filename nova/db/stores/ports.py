"""Read and write what is known of one server's ports, and nothing else of it."""

from collections.abc import Sequence

import sqlalchemy as sa

from nova.db.stores import servers as server_store
from nova.db.tables.servers import servers
from nova.domain import record
from nova.domain.network import Port


def of_server(tx: sa.Connection, server_id: str, for_change: bool = False) -> tuple[Port, ...]:
    """The ports of a living server; none if there is no such server. `for_change` lets nobody else change them."""
    query = sa.select(servers.c.ports).where(servers.c.id == server_id, servers.c.deleted.is_(False))
    found = tx.execute(query.with_for_update() if for_change else query).scalar()
    return record.load(tuple[Port, ...], found) if found else ()


def set_of_server(tx: sa.Connection, server_id: str, ports: Sequence[Port]) -> None:
    server_store.set_ports(tx, server_id, ports)
