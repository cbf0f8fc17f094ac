"""Look at a server's console: what it has written, and an address to open it at."""

import datetime
import hashlib
import secrets
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.db.stores import console_tokens
from nova.domain.guest import ConsoleGrant
from nova.domain.lifecycle import State
from nova.domain.server import Server

OUTPUT = policy.project_member('os_compute_api:os-console-output', "Shows what a server's console has written.")
OPEN = policy.project_member('os_compute_api:os-remote-consoles', "Gives an address to open a server's console at.")

NOVNC = 'novnc'
_PROTOCOLS = {'vnc': ('novnc', 'xvpvnc'), 'spice': ('spice-html5',), 'serial': ('serial',), 'rdp': ('rdp-html5',)}
_TYPES = tuple(kind for kinds in _PROTOCOLS.values() for kind in kinds)

_LENGTH = {'type': ['integer', 'string', 'null'], 'pattern': '^-?[0-9]{1,9}$', 'minimum': -1, 'maximum': 999999999}
GET_OUTPUT = Body('os-getConsoleOutput', Field('length', _LENGTH))
GET_VNC = Body('os-getVNCConsole', Field('type', {'type': 'string', 'enum': ['novnc', 'xvpvnc']}, required=True))
GET_SPICE = Body('os-getSPICEConsole', Field('type', {'type': 'string', 'enum': ['spice-html5']}, required=True))
GET_SERIAL = Body('os-getSerialConsole', Field('type', {'type': 'string', 'enum': ['serial']}, required=True))
REMOTE = Body(
    'remote_console',
    Field('protocol', {'type': 'string', 'enum': list(_PROTOCOLS)}, until='2.7', required=True),
    Field('type', {'type': 'string', 'enum': list(_TYPES)}, until='2.7', required=True),
    Field('protocol', {'type': 'string', 'enum': [*_PROTOCOLS, 'mks']}, since='2.8', required=True),
    Field('type', {'type': 'string', 'enum': [*_TYPES, 'webmks']}, since='2.8', required=True),
)


@route(
    'POST',
    '/servers/{server_id}/action',
    action='os-getConsoleOutput',
    policy=OUTPUT,
    body=GET_OUTPUT,
    samples=('os-console-output/console-output-post-resp.json',),
)
def output(request: Request, server_id: str) -> dict[str, Any]:
    server = _with_guest(request, server_id, OUTPUT)
    length = request.body.get('length')
    lines = None if length is None or int(length) < 0 else int(length)
    text = _host(request, server).console_output(request.context, server_id=server.id, length=lines)
    return {'output': text}


@route(
    'POST',
    '/servers/{server_id}/action',
    action='os-getVNCConsole',
    policy=OPEN,
    body=GET_VNC,
    until='2.5',
    samples=('os-remote-consoles/get-vnc-console-post-resp.json',),
)
def vnc(request: Request, server_id: str) -> dict[str, Any]:
    return {'console': _open(request, server_id, request.body['type'])}


@route('POST', '/servers/{server_id}/action', action='os-getSPICEConsole', policy=OPEN, body=GET_SPICE, until='2.5')
def spice(request: Request, server_id: str) -> dict[str, Any]:
    return {'console': _open(request, server_id, request.body['type'])}


@route('POST', '/servers/{server_id}/action', action='os-getSerialConsole', policy=OPEN, body=GET_SERIAL, until='2.5')
def serial(request: Request, server_id: str) -> dict[str, Any]:
    return {'console': _open(request, server_id, request.body['type'])}


@route(
    'POST',
    '/servers/{server_id}/remote-consoles',
    policy=OPEN,
    body=REMOTE,
    since='2.6',
    samples=('os-remote-consoles/v2.6/create-vnc-console-resp.json',),
)
def remote(request: Request, server_id: str) -> dict[str, Any]:
    protocol, kind = request.body['protocol'], request.body['type']
    if kind not in _PROTOCOLS.get(protocol, ('webmks',)):
        raise errors.Invalid(f'Invalid input for field/attribute type. Value: {kind}. It does not go with {protocol}.')
    return {'remote_console': {'protocol': protocol, **_open(request, server_id, kind)}}


def _open(request: Request, server_id: str, kind: str) -> dict[str, str]:
    """The address of the console, with a token that lets its bearer in for a while. Only the token's hash is kept."""
    server = _with_guest(request, server_id, OPEN)
    if kind != NOVNC or not request.settings.vnc_enabled:
        raise errors.Invalid(f'Unavailable console type {kind}.')
    address = _host(request, server).console_address(request.context, server_id=server.id, kind=kind)
    base = request.settings.novncproxy_base_url
    token = secrets.token_urlsafe(32)
    expires_at = request.services.clock() + datetime.timedelta(seconds=request.settings.console_token_ttl)
    grant = ConsoleGrant(server.id, address, base, expires_at)
    with request.databases.cell(server.cell_id).writing() as tx:
        console_tokens.create(tx, hashlib.sha256(token.encode()).hexdigest(), grant)
    return {'type': kind, 'url': f'{base}{"&" if "?" in base else "?"}path=%3Ftoken%3D{token}'}


def _with_guest(request: Request, server_id: str, rule: policy.Rule) -> Server:
    server = find(request, server_id, rule)
    if not server.host or server.state in (State.BUILDING, State.SHELVED_OFFLOADED):
        raise errors.Conflict(f'Instance {server.id} is not ready')
    return server


def _host(request: Request, server: Server) -> Any:
    return request.services.compute(server.host, server.cell_id)
