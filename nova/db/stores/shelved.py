"""Find shelved servers that still have a host."""

import dataclasses
import datetime

import sqlalchemy as sa

from nova.db.tables.servers import servers
from nova.domain.lifecycle import State
from nova.domain.server import SHELVED_AT

_columns = (servers.c.id, servers.c.host, servers.c.number, servers.c.system_metadata)
_WAITING = sa.select(*_columns).where(
    servers.c.state == State.SHELVED.value,
    servers.c.operation_id.is_(None),
    servers.c.host.is_not(None),
    servers.c.deleted.is_(False),
)


@dataclasses.dataclass(frozen=True)
class Shelved:
    """A server to which nothing is being done."""

    server_id: str
    host: str
    number: int


def overdue(tx: sa.Connection, before: datetime.datetime) -> list[Shelved]:
    """Those that were shelved before that moment."""
    return [
        Shelved(server_id, host, number)
        for server_id, host, number, system_metadata in tx.execute(_WAITING)
        if SHELVED_AT in system_metadata and datetime.datetime.fromisoformat(system_metadata[SHELVED_AT]) <= before
    ]
