"""Show and change the metadata that users give their servers."""

import dataclasses
from collections.abc import Callable
from typing import Any

from nova import errors
from nova.api import policy, quota, tell
from nova.api.request import Request
from nova.api.resources.servers.find import find, find_placed, refuse_unless_made
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
    server = _changeable(request, server_id, CREATE, 'create metadata')
    return {'metadata': _change(request, server, lambda known: known | request.body)}


@route('PUT', '/servers/{server_id}/metadata', policy=UPDATE_ALL, body=ALL, samples=_SAMPLE_ALL)
def update_all(request: Request, server_id: str) -> dict[str, Any]:
    server = _changeable(request, server_id, UPDATE_ALL, 'update metadata')
    return {'metadata': _change(request, server, lambda _known: request.body)}


@route('GET', '/servers/{server_id}/metadata/{key}', policy=SHOW, samples=_SAMPLE_ONE)
def show(request: Request, server_id: str, key: str) -> dict[str, Any]:
    metadata = find(request, server_id, SHOW).metadata
    _refuse_missing(metadata, key)
    return {'meta': {key: metadata[key]}}


@route('PUT', '/servers/{server_id}/metadata/{key}', policy=UPDATE, body=ONE, samples=_SAMPLE_ONE)
def update(request: Request, server_id: str, key: str) -> dict[str, Any]:
    if key not in request.body:
        raise errors.Invalid('Request body and URI mismatch')
    server = _changeable(request, server_id, UPDATE, 'update metadata')
    _change(request, server, lambda known: known | request.body)
    return {'meta': request.body}


@route('DELETE', '/servers/{server_id}/metadata/{key}', policy=DELETE, status=204)
def delete(request: Request, server_id: str, key: str) -> None:
    server = _changeable(request, server_id, DELETE, 'delete metadata')

    def without(known: dict[str, str]) -> dict[str, str]:
        _refuse_missing(known, key)
        return {name: value for name, value in known.items() if name != key}

    _change(request, server, without)


def _refuse_missing(metadata: dict[str, str], key: str) -> None:
    if key not in metadata:
        raise errors.NotFound('Metadata item was not found')


def _changeable(request: Request, server_id: str, rule: policy.Rule, what: str) -> Server:
    server = find_placed(request, server_id, rule)
    if server.locked and not request.context.is_admin:
        raise errors.Conflict(f'Instance {server_id} is locked')
    refuse_unless_made(server, what)
    return server


def _change(request: Request, server: Server, change: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
    def within_quota(known: dict[str, str]) -> dict[str, str]:
        wanted = change(known)
        quota.refuse_many_metadata(request, wanted)
        return wanted

    with request.databases.cell(server.cell_id).writing() as tx:
        metadata = servers.change_metadata(tx, server.id, within_quota)
    tell.server_changed(request, server, dataclasses.replace(server, metadata=metadata))
    return metadata
