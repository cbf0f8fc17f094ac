"""Snapshots of volumes, until 2.35: what the volume service tells and does for the user who asks us."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.proxies.volumes import PAGE, UNTIL, page
from nova.api.routes import route
from nova.api.schema import BOOLEAN, STRING, Body, Field, truth
from nova.domain.volume import VolumeSnapshot

INDEX = policy.project_reader('os_compute_api:os-volumes:snapshots:list', 'Lists snapshots of volumes.')
DETAIL = policy.project_reader('os_compute_api:os-volumes:snapshots:detail', 'Lists snapshots with all particulars.')
CREATE = policy.project_member('os_compute_api:os-volumes:snapshots:create', 'Creates a snapshot of a volume.')
SHOW = policy.project_reader('os_compute_api:os-volumes:snapshots:show', 'Shows a snapshot of a volume.')
DELETE = policy.project_member('os_compute_api:os-volumes:snapshots:delete', 'Deletes a snapshot of a volume.')

_TEXT = STRING | {'type': ['string', 'null']}
SNAPSHOT = Body(
    'snapshot',
    Field('volume_id', STRING, required=True),
    Field('display_name', _TEXT),
    Field('display_description', _TEXT),
    Field('force', BOOLEAN),
    loose_until=UNTIL,
)


@route(
    'GET', '/os-snapshots', policy=INDEX, query=PAGE, until=UNTIL, samples=('os-snapshots/snapshots-list-resp.json',)
)
def index(request: Request) -> dict[str, Any]:
    return _page(request)


@route(
    'GET',
    '/os-snapshots/detail',
    policy=DETAIL,
    query=PAGE,
    until=UNTIL,
    samples=('os-snapshots/snapshots-detail-resp.json',),
)
def detail(request: Request) -> dict[str, Any]:
    return _page(request)


@route(
    'POST',
    '/os-snapshots',
    policy=CREATE,
    body=SNAPSHOT,
    until=UNTIL,
    samples=('os-snapshots/snapshot-create-resp.json',),
)
def create(request: Request) -> dict[str, Any]:
    asked = request.body
    made = request.services.volumes.of(request.context).create_snapshot(
        asked['volume_id'], asked.get('display_name'), asked.get('display_description'), truth(asked.get('force'))
    )
    return {'snapshot': _view(made)}


@route(
    'GET',
    '/os-snapshots/{snapshot_id}',
    policy=SHOW,
    until=UNTIL,
    samples=('os-snapshots/snapshots-show-resp.json',),
)
def show(request: Request, snapshot_id: str) -> dict[str, Any]:
    return {'snapshot': _view(request.services.volumes.of(request.context).snapshot(snapshot_id))}


@route('DELETE', '/os-snapshots/{snapshot_id}', policy=DELETE, until=UNTIL, status=202)
def delete(request: Request, snapshot_id: str) -> None:
    request.services.volumes.of(request.context).delete_snapshot(snapshot_id)


def _page(request: Request) -> dict[str, Any]:
    found = request.services.volumes.of(request.context).snapshots(*page(request))
    return {'snapshots': [_view(snapshot) for snapshot in found]}


def _view(snapshot: VolumeSnapshot) -> dict[str, Any]:
    return {
        'id': snapshot.id,
        'volumeId': snapshot.volume_id,
        'status': snapshot.status,
        'size': snapshot.size_gb,
        'createdAt': snapshot.created_at,
        'displayName': snapshot.name,
        'displayDescription': snapshot.description,
    }
