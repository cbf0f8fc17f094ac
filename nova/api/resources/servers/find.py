"""Find one server for a request: wherever it is, and only for those who may know of it."""

import dataclasses

from nova import errors
from nova.api.policy import Rule
from nova.api.request import Request
from nova.db.stores import mappings, operations, servers
from nova.db.stores.mappings import Mapping
from nova.domain.lifecycle import State
from nova.domain.server import Server


class CellDown(errors.ServiceDown):
    """The server's cell does not answer; its mapping is all that is known."""

    def __init__(self, failure: errors.ServiceDown, mapping: Mapping):
        super().__init__(str(failure))
        self.mapping = mapping


# In these states metadata and tags may change.
CHANGEABLE = frozenset({State.ACTIVE, State.PAUSED, State.SUSPENDED, State.STOPPED})
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
                    return dataclasses.replace(found[0], group_id=mapping.group_id)
        if mapping.cell_id is not None:
            server = _in_cell(request, server_id, mapping)
            if server is not None and (deleted or not server.deleted):
                return dataclasses.replace(server, cell_id=mapping.cell_id, group_id=mapping.group_id)
            if mapping.queued_for_delete or server is not None:
                break
    raise unknown(server_id)


def _in_cell(request: Request, server_id: str, mapping: Mapping) -> Server | None:
    try:
        with request.databases.cell(mapping.cell_id).reading() as tx:
            return servers.find(tx, server_id)
    except errors.ServiceDown as failure:
        raise CellDown(failure, mapping) from failure


def find_placed(request: Request, server_id: str, rule: Rule) -> Server:
    """The server, which a cell has; Conflict while it is being placed."""
    server = find(request, server_id, rule)
    if server.cell_id is None:
        raise errors.Conflict(f'Instance {server_id} is being placed; try again in a moment.')
    return server


def refuse_unless_made(server: Server, what: str) -> None:
    """Raise Conflict unless the server is in a state in which what its owner keeps with it may change."""
    if server.state not in CHANGEABLE:
        raise errors.Conflict(f"Cannot '{what}' instance {server.id} while it is in vm_state {server.state.value}")


def unknown(server_id: str) -> errors.NotFound:
    return errors.NotFound(f'Instance {server_id[:64]} could not be found.')
