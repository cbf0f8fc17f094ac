"""Delete a server, by either of the two calls that do; and take back a deletion that waits for its time."""

from nova.api import policy, quota
from nova.api.request import Request
from nova.api.resources.servers.find import unknown
from nova.api.resources.servers.verbs import ACTION, admit, begin, nothing
from nova.api.routes import route
from nova.db.stores import mappings
from nova.domain.server import SHELVED_IMAGE_ID
from nova.operations import start
from nova.operations.guest_operation import with_guest
from nova.operations.restore_server import RestoreServer

DELETE = policy.project_member('os_compute_api:servers:delete', 'Deletes a server.')
FORCE = policy.project_member('os_compute_api:os-deferred-delete:force', 'Deletes a server at once.')
RESTORE = policy.project_member('os_compute_api:os-deferred-delete:restore', 'Restores a server that was deleted.')


@route('DELETE', '/servers/{server_id}', policy=DELETE, status=204)
def delete(request: Request, server_id: str) -> None:
    """At once, or so that it can be restored for a while, as the option reclaim_instance_interval says."""
    _delete(request, server_id, DELETE, soft=request.settings.reclaim_interval > 0)


@route('POST', ACTION, action='forceDelete', policy=FORCE, body=nothing('forceDelete'), status=202)
def force_delete(request: Request, server_id: str) -> None:
    """What was deleted for the time being, and what was not."""
    _delete(request, server_id, FORCE, soft=False)


@route('POST', ACTION, action='restore', policy=RESTORE, body=nothing('restore'), status=202)
def restore(request: Request, server_id: str) -> None:
    server = admit(request, server_id, RESTORE, 'restore')
    with request.databases.api.reading() as tx:
        allowances = quota.refuse_another(tx, request, server)
    image_id = server.system_metadata.get(SHELVED_IMAGE_ID)
    begin(request, RestoreServer(**with_guest(server), allowances=allowances, image_id=image_id))


def _delete(request: Request, server_id: str, rule: policy.Rule, soft: bool) -> None:
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
    if mapping is None or not request.may(rule, project_id=mapping.project_id, user_id=mapping.user_id):
        raise unknown(server_id)
    start.delete(request.services, request.context, server_id, soft)
