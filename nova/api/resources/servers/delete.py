"""Delete a server, by either of the two calls that do."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import unknown
from nova.api.routes import route
from nova.api.schema import Body
from nova.db.stores import mappings
from nova.operations import start

DELETE = policy.project_member('os_compute_api:servers:delete', 'Deletes a server.')
FORCE = policy.project_member('os_compute_api:os-deferred-delete:force', 'Deletes a server at once.')

# Clients send null, an empty string or an empty object.
FORCE_DELETE = Body('forceDelete', inner={'type': ['null', 'string', 'object']})


@route('DELETE', '/servers/{server_id}', policy=DELETE, status=204)
def delete(request: Request, server_id: str) -> None:
    _delete(request, server_id, DELETE)


@route('POST', '/servers/{server_id}/action', action='forceDelete', policy=FORCE, body=FORCE_DELETE, status=202)
def force_delete(request: Request, server_id: str) -> None:
    """As delete, which never waits for a time to reclaim what it deleted."""
    _delete(request, server_id, FORCE)


def _delete(request: Request, server_id: str, rule: policy.Rule) -> None:
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
    if mapping is None or not request.may(rule, project_id=mapping.project_id, user_id=mapping.user_id):
        raise unknown(server_id)
    start.delete(request.services, request.context, server_id)
