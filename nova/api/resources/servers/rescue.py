"""Boot a server from another image, with its own disk beside it; and go back."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import asked_image, names
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, begin, nothing
from nova.api.routes import route
from nova.api.schema import UUID, Body
from nova.operations.guest_operation import shutdown_timeout, with_guest
from nova.operations.rescue_server import RescueServer
from nova.operations.unrescue_server import UnrescueServer

RESCUE = policy.project_member('os_compute_api:os-rescue', 'Rescues a server.')
UNRESCUE = policy.project_member('os_compute_api:os-unrescue', 'Boots a rescued server from its own disk again.')

FROM_IMAGE = Body(
    'rescue',
    inner={
        'type': ['object', 'null'],
        'properties': {'adminPass': PASSWORD, 'rescue_image_ref': UUID},
        'additionalProperties': False,
    },
)


@route('POST', ACTION, action='rescue', policy=RESCUE, body=FROM_IMAGE, samples=('os-rescue/server-rescue.json',))
def rescue(request: Request, server_id: str) -> dict[str, Any]:
    """Without an image, from the one that the operator offers, or else the one that the server was made from."""
    wanted = request.body or {}
    server = admit(request, server_id, RESCUE, 'rescue')
    if not server.image_id:
        raise errors.Invalid(f'Instance {server.id} cannot be rescued: {_why_not_from_volume(request)}')
    image = asked_image.find(request, wanted.get('rescue_image_ref'))
    if image is not None and image.status != 'active':
        raise errors.Invalid(f'Image {image.id} is not active.')
    password = wanted.get('adminPass') or names.new_password(request.settings.password_length)
    begin(
        request,
        RescueServer(**with_guest(server), image=image, timeout=shutdown_timeout(server), admin_password=password),
    )
    return {'adminPass': password} if request.settings.enable_instance_password else {}


def _why_not_from_volume(request: Request) -> str:
    # Hosts that could, from 2.87 on, would have the trait COMPUTE_BFV_RESCUE; none here attaches volumes yet.
    if request.version < (2, 87):
        return 'Cannot rescue a volume-backed instance'
    return 'Host unable to rescue a volume-backed instance'


@route('POST', ACTION, action='unrescue', policy=UNRESCUE, body=nothing('unrescue'), status=202)
def unrescue(request: Request, server_id: str) -> None:
    begin(request, UnrescueServer(**with_guest(admit(request, server_id, UNRESCUE, 'unrescue'))))
