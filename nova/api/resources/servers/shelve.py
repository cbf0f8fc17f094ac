"""Take a server off its host and keep it as an image, until it is wanted again."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers import new_image, targets, tpm
from nova.api.resources.servers.verbs import ACTION, admit, begin, nothing
from nova.api.routes import route
from nova.api.schema import HOST_NAME, NAME, Body
from nova.domain.lifecycle import State
from nova.domain.server import SHELVED_IMAGE_ID
from nova.operations.guest_operation import shutdown_timeout, with_guest
from nova.operations.shelve_offload_server import ShelveOffloadServer
from nova.operations.shelve_server import ShelveServer
from nova.operations.unshelve_server import UnshelveServer

SHELVE = policy.project_member('os_compute_api:os-shelve:shelve', 'Shelves a server.')
OFFLOAD = policy.admin('os_compute_api:os-shelve:shelve_offload', 'Takes a shelved server off its host.')
UNSHELVE = policy.project_member('os_compute_api:os-shelve:unshelve', 'Brings a shelved server back.')
UNSHELVE_TO_HOST = policy.admin('os_compute_api:os-shelve:unshelve_to_host', 'Brings a server back to a chosen host.')


def _where(properties: dict[str, Any], **rules: Any) -> Body:
    return Body(
        'unshelve',
        inner={'type': ['object', 'null'], 'properties': properties, 'additionalProperties': False, **rules},
    )


INTO_ZONE = _where({'availability_zone': NAME}, required=['availability_zone'])
TO_HOST = _where({'availability_zone': {**NAME, 'type': ['string', 'null']}, 'host': HOST_NAME}, minProperties=1)


@route('POST', ACTION, action='shelve', policy=SHELVE, body=nothing('shelve'), status=202)
def shelve(request: Request, server_id: str) -> None:
    """What is on its disk is kept in an image; what boots from a volume has it there."""
    server = admit(request, server_id, SHELVE, 'shelve')
    tpm.refuse_leaving(server, 'shelved')
    guest = with_guest(server)
    image_id = new_image.record(request, server, f'{server.name}-shelved') if server.image_id else None
    operation = ShelveServer(
        **guest,
        before=server.state,
        image_id=image_id,
        timeout=shutdown_timeout(server),
        former_image_id=server.system_metadata.get(SHELVED_IMAGE_ID),
    )
    new_image.fill(request, operation, image_id)


@route('POST', ACTION, action='shelveOffload', policy=OFFLOAD, body=nothing('shelveOffload'), status=202)
def offload(request: Request, server_id: str) -> None:
    server = admit(request, server_id, OFFLOAD, 'shelve_offload')
    name = server.guest_name(request.settings.instance_name_template)
    begin(request, ShelveOffloadServer(**with_guest(server), guest_name=name))


@route('POST', ACTION, action='unshelve', policy=UNSHELVE, body=nothing('unshelve'), status=202, until='2.76')
@route('POST', ACTION, action='unshelve', policy=UNSHELVE, body=INTO_ZONE, status=202, since='2.77', until='2.90')
@route('POST', ACTION, action='unshelve', policy=UNSHELVE, body=TO_HOST, status=202, since='2.91')
def unshelve(request: Request, server_id: str) -> None:
    """Only a server that has left its host can be sent elsewhere. A zone of null lets it be in any from now on."""
    where = request.body or {}
    if where.get('host'):
        request.require(UNSHELVE_TO_HOST)
    server = admit(request, server_id, UNSHELVE, 'unshelve')
    if where and server.state is not State.SHELVED_OFFLOADED:
        raise errors.Conflict(
            f'Server {server.id} has status {server.state.name}: a zone or a host can be chosen only for a server '
            'whose status is SHELVED_OFFLOADED.'
        )
    targets.refuse_unknown_zone(request, where.get('availability_zone'))
    targets.refuse_unknown_host(request, where.get('host'))
    operation = UnshelveServer(
        server.id,
        server.cell_id,
        None if server.state is State.SHELVED_OFFLOADED else server.host,
        image_id=server.system_metadata.get(SHELVED_IMAGE_ID),
        wanted_host=where.get('host'),
        zone=where.get('availability_zone', server.pinned_availability_zone),
    )
    begin(request, operation)
