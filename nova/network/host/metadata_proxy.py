"""Forward guests' requests for metadata to Compute, saying and signing which server asks."""

import hashlib
import hmac
import http.server
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import requests

from nova.network.host.namespace import Namespace

LOG = logging.getLogger(__name__)

MAX_BODY = 65536
MAX_AT_ONCE = 64  # per network
GUEST_TIMEOUT = 30
COMPUTE_TIMEOUT = (5, 60)
# What a guest may not say of itself, and what holds for one connection only.
WITHHELD = {
    'connection',
    'content-length',
    'host',
    'keep-alive',
    'proxy-authorization',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'x-forwarded-for',
    'x-instance-id',
    'x-instance-id-signature',
    'x-tenant-id',
    'x-metadata-provider',
    'x-metadata-provider-signature',
    'x-neutron-network-id',
    'x-neutron-router-id',
}
NOT_RETURNED = {'connection', 'content-encoding', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'}

DeviceAt = Callable[[str, str], tuple[str, str] | None]


def headers_for(given: Mapping[str, str], address: str, server_id: str, project_id: str, secret: str) -> dict[str, str]:
    """The headers of the forwarded request."""
    kept = {name: value for name, value in given.items() if name.lower() not in WITHHELD}
    return kept | {
        'X-Forwarded-For': address,
        'X-Instance-ID': server_id,
        'X-Tenant-ID': project_id,
        'X-Instance-ID-Signature': hmac.new(secret.encode(), server_id.encode(), hashlib.sha256).hexdigest(),
        'Accept-Encoding': 'identity',
    }


class Forwarder:
    """Answers one guest's request: finds the server by network and address, asks Compute."""

    def __init__(self, url: str, secret: str, device_at: DeviceAt):
        self._url, self._secret, self._device_at = url.rstrip('/'), secret, device_at
        self._session = requests.Session()
        self._session.trust_env = False

    def answer(
        self, network_id: str, address: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        found = self._device_at(network_id, address)
        if found is None:
            LOG.warning('No port of network %s has the address %s, which asked for metadata.', network_id, address)
            return _plain(404, 'No server has this address.')
        try:
            reply = self._session.request(
                method,
                self._url + path,
                headers=headers_for(headers, address, *found, self._secret),
                data=body,
                timeout=COMPUTE_TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as failure:
            LOG.warning('The metadata service does not answer: %s', failure)
            return _plain(503, 'The metadata service does not answer; try again later.')
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in NOT_RETURNED}
        return reply.status_code, kept, reply.content


class MetadataProxies:
    """A listener on each bridge. It is bound to the bridge, so it knows the network even where addresses overlap."""

    def __init__(self, namespace: Namespace, port: int, forwarder: Forwarder):
        self._namespace, self._port, self._forwarder = namespace, port, forwarder
        self._listeners: dict[tuple[str, str, int], _Listener] = {}

    def ensure(self, bridges: Mapping[str, tuple[str, int]]) -> None:
        """`bridges` has name and index of each network's bridge: one that was made anew needs a new listener."""
        wanted = {(network_id, name, index) for network_id, (name, index) in bridges.items()}
        for key in set(self._listeners) - wanted:
            self._listeners.pop(key).stop()
        for key in wanted - set(self._listeners):
            network_id, name, _ = key
            opened = self._namespace.inside(lambda name=name: _listen(name, self._port))
            listener = self._listeners[key] = _Listener(opened, network_id, self._forwarder)
            listener.start()

    def stop(self) -> None:
        self.ensure({})


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, opened: socket.socket, network_id: str, forwarder: Forwarder):
        super().__init__(opened.getsockname(), _handler(network_id, forwarder), bind_and_activate=False)
        self.socket.close()
        self.socket = opened
        self._room = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._thread = threading.Thread(target=self.serve_forever, name=f'metadata-{network_id[:8]}', daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            LOG.warning('Too many requests for metadata at once; one from %s is turned away.', client_address[0])
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug('A request for metadata from %s broke off.', client_address[0], exc_info=True)


def _listen(bridge: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        opened.bind(('0.0.0.0', port))
        opened.listen(128)
    except OSError:
        opened.close()
        raise
    return opened


def _handler(network_id: str, forwarder: Forwarder) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        timeout = GUEST_TIMEOUT
        server_version, sys_version = 'nova-network', ''

        def forward(self) -> None:
            length = self.headers.get('Content-Length', '0')
            if not length.isdecimal() or int(length) > MAX_BODY or 'Transfer-Encoding' in self.headers:
                self.close_connection = True
                self._send(*_plain(413, f'A body must state its length, at most {MAX_BODY} bytes.'))
                return
            body = self.rfile.read(int(length))
            path = self.path if self.path.startswith('/') else '/'
            self._send(*forwarder.answer(network_id, self.client_address[0], self.command, path, self.headers, body))

        do_GET = do_HEAD = do_POST = do_PUT = forward

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            if self.command != 'HEAD':
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            LOG.debug('%s ' + format, self.client_address[0], *arguments)

    return Handler


def _plain(status: int, sentence: str) -> tuple[int, dict[str, str], bytes]:
    return status, {'Content-Type': 'text/plain; charset=utf-8'}, f'{sentence}\n'.encode()
