"""What only operators do to a server: correct its state, and tell it of its network."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find_placed
from nova.api.resources.servers.verbs import ACTION, admit, begin, nothing
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.db.stores import operations, servers
from nova.domain.lifecycle import State
from nova.domain.operation import RUNNING, STUCK
from nova.domain.server import Server
from nova.operations.guest_operation import with_guest
from nova.operations.inject_network_info import InjectNetworkInfo
from nova.operations.note import note

RESET_STATE = policy.admin('os_compute_api:os-admin-actions:reset_state', 'Sets the state of a server.')
INJECT = policy.admin('os_compute_api:os-admin-actions:inject_network_info', 'Writes the network into a server.')

STATES = {'active': State.ACTIVE, 'error': State.ERROR}
TO_STATE = Body('os-resetState', Field('state', {'type': 'string', 'enum': list(STATES)}, required=True))


@route('POST', ACTION, action='os-resetState', policy=RESET_STATE, body=TO_STATE, status=202)
def reset_state(request: Request, server_id: str) -> None:
    """What is being done to the server goes on, and ends in a state of its own; what is stuck is given up."""
    server = find_placed(request, server_id, RESET_STATE)
    given_up = server.operation_id if server.operation_id and _given_up(request, server) else None
    with request.databases.cell(server.cell_id).writing() as tx:
        servers.reset(tx, server.id, STATES[request.body['state']], given_up)
        note(tx, request.context, server, 'reset_state')


@route('POST', ACTION, action='injectNetworkInfo', policy=INJECT, body=nothing('injectNetworkInfo'), status=202)
def inject_network_info(request: Request, server_id: str) -> None:
    server = admit(request, server_id, INJECT, 'inject_network_info')
    begin(request, InjectNetworkInfo(**with_guest(server)))


def _given_up(request: Request, server: Server) -> bool:
    """Whether nothing is done to the server any more. What created it is kept in the API database, all else in its cell's."""
    for database in (request.databases.cell(server.cell_id), request.databases.api):
        with database.writing() as tx:
            found = operations.find(tx, server.operation_id)
            if found:
                return found.status not in (RUNNING, STUCK) or operations.give_up(tx, found.id)
    return True
