"""Find the servers that guests belong to, and keep the passwords that guests set."""

import dataclasses
import ipaddress
import re
from typing import Any

from nova.db.stores import mappings, servers
from nova.domain.cell import Down
from nova.domain.queries import ServerQuery
from nova.domain.server import Server


class Servers:
    """Looks in all cells by way of the API database; with `local`, only in this process's own cell."""

    def __init__(self, databases: Any, local: bool = False):
        self._databases, self._local = databases, local

    def find(self, server_id: str) -> Server | None:
        """The server, if it lives and a cell has it."""
        cell_id = None
        if not self._local:
            mapping = self._databases.api.read(lambda tx: mappings.find(tx, server_id))
            if mapping is None or mapping.cell_id is None:
                return None
            cell_id = mapping.cell_id
        server = self._database(cell_id).read(lambda tx: servers.find(tx, server_id))
        return None if server is None or server.deleted else dataclasses.replace(server, cell_id=cell_id)

    def at_address(self, address: str) -> str | None:
        """The id of the server that has this address; None, too, if several networks have one each."""
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            return None
        query = ServerQuery(**{'ip' if version == 4 else 'ip6': f'^{re.escape(address)}$'}, limit=2)
        if self._local:
            found = self._database(None).read(lambda tx: servers.listing(tx, query))
        else:
            answers = self._databases.across_cells(lambda tx, cell: servers.listing(tx, query)).values()
            found = [server for answer in answers if not isinstance(answer, Down) for server in answer]
        return found[0].id if len(found) == 1 else None

    def save_password(self, server: Server, password: str) -> bool:
        """Keep the password, unless the server has one."""

        def save(tx: Any) -> bool:
            known = servers.get(tx, server.id).system_metadata
            if known.get('password'):
                return False
            servers.change(tx, server.id, system_metadata={**known, 'password': password})
            return True

        return self._database(server.cell_id).write(save)

    def _database(self, cell_id: str | None) -> Any:
        return self._databases.own if self._local else self._databases.cell(cell_id)
