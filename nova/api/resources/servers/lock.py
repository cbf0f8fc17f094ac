"""Keep ordinary users from changing a server."""

import dataclasses

from nova.api import policy, tell
from nova.api.request import Request
from nova.api.resources.servers.find import find_placed
from nova.api.resources.servers.verbs import ACTION, nothing
from nova.api.routes import route
from nova.api.schema import Body
from nova.db.stores import servers
from nova.domain.notifications.servers import ACTION as PAYLOAD
from nova.domain.server import ADMIN, OWNER
from nova.operations.note import note

LOCK = policy.project_member('os_compute_api:os-lock-server:lock', 'Locks a server.')
UNLOCK = policy.project_member('os_compute_api:os-lock-server:unlock', 'Unlocks a server.')
UNLOCK_OVERRIDE = policy.admin(
    'os_compute_api:os-lock-server:unlock:unlock_override', 'Unlocks a server that somebody else than its owner locked.'
)

WITH_REASON = Body(
    'lock',
    inner={
        'type': ['object', 'null'],
        'properties': {'locked_reason': {'type': 'string', 'minLength': 1, 'maxLength': 255}},
        'additionalProperties': False,
    },
)


@route('POST', ACTION, action='lock', policy=LOCK, body=nothing('lock'), status=202, until='2.72')
@route('POST', ACTION, action='lock', policy=LOCK, body=WITH_REASON, status=202, since='2.73')
def lock(request: Request, server_id: str) -> None:
    """The owner leaves an administrator's lock as it is."""
    server = find_placed(request, server_id, LOCK)
    by = OWNER if request.context.project_id == server.project_id else ADMIN
    if server.locked and server.locked_by == ADMIN and by == OWNER and not request.may(UNLOCK_OVERRIDE):
        return
    reason = (request.body or {}).get('locked_reason')
    with request.databases.cell(server.cell_id).writing() as tx:
        servers.change(tx, server.id, locked=True, locked_by=by, locked_reason=reason)
        note(tx, request.context, server, 'lock')
    locked = dataclasses.replace(server, locked=True, locked_reason=reason)
    tell.server(request, 'instance.lock', locked, PAYLOAD)


@route('POST', ACTION, action='unlock', policy=UNLOCK, body=nothing('unlock'), status=202)
def unlock(request: Request, server_id: str) -> None:
    server = find_placed(request, server_id, UNLOCK)
    if server.locked and server.locked_by == ADMIN:
        request.require(UNLOCK_OVERRIDE, project_id=server.project_id, user_id=server.user_id)
    with request.databases.cell(server.cell_id).writing() as tx:
        servers.change(tx, server.id, locked=False, locked_by=None, locked_reason=None)
        note(tx, request.context, server, 'unlock')
    unlocked = dataclasses.replace(server, locked=False, locked_reason=None)
    tell.server(request, 'instance.unlock', unlocked, PAYLOAD)
