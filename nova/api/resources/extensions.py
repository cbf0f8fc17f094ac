"""Extensions: what clients asked about before there were microversions. All of them are always there."""

from typing import Any

from nova.api import policy
from nova.api.extension_table import EXTENSIONS
from nova.api.faults import NoRoute
from nova.api.request import Request
from nova.api.routes import route

SEE = policy.any_authenticated('os_compute_api:extensions', 'List the extensions, or show one.')

_SHOWN = {
    alias: {
        'alias': alias,
        'name': name,
        'description': description,
        'links': [],
        'namespace': 'http://docs.openstack.org/compute/ext/fake_xml',
        'updated': '2014-12-03T00:00:00Z',
    }
    for alias, name, description in EXTENSIONS
}


@route('GET', '/extensions', policy=SEE, samples=('extension-info/extensions-list-resp.json',))
def listing(request: Request) -> dict[str, Any]:
    return {'extensions': list(_SHOWN.values())}


@route('GET', '/extensions/{alias}', policy=SEE, samples=('extension-info/extensions-get-resp.json',))
def show(request: Request, alias: str) -> dict[str, Any]:
    if alias not in _SHOWN:
        raise NoRoute
    return {'extension': _SHOWN[alias]}
