"""The documents that say which versions of the API there are. Nobody needs a token for them."""

from typing import Any

import webob

from nova.api.microversions import MAX, MIN
from nova.api.request import Answer

_UPDATED = {'v2.0': '2011-01-21T11:33:21Z', 'v2.1': '2013-07-23T11:33:21Z'}
_PATHS = {'/v2': 'v2.0', '/v2.1': 'v2.1'}
_STATUS = {'v2.0': 'SUPPORTED', 'v2.1': 'CURRENT'}
_MEDIA = 'application/vnd.openstack.compute+json;version='


def document(environ: dict[str, Any]) -> Answer | None:
    """The document at this path, or None if the request is for something else."""
    path = environ.get('PATH_INFO', '').rstrip('/')
    if environ.get('REQUEST_METHOD') not in ('GET', 'HEAD'):
        return None
    base = webob.Request(environ).application_url.rstrip('/')
    if path in ('', '/versions'):
        return Answer({'versions': [_summary(base, path, name) for path, name in _PATHS.items()]}, status=300)
    if path in _PATHS:
        return Answer({'version': _whole(base, path, _PATHS[path])}, status=200)
    return None


def _summary(base: str, path: str, name: str) -> dict[str, Any]:
    newest, oldest = (str(MAX), str(MIN)) if name == 'v2.1' else ('', '')
    return {
        'id': name,
        'status': _STATUS[name],
        'version': newest,
        'min_version': oldest,
        'updated': _UPDATED[name],
        'links': [{'rel': 'self', 'href': f'{base}{path}/'}],
    }


def _whole(base: str, path: str, name: str) -> dict[str, Any]:
    whole = _summary(base, path, name)
    whole['links'].append({'rel': 'describedby', 'type': 'text/html', 'href': 'http://docs.openstack.org/'})
    whole['media-types'] = [{'base': 'application/json', 'type': _MEDIA + name.lstrip('v').removesuffix('.0')}]
    return whole
