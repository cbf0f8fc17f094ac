"""Find one server for a request: wherever it is, and only for those who may know of it."""

import dataclasses

from nova import errors
from nova.api.policy import Rule
from nova.api.request import Request
from nova.db.stores import mappings, operations, servers
from nova.domain.server import Server

# A server may get, or lose, its cell between two looks.
_LOOKS = 3


def find(request: Request, server_id: str, rule: Rule, deleted: bool = False) -> Server:
    """The server (with `deleted`, even a deleted one); NotFound, too, where the rule keeps the caller from another project's."""
    for _look in range(_LOOKS):
        with request.databases.api.reading() as tx:
            mapping = mappings.find(tx, server_id)
            if mapping is None:
                raise unknown(server_id)
            if not request.may(rule, project_id=mapping.project_id, user_id=mapping.user_id):
                raise unknown(server_id)
            if mapping.cell_id is None:
                found = operations.building(tx, server_id=server_id)
                if found:
                    return found[0]
        if mapping.cell_id is not None:
            with request.databases.cell(mapping.cell_id).reading() as tx:
                server = servers.find(tx, server_id)
            if server is not None and (deleted or not server.deleted):
                return dataclasses.replace(server, cell_id=mapping.cell_id)
            if mapping.queued_for_delete or server is not None:
                break
    raise unknown(server_id)


def find_placed(request: Request, server_id: str, rule: Rule) -> Server:
    """The server, which a cell has; Conflict while it is being placed."""
    server = find(request, server_id, rule)
    if server.cell_id is None:
        raise errors.Conflict(f'Instance {server_id} is being placed; try again in a moment.')
    return server


def unknown(server_id: str) -> errors.NotFound:
    return errors.NotFound(f'Instance {server_id[:64]} could not be found.')
