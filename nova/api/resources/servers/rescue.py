"""Boot a server from another image, with its own disk beside it; and go back."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import asked_image, names
from nova.api.resources.servers.verbs import ACTION, PASSWORD, admit, not_built, nothing
from nova.api.routes import route
from nova.api.schema import UUID, Body

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
    """Without an image, from the one that the server was made from."""
    wanted = request.body or {}
    admit(request, server_id, RESCUE, 'rescue')
    asked_image.find(request, wanted.get('rescue_image_ref'))
    password = wanted.get('adminPass') or names.new_password(request.settings.password_length)
    not_built('Rescuing a server')
    return {'adminPass': password} if request.settings.enable_instance_password else {}


@route('POST', ACTION, action='unrescue', policy=UNRESCUE, body=nothing('unrescue'), status=202)
def unrescue(request: Request, server_id: str) -> None:
    admit(request, server_id, UNRESCUE, 'unrescue')
    not_built('Ending the rescue of a server')
