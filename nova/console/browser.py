"""What browsers ask a console proxy: read a request's head, and answer it."""

import dataclasses
import http
import mimetypes
import os
import posixpath
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

LONGEST_HEAD = 16 * 1024

# Names under which one page has been known; the first that exists is served.
SAME_PAGE = {
    '/vnc_auto.html': ('vnc_auto.html', 'vnc_lite.html'),
    '/vnc_lite.html': ('vnc_lite.html', 'vnc_auto.html'),
    '/': ('index.html', 'vnc_lite.html', 'vnc_auto.html'),
}

MISSING_CLIENT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Console</title></head>
<body><h1>Console</h1>
<p id="state">Connecting to the console.</p>
<p>This proxy found no noVNC client in its directory of pages. On Debian and Ubuntu, the package <code>novnc</code>
has it; elsewhere, set the option <code>web</code> to the directory that holds it.</p>
<script>
const state = document.getElementById('state');
const path = new URLSearchParams(location.search).get('path');
if (!path) {
  state.textContent = 'The URL names no console; ask for a new one.';
} else {
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const socket = new WebSocket(scheme + location.host + '/' + path, ['binary']);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = (event) => {
    const greeting = new TextDecoder().decode(event.data).trim();
    state.textContent = 'The console answers: ' + greeting;
    socket.close();
  };
  socket.onerror = () => { state.textContent = 'The console does not answer, or its time is over.'; };
}
</script></body></html>
"""


class Malformed(Exception):
    """What arrived is not a request that a browser sends."""


@dataclasses.dataclass(frozen=True)
class Head:
    """The head of a request. Header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path) or '/'

    @property
    def wants_websocket(self) -> bool:
        return 'websocket' in self.headers.get('upgrade', '').lower()

    @property
    def token(self) -> str | None:
        """The console token: in the query, or in a path that is itself in the query, as noVNC's pages are called."""
        query = parse_qs(urlsplit(self.target).query)
        if 'token' in query:
            return query['token'][0]
        nested = query.get('path', [''])[0]
        return parse_qs(urlsplit('/' + nested.lstrip('/')).query).get('token', [None])[0]


def read_head(receive: Callable[[int], bytes]) -> tuple[Head, bytes] | None:
    """The head, and what arrived after it; None when the peer closes before it said anything."""
    data = b''
    while b'\r\n\r\n' not in data:
        piece = receive(4096)
        if not piece:
            if data:
                raise Malformed('The request ended too early.')
            return None
        data += piece
        if len(data) > LONGEST_HEAD:
            raise Malformed('The request is too long.')
    head, _, rest = data.partition(b'\r\n\r\n')
    return parse_head(head), rest


def parse_head(data: bytes) -> Head:
    first, *lines = data.decode('latin-1').split('\r\n')
    words = first.split(' ')
    if len(words) != 3 or not words[2].startswith('HTTP/1.') or not words[1].startswith('/'):
        raise Malformed('This is not an HTTP request.')
    try:
        urlsplit(words[1])
    except ValueError as failure:
        raise Malformed('The address is malformed.') from failure
    headers = {}
    for line in lines:
        name, colon, value = line.partition(':')
        if not colon or not name or name != name.strip():
            raise Malformed('A header is malformed.')
        headers[name.lower()] = value.strip()
    return Head(words[0], words[1], headers)


def response(status: int, body: bytes, kind: str = 'text/plain; charset=utf-8', with_body: bool = True) -> bytes:
    """A whole response, after which the connection is closed."""
    head = (
        f'HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n'
        f'Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n'
        # The page's URL has the token in it, which must not travel on to other sites.
        'Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n\r\n'
    )
    return head.encode() + (body if with_body else b'')


def switching(key: str, protocol: str | None) -> bytes:
    """The response that turns the connection into a WebSocket; `key` is already the accepting one."""
    chosen = f'Sec-WebSocket-Protocol: {protocol}\r\n' if protocol else ''
    return (
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        f'Sec-WebSocket-Accept: {key}\r\n{chosen}\r\n'
    ).encode()


class Pages:
    """The files of the client in the browser, from one directory and nowhere else."""

    def __init__(self, directory: str | None):
        self._directory = directory if directory and os.path.isdir(directory) else None

    def answer(self, head: Head) -> bytes:
        if head.method not in ('GET', 'HEAD'):
            return response(405, b'Only GET is served here.\n')
        with_body = head.method == 'GET'
        for name in SAME_PAGE.get(head.path, (head.path.lstrip('/'),)):
            found = self._read(name)
            if found is not None:
                kind = mimetypes.guess_type(name)[0] or 'application/octet-stream'
                return response(200, found, kind, with_body)
        if head.path in SAME_PAGE:
            return response(200, MISSING_CLIENT.encode(), 'text/html; charset=utf-8', with_body)
        return response(404, b'There is no such page.\n', with_body=with_body)

    def _read(self, name: str) -> bytes | None:
        wanted = posixpath.normpath(name)
        if self._directory is None or wanted.startswith(('..', '/')) or '\0' in wanted or '/.' in f'/{wanted}':
            return None
        try:
            with open(os.path.join(self._directory, wanted), 'rb') as file:
                return file.read()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
            return None
