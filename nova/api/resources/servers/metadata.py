"""Show and change the metadata that users give their servers."""

from typing import Any

from nova import errors
from nova.api import policy, quota
from nova.api.request import Request
from nova.api.resources.servers.find import find, find_placed
from nova.api.routes import route
from nova.api.schema import METADATA, METADATA_KEY, Body
from nova.db.stores import servers
from nova.domain.server import Server

INDEX = policy.project_reader('os_compute_api:server-metadata:index', "Lists a server's metadata.")
SHOW = policy.project_reader('os_compute_api:server-metadata:show', "Shows an item of a server's metadata.")
CREATE = policy.project_member('os_compute_api:server-metadata:create', "Adds to a server's metadata.")
UPDATE_ALL = policy.project_member('os_compute_api:server-metadata:update_all', "Replaces a server's metadata.")
UPDATE = policy.project_member('os_compute_api:server-metadata:update', "Sets an item of a server's metadata.")
DELETE = policy.project_member('os_compute_api:server-metadata:delete', "Removes an item of a server's metadata.")

ALL = Body('metadata', inner=METADATA)
ONE = Body(
    'meta',
    inner={
        'type': 'object',
        'patternProperties': {METADATA_KEY: {'type': 'string', 'maxLength': 255}},
        'additionalProperties': False,
        'minProperties': 1,
        'maxProperties': 1,
    },
)
_SAMPLE_ALL = ('server-metadata/server-metadata-all-resp.json',)
_SAMPLE_ONE = ('server-metadata/server-metadata-resp.json',)


@route('GET', '/servers/{server_id}/metadata', policy=INDEX, samples=_SAMPLE_ALL)
def index(request: Request, server_id: str) -> dict[str, Any]:
    return {'metadata': find(request, server_id, INDEX).metadata}


@route('POST', '/servers/{server_id}/metadata', policy=CREATE, body=ALL, samples=_SAMPLE_ALL)
def create(request: Request, server_id: str) -> dict[str, Any]:
    server = find_placed(request, server_id, CREATE)
    return {'metadata': _keep(request, server, server.metadata | request.body)}


@route('PUT', '/servers/{server_id}/metadata', policy=UPDATE_ALL, body=ALL, samples=_SAMPLE_ALL)
def update_all(request: Request, server_id: str) -> dict[str, Any]:
    return {'metadata': _keep(request, find_placed(request, server_id, UPDATE_ALL), request.body)}


@route('GET', '/servers/{server_id}/metadata/{key}', policy=SHOW, samples=_SAMPLE_ONE)
def show(request: Request, server_id: str, key: str) -> dict[str, Any]:
    return {'meta': {key: _item(find(request, server_id, SHOW), key)}}


@route('PUT', '/servers/{server_id}/metadata/{key}', policy=UPDATE, body=ONE, samples=_SAMPLE_ONE)
def update(request: Request, server_id: str, key: str) -> dict[str, Any]:
    if key not in request.body:
        raise errors.Invalid('Request body and URI mismatch')
    server = find_placed(request, server_id, UPDATE)
    _keep(request, server, server.metadata | request.body)
    return {'meta': request.body}


@route('DELETE', '/servers/{server_id}/metadata/{key}', policy=DELETE, status=204)
def delete(request: Request, server_id: str, key: str) -> None:
    server = find_placed(request, server_id, DELETE)
    _item(server, key)
    _keep(request, server, {name: value for name, value in server.metadata.items() if name != key})


def _item(server: Server, key: str) -> str:
    if key not in server.metadata:
        raise errors.NotFound('Metadata item was not found')
    return server.metadata[key]


def _keep(request: Request, server: Server, metadata: dict[str, str]) -> dict[str, str]:
    quota.refuse_many_metadata(request, metadata)
    with request.databases.cell(server.cell_id).writing() as tx:
        servers.set_metadata(tx, server.id, metadata)
    return metadata
