"""A Keystone over HTTP on this machine: tokens for users with a password, their validation, a catalog, projects."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EXPIRES = '2099-01-01T00:00:00.000000Z'
USERS = {
    'nova': ('service-project', ('service', 'admin')),
    'alice': ('demo', ('member', 'reader')),
    'olga': ('demo', ('admin', 'manager', 'member', 'reader')),
}


class FakeKeystone:
    """`calls` keeps (method, path); `tokens` says whose each is. Tests may take tokens away."""

    def __init__(self):
        self.calls: list[tuple[str, str]] = []
        self.tokens: dict[str, str] = {}
        self.projects = {'demo', 'service-project'}
        # Entries of the catalog beside the usual ones.
        self.more_services: list[dict[str, Any]] = []
        keystone = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                keystone._answer(self, 'GET')

            def do_POST(self):
                keystone._answer(self, 'POST')

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, user: str) -> str:
        """A new token of a user."""
        name = f'token-{len(self.tokens)}-of-{user}'
        self.tokens[name] = user
        return name

    def add_service(
        self, kind: str, path: str, region: str = 'here', interface: str = 'public', name: str = ''
    ) -> None:
        """Let the catalog name one more service."""
        endpoint = {'id': kind, 'interface': interface, 'region': region, 'region_id': region, 'url': self.url + path}
        self.more_services.append({'id': path, 'type': kind, 'name': name or kind, 'endpoints': [endpoint]})

    def count(self, method: str, path: str) -> int:
        return self.calls.count((method, path))

    def _answer(self, asked: BaseHTTPRequestHandler, method: str) -> None:
        body = asked.rfile.read(int(asked.headers.get('Content-Length') or 0))
        path = asked.path.partition('?')[0]
        self.calls.append((method, path))
        headers: dict[str, str] = {}
        if path in ('', '/', '/v3', '/v3/'):
            status, answer = 200 if path.startswith('/v3') else 300, self._versions(path)
        elif path == '/v3/auth/tokens' and method == 'POST':
            user = json.loads(body)['auth']['identity']['password']['user']['name']
            headers['X-Subject-Token'] = self.token(user)
            status, answer = 201, self._described(user)
        elif path == '/v3/auth/tokens':
            user = self.tokens.get(asked.headers['X-Subject-Token'])
            status, answer = (200, self._described(user)) if user else (404, {'error': {'code': 404}})
        else:
            status, answer = self._project(path, asked.headers.get('X-Auth-Token'))
        raw = json.dumps(answer).encode()
        asked.send_response(status)
        for name, value in {**headers, 'Content-Type': 'application/json', 'Content-Length': str(len(raw))}.items():
            asked.send_header(name, value)
        with contextlib.suppress(BrokenPipeError):
            asked.end_headers()
            asked.wfile.write(raw)

    def _versions(self, path: str) -> Any:
        version = {'id': 'v3.14', 'status': 'stable', 'links': [{'rel': 'self', 'href': f'{self.url}/v3/'}]}
        return {'version': version} if path.startswith('/v3') else {'versions': {'values': [version]}}

    def _described(self, user: str) -> Any:
        project, roles = USERS[user]
        domain = {'id': 'default', 'name': 'Default'}
        kinds = ('identity', 'image', 'network', 'placement')
        return {
            'token': {
                'methods': ['password'],
                'user': {'id': user, 'name': user, 'domain': domain},
                'project': {'id': project, 'name': project, 'domain': domain},
                'roles': [{'id': role, 'name': role} for role in roles],
                'issued_at': '2026-01-01T00:00:00.000000Z',
                'expires_at': EXPIRES,
                'audit_ids': ['x'],
                'catalog': [*(self._catalog_entry(kind) for kind in kinds), *self.more_services],
            }
        }

    def _catalog_entry(self, kind: str) -> Any:
        url = self.url if kind == 'identity' else f'{self.url}/{kind}'
        endpoint = {'id': kind, 'interface': 'internal', 'region': 'here', 'region_id': 'here', 'url': url}
        return {'id': kind, 'type': kind, 'name': kind, 'endpoints': [endpoint]}

    def _project(self, path: str, token: str | None) -> tuple[int, Any]:
        if token not in self.tokens:
            return 401, {'error': {'code': 401}}
        known = path.removeprefix('/v3/projects/') in self.projects
        return (200, {'project': {}}) if known else (404, {'error': {'code': 404}})
