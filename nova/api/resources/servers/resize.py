"""Give a server another flavor, and keep it or go back."""

import logging
import uuid

from nova import errors
from nova.api import policy, quota
from nova.api.request import Request
from nova.api.resources.servers import asked_image, tpm
from nova.api.resources.servers.bodies import DISK_CONFIG, REFERENCE
from nova.api.resources.servers.verbs import ACTION, admit, begin, nothing
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.db.stores import block_devices, migrations, server_images
from nova.domain import guest_wishes
from nova.domain.block_device import IMAGE, LOCAL, VOLUME, BlockDevice
from nova.domain.flavor import Flavor
from nova.domain.image import Image
from nova.domain.migration import CONFIRMING, FINISHED, REVERTING, Migration
from nova.domain.resize import refuse_loss
from nova.domain.server import Server
from nova.operations.confirm_resize import ConfirmResize
from nova.operations.guest_operation import shutdown_timeout, with_guest
from nova.operations.resize_server import ResizeServer
from nova.operations.revert_resize import RevertResize

LOG = logging.getLogger(__name__)

RESIZE = policy.project_member('os_compute_api:servers:resize', 'Resizes a server.')
CROSS_CELL = policy.nobody('compute:servers:resize:cross_cell', 'Lets a server leave its cell when it is resized.')
CONFIRM = policy.project_member('os_compute_api:servers:confirm_resize', "Confirms a server's resize.")
REVERT = policy.project_member('os_compute_api:servers:revert_resize', "Reverts a server's resize.")

TO_FLAVOR = Body('resize', Field('flavorRef', REFERENCE, required=True), Field('OS-DCF:diskConfig', DISK_CONFIG))


@route('POST', ACTION, action='resize', policy=RESIZE, body=TO_FLAVOR, status=202)
def resize(request: Request, server_id: str) -> None:
    """On the host that it is on; the server waits there until its user keeps the new size or goes back."""
    server = admit(request, server_id, RESIZE, 'resize')
    flavor = _flavor(request, server)
    _refuse_unfit(request, server, flavor)
    if request.may(CROSS_CELL, project_id=server.project_id, user_id=server.user_id):
        LOG.info('Server %s may leave its cell, which it need not: it is resized on its host.', server.id)
    with request.databases.api.reading() as tx:
        allowances = quota.refuse_growth(tx, request, server, flavor)
    operation = ResizeServer(
        **with_guest(server),
        flavor=flavor,
        migration_id=str(uuid.uuid4()),
        disk_config=_disk_config(request, server),
        timeout=shutdown_timeout(server),
        allowances=allowances,
    )
    begin(request, operation)


@route('POST', ACTION, action='confirmResize', policy=CONFIRM, body=nothing('confirmResize'), status=204)
def confirm(request: Request, server_id: str) -> None:
    """The server keeps its new size; what it had before is given up."""
    server = admit(request, server_id, CONFIRM, 'confirm_resize')
    move = _waiting(request, server, CONFIRMING)
    begin(request, ConfirmResize(**with_guest(server), migration_id=move.id))


@route('POST', ACTION, action='revertResize', policy=REVERT, body=nothing('revertResize'), status=202)
def revert(request: Request, server_id: str) -> None:
    """The server is as it was before it was resized."""
    server = admit(request, server_id, REVERT, 'revert_resize')
    move = _waiting(request, server, REVERTING)
    begin(request, RevertResize(**with_guest(server), migration_id=move.id, timeout=shutdown_timeout(server)))


def _waiting(request: Request, server: Server, decision: str) -> Migration:
    """The move that waits for its user's decision. Conflict if the other one has begun already."""
    with request.databases.cell(server.cell_id).reading() as tx:
        move = migrations.undecided(tx, server.id)
    if move is None:
        raise errors.Invalid(f'Instance {server.id} has no resize that could be confirmed or reverted.')
    if move.status not in (FINISHED, decision):
        raise errors.Conflict(f'Instance {server.id} has a migration that is {move.status}; only that can go on.')
    return move


def _flavor(request: Request, server: Server) -> Flavor:
    flavor_id = str(request.body['flavorRef']).rstrip('/').rpartition('/')[2]
    try:
        flavor = request.services.flavors.get(flavor_id, None if request.context.is_admin else server.project_id)
    except errors.NotFound:
        raise errors.Invalid(f'Flavor {flavor_id} could not be found.')
    if flavor.disabled:
        raise errors.Invalid(f'Flavor {flavor_id} could not be found.')
    return flavor


def _refuse_unfit(request: Request, server: Server, flavor: Flavor) -> None:
    if flavor.id == server.flavor.id:
        raise errors.Invalid('When resizing, instances must change flavor!')
    if server.image_id and server.flavor.disk_gb and not flavor.disk_gb:
        raise errors.Invalid('Resize to zero disk flavor is not allowed.')
    guest_wishes.refuse(flavor, server.image_properties)
    tpm.refuse_other_version(server, flavor)
    with request.databases.cell(server.cell_id).reading() as tx:
        image = server_images.find(tx, server.id)
        devices = block_devices.of_server(tx, server.id)
    root = next((device for device in devices if device.is_root), _root(server))
    if image:
        asked_image.refuse_unfit(image, flavor, root)
    refuse_loss(server.flavor, flavor, root.on_host)


def _root(server: Server) -> BlockDevice:
    """The root disk of a server that was made before its disks were noted."""
    return BlockDevice(IMAGE, LOCAL if server.image_id else VOLUME, boot_index=0, image_id=server.image_id)


def _disk_config(request: Request, server: Server) -> str | None:
    """As asked, if the server's image has nothing against it; None leaves it as it is."""
    asked = request.body.get('OS-DCF:diskConfig')
    image = Image(server.image_id or '', properties=server.image_properties)
    return asked and asked_image.disk_config(asked, image)
