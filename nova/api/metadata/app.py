"""Answer guests that ask about themselves at 169.254.169.254."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import webob
import webob.exc

from nova import errors
from nova.api.metadata.identify import ByAddress, BySignature, FindServer
from nova.api.metadata.servers import Servers
from nova.clients import vendor_data
from nova.db.engine import Databases
from nova.domain import guest_data
from nova.domain.server import Server

LOG = logging.getLogger(__name__)

CACHE_SIZE = 1000
# An encrypted password is the base64 form of what an RSA key of up to 6144 bits makes.
PASSWORD_LENGTH = 1024
PASSWORD_PATH = re.compile(r'/openstack/[^/]+/password/?')

# Keeps the password that a guest has set; False if it has one already.
SavePassword = Callable[[Server, str], bool]


def build(conf: Any, databases: Databases | None = None) -> 'MetadataService':
    """The application as the options want it, on the databases of this process. It connects when it is asked."""
    if conf.neutron.service_metadata_proxy and not conf.neutron.metadata_proxy_shared_secret:
        LOG.warning('Whoever reaches the metadata service can read all metadata: set metadata_proxy_shared_secret.')
    databases = databases or Databases.from_conf(conf)
    databases.prepare()
    service = build_with(
        Servers(databases, local=conf.api.local_metadata_per_cell),
        vendor_data.site(conf.api.dhcp_domain, conf.api.vendordata_providers, conf.api.vendordata_jsonfile_path),
        secret=conf.neutron.metadata_proxy_shared_secret if conf.neutron.service_metadata_proxy else None,
        cache_age=conf.api.metadata_cache_expiration,
        vendor=vendor_data.for_servers(conf),
    )
    service.checks['database'] = databases.check
    return service


def build_with(
    servers: Servers,
    site: guest_data.Site,
    secret: str | None,
    cache_age: float,
    vendor: vendor_data.ForServer = vendor_data.nothing_more,
) -> 'MetadataService':
    """The application on given stores. With a `secret` (even an empty one) guests come through a proxy that signs."""
    found = Cached(servers.find, cache_age)
    identify = ByAddress(found, servers.at_address) if secret is None else BySignature(found, secret)
    return MetadataService(identify, site, servers.save_password, found.forget, vendor)


class MetadataService:
    """A WSGI application. `identify` raises a webob error unless it knows which server asks."""

    def __init__(
        self,
        identify: Callable[[webob.Request], Server],
        site: guest_data.Site,
        save_password: SavePassword,
        forget: Callable[[str], None] = lambda server_id: None,
        vendor: vendor_data.ForServer = vendor_data.nothing_more,
    ):
        self._identify, self._site, self._save_password, self._forget = identify, site, save_password, forget
        self._vendor = vendor
        # What /readyz asks.
        self.checks: dict[str, Callable[[], None]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            response = self._answer(request)
        except webob.exc.HTTPException as refusal:
            response = _text(refusal.detail, refusal.status_int)
        except errors.ServiceDown as failure:
            LOG.warning('Metadata cannot be served: %s', failure)
            response = _text('The metadata service cannot reach what it needs; try again.', 503)
        except Exception:
            LOG.exception('Metadata could not be served.')
            response = _text('An unknown error has occurred. Please try your request again.', 500)
        return response(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        if request.method == 'POST':
            return self._set_password(request)
        if request.method not in ('GET', 'HEAD'):
            raise webob.exc.HTTPMethodNotAllowed(f'{request.method} is not possible here.')
        if not request.path_info.strip('/'):
            return _text('\n'.join(guest_data.EC2_VERSIONS))
        server = self._identify(request)
        # Others are asked only where their answer is shown.
        asks = request.path_info.rstrip('/').endswith('/vendor_data2.json')
        site = self._vendor(self._site, server) if asks else self._site
        found = guest_data.content(server, request.path_info, site, os.urandom(512))
        if found is None:
            raise webob.exc.HTTPNotFound('There is nothing at this path.')
        kind = 'application/json' if request.path_info.endswith('.json') else 'text/plain'
        return webob.Response(body=found, content_type=kind, charset='utf-8')

    def _set_password(self, request: webob.Request) -> webob.Response:
        server = self._identify(request)
        if not PASSWORD_PATH.fullmatch(request.path_info):
            raise webob.exc.HTTPMethodNotAllowed('Only the password can be set.')
        if (request.content_length or 0) > PASSWORD_LENGTH:
            raise webob.exc.HTTPBadRequest('Request is too large.')
        try:
            password = request.body[:PASSWORD_LENGTH].decode('ascii')
        except UnicodeDecodeError:
            raise webob.exc.HTTPBadRequest('The password must be encrypted, and be in base64.')
        if not self._save_password(server, password):
            raise webob.exc.HTTPConflict('The password has been set already.')
        self._forget(server.id)
        return _text('')


class Cached:
    """Finds servers, and remembers each for a while: a guest that starts asks many things at once."""

    def __init__(self, find: FindServer, age: float, clock: Callable[[], float] = time.monotonic):
        self._find, self._age, self._clock = find, age, clock
        self._entries: dict[str, tuple[float, Server]] = {}
        self._lock = threading.Lock()

    def __call__(self, server_id: str) -> Server | None:
        with self._lock:
            until, server = self._entries.get(server_id, (0.0, None))
        if server is not None and self._clock() < until:
            return server
        server = self._find(server_id)
        if server is not None and self._age:
            self._remember(server)
        return server

    def forget(self, server_id: str) -> None:
        with self._lock:
            self._entries.pop(server_id, None)

    def _remember(self, server: Server) -> None:
        with self._lock:
            if len(self._entries) >= CACHE_SIZE:
                self._entries.clear()
            self._entries[server.id] = (self._clock() + self._age, server)


def _text(text: str, status: int = 200) -> webob.Response:
    return webob.Response(text=text, status=status, content_type='text/plain', charset='utf-8')
