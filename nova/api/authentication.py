"""Who asks: Keystone's middleware checks the token, and its word becomes a context."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import keystoneauth1.exceptions
from keystonemiddleware import auth_token
from keystonemiddleware.opts import list_auth_token_opts

from nova import errors
from nova.api import faults
from nova.context import Context

_CACHE = 'nova.token_cache'
_REQUEST_ID = re.compile(r'req-[0-9a-fA-F-]{36}')


class TokenCache:
    """Validated tokens of this process, by their hash, for as long as keystonemiddleware says.

    Its own cache in memory is one per thread, has no bound, and looks at all of its entries each time.
    """

    def __init__(self, most: int = 4096, clock: Callable[[], float] = time.monotonic):
        self._most, self._clock = most, clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        until, value = self._kept.get(key, (0.0, None))
        return value if self._clock() < until else None

    def set(self, key: str, value: Any, time: int = 0, min_compress_len: int = 0) -> bool:
        now = self._clock()
        with self._lock:
            if len(self._kept) >= self._most:
                self._kept = {name: entry for name, entry in self._kept.items() if entry[0] > now}
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = (now + time, value)
        return True


def keystone(conf: Any) -> Callable[[Callable], Callable]:
    """A wrapper that lets only requests with a valid token through. Operators' memcached is used if they name one."""

    def wrap(application: Callable) -> Callable:
        # Nothing here reads the service catalog; writing it into each request would cost more than all the rest.
        options = {'oslo_config_config': conf, 'include_service_catalog': False}
        cache = TokenCache()
        for group, declared in list_auth_token_opts():
            conf.register_opts(declared, group=group)
        if not conf.keystone_authtoken.memcached_servers:
            options['cache'] = _CACHE
        checked = auth_token.AuthProtocol(application, options)

        def serve(environ: dict[str, Any], start_response: Callable) -> Any:
            environ[_CACHE] = cache
            try:
                return checked(environ, start_response)
            except keystoneauth1.exceptions.ClientException as failure:
                raise errors.ServiceDown(f'Keystone cannot check tokens: {failure}') from failure

        return serve

    return wrap


def caller(environ: dict[str, Any], request_id: str) -> Context:
    """The context of the one whom Keystone's middleware has let through."""
    user_id = environ.get('HTTP_X_USER_ID')
    if not user_id or environ.get('HTTP_X_IDENTITY_STATUS') != 'Confirmed':
        raise faults.Unauthorized('The request you have made requires authentication.')
    given = environ.get('HTTP_X_OPENSTACK_REQUEST_ID', '')
    return Context(
        user_id=user_id,
        project_id=environ.get('HTTP_X_PROJECT_ID') or None,
        roles=_words(environ.get('HTTP_X_ROLES')),
        request_id=request_id,
        global_request_id=given if _REQUEST_ID.fullmatch(given) else None,
        user_domain_id=environ.get('HTTP_X_USER_DOMAIN_ID') or None,
        project_domain_id=environ.get('HTTP_X_PROJECT_DOMAIN_ID') or None,
        system_scope=environ.get('HTTP_OPENSTACK_SYSTEM_SCOPE') or None,
        service_roles=_words(environ.get('HTTP_X_SERVICE_ROLES')),
        remote_address=environ.get('REMOTE_ADDR'),
        token=environ.get('HTTP_X_AUTH_TOKEN'),
    )


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(sorted(word.strip() for word in text.split(',') if word.strip())) if text else ()
