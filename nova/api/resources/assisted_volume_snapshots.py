"""Snapshots of volumes that the volume service cannot make without the host that uses them."""

import json
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.verbs import not_built
from nova.api.routes import route
from nova.api.schema import QUERY_TEXT, UUID, Body, Field, Query

CREATE = policy.service('os_compute_api:os-assisted-volume-snapshots:create', 'Make a snapshot of a volume in use.')
DELETE = policy.service('os_compute_api:os-assisted-volume-snapshots:delete', 'Remove a snapshot of a volume in use.')

_TEXT = {'type': 'string', 'minLength': 1, 'maxLength': 255}
CREATE_INFO = {
    'type': 'object',
    'properties': {
        'snapshot_id': UUID,
        'type': {'type': 'string', 'enum': ['qcow2']},
        'new_file': _TEXT,
        'id': UUID,
    },
    'required': ['snapshot_id', 'type', 'new_file'],
    'additionalProperties': False,
}
SNAPSHOT = Body('snapshot', Field('volume_id', UUID, required=True), Field('create_info', CREATE_INFO, required=True))
# A JSON object in a parameter: volume_id, and which files are to be merged.
DELETE_INFO = Query(Field('delete_info', QUERY_TEXT, required=True, many=True))


@route('POST', '/os-assisted-volume-snapshots', policy=CREATE, body=SNAPSHOT)
def create(request: Request) -> dict[str, Any]:
    not_built('Making a snapshot of a volume in use')


@route('DELETE', '/os-assisted-volume-snapshots/{snapshot_id}', policy=DELETE, query=DELETE_INFO, status=204)
def delete(request: Request, snapshot_id: str) -> None:
    try:
        info = json.loads(request.params['delete_info'])
    except (ValueError, RecursionError):
        raise errors.Invalid('delete_info must be JSON.')
    if not isinstance(info, dict) or not isinstance(info.get('volume_id'), str):
        raise errors.Invalid('delete_info must name the volume_id.')
    not_built('Removing a snapshot of a volume in use')
