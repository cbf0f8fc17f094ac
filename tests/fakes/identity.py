"""Stands in for Keystone's middleware: tokens are names in a table."""

from collections.abc import Callable
from typing import Any

_HEADERS = {
    'user_id': 'HTTP_X_USER_ID',
    'project_id': 'HTTP_X_PROJECT_ID',
    'roles': 'HTTP_X_ROLES',
    'service_roles': 'HTTP_X_SERVICE_ROLES',
    'system_scope': 'HTTP_OPENSTACK_SYSTEM_SCOPE',
}
_UNKNOWN = b'{"error": {"code": 401, "title": "Unauthorized", "message": "The request requires authentication."}}'

TOKENS = {
    'admin': {'user_id': 'admin', 'project_id': 'admin-project', 'roles': 'admin,manager,member,reader'},
    # Alice as an administrator of her project.
    'owner': {'user_id': 'alice', 'project_id': 'demo', 'roles': 'admin,manager,member,reader'},
    'member': {'user_id': 'alice', 'project_id': 'demo', 'roles': 'member,reader'},
    'reader': {'user_id': 'rita', 'project_id': 'demo', 'roles': 'reader'},
    'manager': {'user_id': 'max', 'project_id': 'demo', 'roles': 'manager,member,reader'},
    'stranger': {'user_id': 'bob', 'project_id': 'other', 'roles': 'member,reader'},
    'roleless': {'user_id': 'nobody', 'project_id': 'demo', 'roles': ''},
    'service': {'user_id': 'placement', 'project_id': 'services', 'roles': 'service'},
    'system': {'user_id': 'admin', 'roles': 'admin', 'system_scope': 'all'},
}


class FakeIdentity:
    """`wrap` goes where `nova.api.authentication.keystone(conf)` does. Tests may add to `tokens`."""

    def __init__(self, tokens: dict[str, dict[str, str]] | None = None):
        self.tokens = dict(TOKENS if tokens is None else tokens)

    def wrap(self, application: Callable) -> Callable:
        def serve(environ: dict[str, Any], start_response: Callable) -> Any:
            for header in (*_HEADERS.values(), 'HTTP_X_IDENTITY_STATUS'):
                environ.pop(header, None)
            token = self.tokens.get(environ.get('HTTP_X_AUTH_TOKEN', ''))
            if token is None:
                headers = [('Content-Type', 'application/json'), ('WWW-Authenticate', "Keystone uri='http://keystone'")]
                start_response('401 Unauthorized', headers)
                return [_UNKNOWN]
            environ['HTTP_X_IDENTITY_STATUS'] = 'Confirmed'
            environ.update({_HEADERS[name]: value for name, value in token.items()})
            return application(environ, start_response)

        return serve
