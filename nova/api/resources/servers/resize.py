"""Give a server another flavor, and keep it or go back."""

from nova import errors
from nova.api import policy, quota
from nova.api.request import Request
from nova.api.resources.servers.bodies import DISK_CONFIG, REFERENCE
from nova.api.resources.servers.verbs import ACTION, admit, not_built, nothing
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.domain.flavor import Flavor
from nova.domain.server import Server

RESIZE = policy.project_member('os_compute_api:servers:resize', 'Resizes a server.')
CONFIRM = policy.project_member('os_compute_api:servers:confirm_resize', "Confirms a server's resize.")
REVERT = policy.project_member('os_compute_api:servers:revert_resize', "Reverts a server's resize.")

TO_FLAVOR = Body('resize', Field('flavorRef', REFERENCE, required=True), Field('OS-DCF:diskConfig', DISK_CONFIG))


@route('POST', ACTION, action='resize', policy=RESIZE, body=TO_FLAVOR, status=202)
def resize(request: Request, server_id: str) -> None:
    server = admit(request, server_id, RESIZE, 'resize')
    flavor = _flavor(request, server)
    _refuse_unfit(server, flavor)
    with request.databases.api.reading() as tx:
        quota.refuse_growth(tx, request, server, flavor)
    not_built('Resizing a server')


@route('POST', ACTION, action='confirmResize', policy=CONFIRM, body=nothing('confirmResize'), status=204)
def confirm(request: Request, server_id: str) -> None:
    admit(request, server_id, CONFIRM, 'confirm_resize')
    not_built('Confirming a resize')


@route('POST', ACTION, action='revertResize', policy=REVERT, body=nothing('revertResize'), status=202)
def revert(request: Request, server_id: str) -> None:
    admit(request, server_id, REVERT, 'revert_resize')
    not_built('Reverting a resize')


def _flavor(request: Request, server: Server) -> Flavor:
    flavor_id = str(request.body['flavorRef']).rstrip('/').rpartition('/')[2]
    try:
        flavor = request.services.flavors.get(flavor_id, None if request.context.is_admin else server.project_id)
    except errors.NotFound:
        raise errors.Invalid(f'Flavor {flavor_id} could not be found.')
    if flavor.disabled:
        raise errors.Invalid(f'Flavor {flavor_id} could not be found.')
    return flavor


def _refuse_unfit(server: Server, flavor: Flavor) -> None:
    if flavor.id == server.flavor.id:
        raise errors.Invalid('When resizing, instances must change flavor!')
    if server.image_id and server.flavor.disk_gb and not flavor.disk_gb:
        raise errors.Invalid('Resize to zero disk flavor is not allowed.')
