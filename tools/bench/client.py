"""A small, fast client of the compute API, so that the load it makes is not its own."""

import http.client
import json
import threading
import time
import urllib.parse
import urllib.request
from typing import Any

VERSION = 'compute 2.93'


def token_and_project(auth_url: str, user: str, password: str, project: str) -> tuple[str, str]:
    """A token from Keystone, and the id of the project that it is for."""
    body = {
        'auth': {
            'identity': {
                'methods': ['password'],
                'password': {'user': {'name': user, 'domain': {'id': 'default'}, 'password': password}},
            },
            'scope': {'project': {'name': project, 'domain': {'id': 'default'}}},
        }
    }
    request = urllib.request.Request(
        f'{auth_url}/auth/tokens', json.dumps(body).encode(), {'Content-Type': 'application/json'}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers['X-Subject-Token'], json.load(answer)['token']['project']['id']


class Compute:
    """One keep-alive connection for each thread that calls. Answers are (status, JSON or None, seconds)."""

    def __init__(self, url: str, token: str, version: str = VERSION):
        self._address = urllib.parse.urlsplit(url)
        self._headers = {
            'X-Auth-Token': token,
            'OpenStack-API-Version': version,
            'Content-Type': 'application/json',
            'Accept': 'application/json',
        }
        self._local = threading.local()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        status, content, seconds = self.ask(method, path, body)
        return status, json.loads(content) if content else None, seconds

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes, float]:
        """As `call`, with the answer as it came."""
        data = json.dumps(body) if body is not None else None
        began = time.perf_counter()
        for fresh in (False, True):
            connection = self._connection(fresh)
            try:
                connection.request(method, self._address.path + path, data, self._headers)
                answer = connection.getresponse()
                content = answer.read()
                break
            except (http.client.HTTPException, ConnectionError, TimeoutError):
                if fresh:
                    raise
        return answer.status, content, time.perf_counter() - began

    def get(self, path: str) -> Any:
        status, content, _seconds = self.call('GET', path)
        if status != 200:
            raise RuntimeError(f'GET {path} answered {status}: {content}')
        return content

    def create(self, name: str, flavor: str, image: str, networks: Any = 'none', **more: Any) -> tuple[str, float]:
        """The new server's id, and how long the POST took."""
        body = {'server': {'name': name, 'flavorRef': flavor, 'imageRef': image, 'networks': networks, **more}}
        status, content, seconds = self.call('POST', '/servers', body)
        if status != 202:
            raise RuntimeError(f'POST /servers answered {status}: {content}')
        return content['server']['id'], seconds

    def wait(self, server_id: str, pause: float = 0.01, patience: float = 120) -> str:
        """The status in which the server comes to rest; `GONE` when it is deleted."""
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            status, content, _seconds = self.call('GET', f'/servers/{server_id}')
            if status == 404:
                return 'GONE'
            server = content['server'] if status == 200 else {'OS-EXT-STS:task_state': 'unknown'}
            if server['OS-EXT-STS:task_state'] is None and server['status'] != 'BUILD':
                return server['status']
            time.sleep(pause)
        raise TimeoutError(f'Server {server_id} did not come to rest within {patience} s.')

    def _connection(self, fresh: bool) -> http.client.HTTPConnection:
        connection = getattr(self._local, 'connection', None)
        if connection is None or fresh:
            connection = http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=60)
            self._local.connection = connection
        return connection
