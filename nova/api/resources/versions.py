"""The documents that say which versions of the API there are. Those outside a project need no token."""

from typing import Any

import webob

from nova import errors
from nova.api import faults
from nova.api.microversions import MAX, MIN
from nova.api.request import Answer, Request
from nova.api.routes import route

_UPDATED = {'v2.0': '2025-07-04T12:00:00Z', 'v2.1': '2013-07-23T11:33:21Z'}
_PATHS = {'/v2': 'v2.0', '/v2.1': 'v2.1'}
_STATUS = {'v2.0': 'DEPRECATED', 'v2.1': 'CURRENT'}
_MEDIA = 'application/vnd.openstack.compute+json;version='


def document(environ: dict[str, Any], link_prefix: str | None = None) -> Answer | None:
    """The document at this path, or None if the request is for something else."""
    path = environ.get('PATH_INFO', '').rstrip('/')
    if path not in ('', '/versions', *_PATHS):
        return None
    if environ.get('REQUEST_METHOD') not in ('GET', 'HEAD'):
        raise faults.MethodNotAllowed(['GET', 'HEAD'])
    base = (link_prefix or webob.Request(environ).application_url).rstrip('/')
    if path in _PATHS:
        return Answer({'version': _whole(base, path)}, status=200)
    return Answer({'versions': [_summary(base, path) for path in _PATHS]}, status=300)


@route('GET', '/', policy=None)
def of_project(request: Request) -> dict[str, Any]:
    """The document of this version, asked for under a project."""
    return {'version': _whole(request.base, '/v2' if request.legacy else '/v2.1')}


@route(
    'GET',
    '/versions/{version_id}',
    policy=None,
    samples=('versions/v2-version-get-resp.json', 'versions/v21-version-get-resp.json'),
)
def show(request: Request, version_id: str) -> dict[str, Any]:
    """The document of the version with this id."""
    for path, name in _PATHS.items():
        if name == version_id:
            return {'version': _whole(request.base, path)}
    raise errors.NotFound(f'There is no version {version_id[:64]} of this API.')


def _summary(base: str, path: str) -> dict[str, Any]:
    name = _PATHS[path]
    newest, oldest = (str(MAX), str(MIN)) if name == 'v2.1' else ('', '')
    return {
        'id': name,
        'status': _STATUS[name],
        'version': newest,
        'min_version': oldest,
        'updated': _UPDATED[name],
        'links': [{'rel': 'self', 'href': f'{base}{path}/'}],
    }


def _whole(base: str, path: str) -> dict[str, Any]:
    whole = _summary(base, path)
    whole['links'].append({'rel': 'describedby', 'type': 'text/html', 'href': 'http://docs.openstack.org/'})
    whole['media-types'] = [{'base': 'application/json', 'type': _MEDIA + whole['id'].lstrip('v').removesuffix('.0')}]
    return whole
