"""Find out which server a metadata request comes from."""

import hashlib
import hmac
from collections.abc import Callable

import webob
import webob.exc

from nova.domain.server import Server

FindServer = Callable[[str], Server | None]
# The id of the server that has this address, or None.
FindAddress = Callable[[str], str | None]


def signature(secret: str, server_id: str) -> str:
    """What a proxy that knows the secret puts beside the id of the server that it speaks for."""
    return hmac.new(secret.encode(), server_id.encode(), hashlib.sha256).hexdigest()


class BySignature:
    """The proxy in front of us names the server and signs the name: nobody else may be believed."""

    def __init__(self, find: FindServer, secret: str):
        self._find, self._secret = find, secret

    def __call__(self, request: webob.Request) -> Server:
        server_id = _header(request, 'X-Instance-ID')
        project_id = _header(request, 'X-Tenant-ID')
        claimed = request.headers.get('X-Instance-ID-Signature', '')
        if not hmac.compare_digest(signature(self._secret, server_id).encode(), claimed.encode('utf-8', 'replace')):
            raise webob.exc.HTTPForbidden('Invalid proxy request signature.')
        server = self._find(server_id)
        if server is None or server.project_id != project_id:
            raise webob.exc.HTTPNotFound('There is no such server.')
        return server


class ByAddress:
    """Without a proxy the guest reaches us itself, and its address tells who it is."""

    def __init__(self, find: FindServer, find_address: FindAddress):
        self._find, self._find_address = find, find_address

    def __call__(self, request: webob.Request) -> Server:
        server_id = self._find_address(request.remote_addr) if request.remote_addr else None
        server = self._find(server_id) if server_id else None
        if server is None:
            raise webob.exc.HTTPNotFound(f'No server has the address {request.remote_addr}.')
        return server


def _header(request: webob.Request, name: str) -> str:
    value = request.headers.get(name)
    if not value:
        raise webob.exc.HTTPBadRequest(f'{name} header is missing from request.')
    if ',' in value:
        raise webob.exc.HTTPBadRequest(f'Multiple {name} headers found within request.')
    return value
