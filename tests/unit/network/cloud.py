"""A network service in memory of the test, and callers of it."""

import random
import urllib.parse

import webob

from nova.network.app import Application, Settings
from nova.network.caller import Caller
from nova.network.database import Database

ADMIN = Caller('p-admin', 'u-admin', frozenset({'admin'}))
SERVICE = Caller('p-service', 'u-nova', frozenset({'service'}))
ALICE = Caller('p-alice', 'u-alice', frozenset({'member', 'reader'}))
BOB = Caller('p-bob', 'u-bob', frozenset({'member', 'reader'}))


class NetworkCloud:
    """The real application on a real database; `call` is what an HTTP client would do."""

    def __init__(self, url, **settings):
        self.database = Database(url)
        self.database.sync()
        self.changes = 0
        self.application = Application(
            self.database, Settings(**settings), self._identify, self._changed, random.Random(1)
        )

    def call(self, method, path, body=None, caller=ADMIN, status=None):
        request = webob.Request.blank(path, method=method)
        request.environ['test.caller'] = caller
        if body is not None:
            request.json = body
        response = request.get_response(self.application)
        if status is not None:
            assert response.status_code == status, response.text
        return response.json if response.body else None

    def raw(self, method, path, body=b'', caller=ADMIN):
        """The answer to a request as it comes from the wire, whatever it says."""
        where, _, query = path.partition('?')
        request = webob.Request.blank('/', method=method, body=body)
        request.environ['PATH_INFO'] = urllib.parse.unquote_to_bytes(where).decode('latin-1')
        request.environ['QUERY_STRING'] = query
        request.environ['test.caller'] = caller
        return request.get_response(self.application)

    def get(self, path, caller=ADMIN, status=200):
        return self.call('GET', f'/v2.0/{path}', caller=caller, status=status)

    def make(self, kind, caller=ADMIN, status=201, **fields):
        path = f'{kind.replace("_", "-")}s'
        body = self.call('POST', f'/v2.0/{path}', {kind: fields}, caller, status)
        return body[kind] if status == 201 else body['NeutronError']

    def change(self, path, caller=ADMIN, status=200, **fields):
        kind = path.partition('/')[0].removesuffix('s').replace('-', '_')
        body = self.call('PUT', f'/v2.0/{path}', {kind: fields}, caller, status)
        return body[kind] if status == 200 else body['NeutronError']

    def delete(self, path, caller=ADMIN, status=204):
        return self.call('DELETE', f'/v2.0/{path}', caller=caller, status=status)

    def make_network(self, cidr='10.0.0.0/24', caller=ADMIN, **fields):
        network = self.make('network', caller, **fields)
        subnet = self.make('subnet', caller, network_id=network['id'], cidr=cidr)
        return network, subnet

    def _identify(self, environ):
        return environ['test.caller']

    def _changed(self):
        self.changes += 1
