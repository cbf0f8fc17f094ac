"""Delete a server, by either of the two calls that do; and take back a deletion that waits for its time."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import unknown
from nova.api.resources.servers.verbs import ACTION, admit, not_built, nothing
from nova.api.routes import route
from nova.db.stores import mappings
from nova.operations import start

DELETE = policy.project_member('os_compute_api:servers:delete', 'Deletes a server.')
FORCE = policy.project_member('os_compute_api:os-deferred-delete:force', 'Deletes a server at once.')
RESTORE = policy.project_member('os_compute_api:os-deferred-delete:restore', 'Restores a server that was deleted.')


@route('DELETE', '/servers/{server_id}', policy=DELETE, status=204)
def delete(request: Request, server_id: str) -> None:
    _delete(request, server_id, DELETE)


@route('POST', ACTION, action='forceDelete', policy=FORCE, body=nothing('forceDelete'), status=202)
def force_delete(request: Request, server_id: str) -> None:
    """As delete, which never waits for a time to reclaim what it deleted."""
    _delete(request, server_id, FORCE)


@route('POST', ACTION, action='restore', policy=RESTORE, body=nothing('restore'), status=202)
def restore(request: Request, server_id: str) -> None:
    admit(request, server_id, RESTORE, 'restore')
    not_built('Restoring a server')


def _delete(request: Request, server_id: str, rule: policy.Rule) -> None:
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
    if mapping is None or not request.may(rule, project_id=mapping.project_id, user_id=mapping.user_id):
        raise unknown(server_id)
    start.delete(request.services, request.context, server_id)
