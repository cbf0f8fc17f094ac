"""Make a server anew elsewhere, because its host failed."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import COMPUTE, service_up
from nova.api.request import Answer, Request
from nova.api.resources.servers import names, targets
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, not_built
from nova.api.routes import route
from nova.api.schema import BOOLEAN, HOST_NAME, Body, Field, truth
from nova.db.stores import services
from nova.domain.server import Server

EVACUATE = policy.admin('os_compute_api:os-evacuate', 'Makes a server anew on another host than the one that failed.')

EVACUATE_BODY = Body(
    'evacuate',
    Field('host', HOST_NAME),
    Field('adminPass', PASSWORD, until='2.94'),
    Field('onSharedStorage', BOOLEAN, until='2.13', required=True),
    Field('force', BOOLEAN, since='2.29', until='2.67'),
)


@route(
    'POST',
    ACTION,
    action='evacuate',
    policy=EVACUATE,
    body=EVACUATE_BODY,
    samples=('os-evacuate/server-evacuate-resp.json',),
)
def evacuate(request: Request, server_id: str) -> Answer:
    host = request.body.get('host')
    if truth(request.body.get('force')) and not host:
        raise errors.Invalid("Can't force to a non-provided destination")
    password = _password(request)
    server = admit(request, server_id, EVACUATE, 'evacuate')
    if host and host == server.host:
        raise errors.Invalid("The target host can't be the same one.")
    targets.refuse_unknown_host(request, host)
    _refuse_living_host(request, server)
    not_built('Evacuating a server')
    return Answer(_shown(request, password))


def _password(request: Request) -> str | None:
    """Until 2.13 the caller says whether the disk is shared; on one that is, no password can be set."""
    given = request.body.get('adminPass')
    if truth(request.body.get('onSharedStorage')):
        if given:
            raise errors.Invalid("admin password can't be changed on existing disk")
        return None
    return given or names.new_password(request.settings.password_length)


def _refuse_living_host(request: Request, server: Server) -> None:
    with request.databases.cell(server.cell_id).reading() as tx:
        service = services.find(tx, server.host, COMPUTE)
    if service and service_up(request, service):
        raise errors.Invalid(f'Compute service of {server.host} is still in use.')


def _shown(request: Request, password: str | None) -> dict[str, Any] | None:
    """Until 2.13 the password; nothing since."""
    if request.version >= (2, 14):
        return None
    return {'adminPass': password} if password and request.settings.enable_instance_password else {}
