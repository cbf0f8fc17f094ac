"""Volumes, until 2.35: what the volume service tells and does for the user who asks us."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import METADATA, QUERY_NUMBER, STRING, Body, Field, Query, integer, whole
from nova.domain.volume import Volume

UNTIL = '2.35'
INDEX = policy.project_reader('os_compute_api:os-volumes:list', 'Lists volumes.')
DETAIL = policy.project_reader('os_compute_api:os-volumes:detail', 'Lists volumes with all their particulars.')
CREATE = policy.project_member('os_compute_api:os-volumes:create', 'Creates a volume.')
SHOW = policy.project_reader('os_compute_api:os-volumes:show', 'Shows a volume.')
DELETE = policy.project_member('os_compute_api:os-volumes:delete', 'Deletes a volume.')

PAGE = Query(Field('limit', QUERY_NUMBER, many=True), Field('offset', QUERY_NUMBER, many=True))
_TEXT = STRING | {'type': ['string', 'null']}
VOLUME = Body(
    'volume',
    Field('size', integer(1), required=True),
    Field('display_name', _TEXT),
    Field('display_description', _TEXT),
    Field('volume_type', _TEXT),
    Field('metadata', METADATA | {'type': ['object', 'null']}),
    Field('snapshot_id', _TEXT),
    Field('availability_zone', _TEXT),
    loose_until=UNTIL,
)
# What the volume service calls the fields.
_THEIRS = {
    'display_name': 'name',
    'display_description': 'description',
    'volume_type': 'volume_type',
    'metadata': 'metadata',
    'snapshot_id': 'snapshot_id',
    'availability_zone': 'availability_zone',
}


@route('GET', '/os-volumes', policy=INDEX, query=PAGE, until=UNTIL, samples=('os-volumes/os-volumes-index-resp.json',))
def index(request: Request) -> dict[str, Any]:
    return _page(request)


@route(
    'GET',
    '/os-volumes/detail',
    policy=DETAIL,
    query=PAGE,
    until=UNTIL,
    samples=('os-volumes/os-volumes-detail-resp.json',),
)
def detail(request: Request) -> dict[str, Any]:
    return _page(request)


@route(
    'POST',
    '/os-volumes',
    policy=CREATE,
    body=VOLUME,
    until=UNTIL,
    samples=('os-volumes/os-volumes-post-resp.json',),
)
def create(request: Request) -> dict[str, Any]:
    asked = request.body
    fields = {theirs: asked[ours] for ours, theirs in _THEIRS.items() if asked.get(ours) is not None}
    volumes = request.services.volumes.of(request.context)
    return {'volume': _view(volumes.create_volume(whole(asked['size'], 'size', 1), **fields))}


@route(
    'GET',
    '/os-volumes/{volume_id}',
    policy=SHOW,
    until=UNTIL,
    samples=('os-volumes/os-volumes-get-resp.json',),
)
def show(request: Request, volume_id: str) -> dict[str, Any]:
    return {'volume': _view(request.services.volumes.of(request.context).volume(volume_id))}


@route('DELETE', '/os-volumes/{volume_id}', policy=DELETE, until=UNTIL, status=202)
def delete(request: Request, volume_id: str) -> None:
    try:
        request.services.volumes.of(request.context).delete_volume(volume_id)
    except errors.Conflict as failure:
        raise errors.Invalid(str(failure)) from failure


def page(request: Request) -> tuple[int, int]:
    """`limit` and `offset` of a list that is not followed from one page to the next."""
    limit, _ = request.page()
    return limit, int(request.params.get('offset', 0))


def _page(request: Request) -> dict[str, Any]:
    found = request.services.volumes.of(request.context).volumes(*page(request))
    return {'volumes': [_view(volume) for volume in found]}


def _view(volume: Volume) -> dict[str, Any]:
    return {
        'id': volume.id,
        'status': volume.status,
        'size': volume.size_gb,
        'availabilityZone': volume.availability_zone,
        'createdAt': volume.created_at,
        'displayName': volume.name,
        'displayDescription': volume.description,
        'volumeType': volume.type,
        'snapshotId': volume.snapshot_id,
        'metadata': volume.metadata,
        # Clients know a volume that no server has by one empty attachment.
        'attachments': [
            {'id': volume.id, 'volumeId': volume.id, 'serverId': held.server_id, 'device': held.device}
            for held in volume.attachments
        ]
        or [{}],
    }
