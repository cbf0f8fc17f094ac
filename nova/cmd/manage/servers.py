"""Find the server that a command of nova-manage names, and change what is kept of its image."""

import sys
from typing import Any

from nova import errors
from nova.cmd.manage.installation import Installation
from nova.db.database import Database
from nova.db.stores import mappings, servers
from nova.domain.lifecycle import State
from nova.domain.server import Server

# In these its guest does not run, and takes up what has changed when it starts.
CHANGEABLE = frozenset({State.STOPPED, State.SHELVED, State.SHELVED_OFFLOADED})


def find(installation: Installation, server_id: str) -> tuple[Server, Database] | None:
    """The server and its cell's database; None, after saying so, if there is no such server."""
    with installation.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
    database = installation.databases.cell(mapping.cell_id) if mapping and mapping.cell_id else None
    if database is not None:
        with database.reading() as tx:
            server = servers.find(tx, server_id)
        if server is not None:
            return server, database
    print(f'Instance {server_id} could not be found.', file=sys.stderr)
    return None


def change(database: Database, server_id: str, **fields: Any) -> None:
    """Change a server whose guest is off. Raises Conflict if it is not."""
    with database.writing() as tx:
        # Claims the row, so that nobody starts it meanwhile.
        servers.change(tx, server_id)
        server = servers.get(tx, server_id)
        if server.state not in CHANGEABLE or server.operation_id:
            allowed = ', '.join(sorted(state.value for state in CHANGEABLE))
            raise errors.Conflict(f'Server {server_id} is {server.state.value}; this needs one of {allowed}.')
        servers.change(tx, server_id, **fields)
