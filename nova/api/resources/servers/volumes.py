"""Show a server's volumes, add some, exchange them and take them away."""

import dataclasses
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.resources.servers.verbs import admit, not_built
from nova.api.routes import route
from nova.api.schema import BOOLEAN, TAG, UUID, Body, Field
from nova.domain import lifecycle
from nova.domain.lifecycle import TRANSITIONS, State
from nova.domain.server import Server

INDEX = policy.project_reader('os_compute_api:os-volumes-attachments:index', "Lists a server's volumes.")
SHOW = policy.project_reader('os_compute_api:os-volumes-attachments:show', "Shows one of a server's volumes.")
ATTACH = policy.project_member('os_compute_api:os-volumes-attachments:create', 'Attaches a volume to a server.')
UPDATE = policy.project_member('os_compute_api:os-volumes-attachments:update', 'Changes how a volume is attached.')
SWAP = policy.service('os_compute_api:os-volumes-attachments:swap', 'Exchanges a volume of a server for another.')
DETACH = policy.project_member('os_compute_api:os-volumes-attachments:delete', 'Detaches a volume from a server.')

_SHELVED = (State.SHELVED, State.SHELVED_OFFLOADED)
_DEVICE = {'type': ['string', 'null'], 'maxLength': 255, 'pattern': '^/dev/[a-z]+[0-9]*$'}
VOLUME = Body(
    'volumeAttachment',
    Field('volumeId', UUID, required=True),
    Field('device', _DEVICE),
    Field('tag', TAG, since='2.49'),
    Field('delete_on_termination', BOOLEAN, since='2.79'),
)
OTHER_VOLUME = Body(
    'volumeAttachment',
    Field('volumeId', UUID, required=True),
    Field('id', UUID, since='2.85'),
    Field('serverId', UUID, since='2.85'),
    Field('device', _DEVICE, since='2.85'),
    Field('tag', TAG, since='2.85'),
    Field('delete_on_termination', BOOLEAN, since='2.85'),
)


@route('GET', '/servers/{server_id}/os-volume_attachments', policy=INDEX)
def index(request: Request, server_id: str) -> dict[str, Any]:
    """Nothing yet: this cloud has no volumes."""
    find(request, server_id, INDEX)
    return {'volumeAttachments': []}


@route('GET', '/servers/{server_id}/os-volume_attachments/{volume_id}', policy=SHOW)
def show(request: Request, server_id: str, volume_id: str) -> dict[str, Any]:
    find(request, server_id, SHOW)
    raise errors.NotFound(f'Instance {server_id} is not attached to volume {volume_id[:64]}')


@route('POST', '/servers/{server_id}/os-volume_attachments', policy=ATTACH, body=VOLUME)
def attach(request: Request, server_id: str) -> None:
    server = admit(request, server_id, ATTACH, 'attach_volume')
    _refuse_shelved(request, server, 'attach_volume')
    if request.body.get('tag') and server.state is State.SHELVED_OFFLOADED:
        raise errors.Invalid('A volume cannot be attached with a tag to a server that is shelved and offloaded.')
    not_built('Attaching a volume')


@route(
    'PUT',
    '/servers/{server_id}/os-volume_attachments/{volume_id}',
    policy=SWAP,
    body=OTHER_VOLUME,
    status=202,
    until='2.84',
)
def swap(request: Request, server_id: str, volume_id: str) -> None:
    admit(request, server_id, SWAP, 'swap_volume')
    not_built('Exchanging a volume')


# Which rule holds is known by the body alone.
@route(
    'PUT',
    '/servers/{server_id}/os-volume_attachments/{volume_id}',
    policy=None,
    body=OTHER_VOLUME,
    status=202,
    since='2.85',
)
def update(request: Request, server_id: str, volume_id: str) -> None:
    """Another volume takes the place of this one; the same keeps it, with `delete_on_termination` as asked."""
    other = request.body['volumeId'] != volume_id
    rule = SWAP if other else UPDATE
    request.require(rule)
    if other:
        admit(request, server_id, rule, 'swap_volume')
    else:
        _refuse_other_changes(request, find(request, server_id, rule), volume_id)
    not_built('Exchanging or changing a volume')


@route('DELETE', '/servers/{server_id}/os-volume_attachments/{volume_id}', policy=DETACH, status=202)
def detach(request: Request, server_id: str, volume_id: str) -> None:
    server = admit(request, server_id, DETACH, 'detach_volume')
    _refuse_shelved(request, server, 'detach_volume')
    not_built('Detaching a volume')


def _refuse_shelved(request: Request, server: Server, verb: str) -> None:
    """Until 2.19 volumes could not come to shelved servers, nor leave them."""
    if request.version < (2, 20) and server.state in _SHELVED:
        rule = TRANSITIONS[verb]
        old = dataclasses.replace(rule, allowed=rule.allowed - set(_SHELVED))
        raise errors.Conflict(lifecycle.conflict(old, server.id, server.state))


def _refuse_other_changes(request: Request, server: Server, volume_id: str) -> None:
    fixed = {'id': volume_id, 'serverId': server.id}
    wrong = [name for name, value in fixed.items() if request.body.get(name, value) != value]
    if wrong:
        raise errors.Invalid(f'{wrong[0]} of an attached volume cannot be changed.')
    if 'delete_on_termination' not in request.body:
        raise errors.Invalid('delete_on_termination is missing: nothing else of an attached volume can be changed.')
