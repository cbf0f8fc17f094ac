"""Build the API as a WSGI application: from the request's bytes to the answer's, in order."""

import contextlib
import http
import logging
import re
import threading
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import orjson
import webob

from nova import errors
from nova.api import faults, idempotency, microversions, openapi, proxy_headers, routes
from nova.api import services as services_module
from nova.api.authentication import caller, keystone
from nova.api.faults import Fault
from nova.api.meter import Meter
from nova.api.microversions import MIN
from nova.api.policy import Policies
from nova.api.request import Answer, Params, Request
from nova.api.resources import versions
from nova.api.services import Services, Settings
from nova.context import Context, new_request_id
from nova.db.engine import Databases

LOG = logging.getLogger(__name__)

Wsgi = Callable[[dict[str, Any], Callable], Iterable[bytes]]
_JSON = ('application/json', 'application/vnd.openstack.compute+json')
_STATUS = {status.value: f'{status.value} {status.phrase}' for status in http.HTTPStatus}


class Application:
    """One WSGI application. `authenticate` wraps it so that what it wraps sees Keystone's word in the environ.

    `services` is called when they are first asked for. They may be made before a fork, but used only after it.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        settings: Settings,
        authenticate: Callable[[Wsgi], Wsgi],
        policies: Policies,
        table: Iterable[routes.Route],
    ):
        self._make_services, self._settings = services, settings
        self._policies, self._router = policies, routes.Router(table)
        self._documents = openapi.Documents(table)
        self._authenticated = authenticate(self._serve)
        self._lock = threading.Lock()
        self._services: Services | None = None
        self._meter = Meter()
        self.checks = services_module.checks(lambda: self.services)

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        environ['nova.request_id'] = request_id = new_request_id()
        if self._settings.behind_proxy:
            proxy_headers.believe(environ)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            ids = [('X-Compute-Request-Id', request_id), ('X-Openstack-Request-Id', request_id)]
            return start_response(status, [*headers, *ids], exc_info)

        answer = self._respond(environ, start)
        # What HEAD is answered differs from GET in its body only.
        return [b''] if environ.get('REQUEST_METHOD') == 'HEAD' else answer

    def _respond(self, environ: dict[str, Any], start: Callable) -> Iterable[bytes]:
        try:
            document = self._document(environ)
            if document is not None:
                return _send(start, document.status, document.body, list(document.headers))
            answer = self._authenticated(environ, start)
            if self._services is not None:
                self._meter.read(self._services)
            return answer
        except Exception as error:
            return _send_fault(start, faults.fault(error))

    def _document(self, environ: dict[str, Any]) -> Answer | None:
        """What may be read without a token."""
        return versions.document(environ, self._settings.compute_link_prefix) or self._documents.document(environ)

    @property
    def services(self) -> Services:
        if self._services is None:
            with self._lock:
                if self._services is None:
                    self._services = self._make_services()
        return self._services

    def _serve(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        asked = webob.Request(environ)
        context, version, legacy = None, MIN, False
        try:
            context = self._context(environ)
            root, path, url_project = self._split(asked, context)
            legacy = root == 'v2'
            version = MIN if legacy else microversions.negotiate(asked.headers)
            request = Request(asked, context, version, self.services, self._policies, legacy, url_project)
            status, body, headers = self._answer(request, path)
        except Exception as error:
            refused = faults.fault(error, is_admin=bool(context and context.is_admin))
            return _send_fault(start_response, refused, [] if legacy else microversions.answer_headers(version))
        return _send(
            start_response, status, body, [*headers, *([] if legacy else microversions.answer_headers(version))]
        )

    def _context(self, environ: dict[str, Any]) -> Context:
        context = caller(environ, environ['nova.request_id'])
        return context.elevated() if self._policies.is_admin(context) else context

    def _split(self, asked: webob.Request, context: Context) -> tuple[str, str, str | None]:
        """Which API, the path within it, and the project's id if the URL has one."""
        root, _, rest = _path(asked).lstrip('/').partition('/')
        if root not in ('v2.1', 'v2'):
            raise faults.NoRoute
        rest = rest.rstrip('/')
        word, _, after = rest.partition('/')
        if self._router.begins(word):
            return root, f'/{rest}', None
        if (after or word == context.project_id) and re.fullmatch(r'[a-zA-Z0-9-]{1,64}', word):
            return root, f'/{after}', word
        raise faults.NoRoute

    def _answer(self, request: Request, path: str) -> tuple[int, Any, Iterable[tuple[str, str]]]:
        candidates, arguments = self._router.find(request.http.method, path)
        _refuse_foreign(request.url_project, request.context)
        takes_body = any(candidate.body is not None or candidate.action for candidate in candidates)
        body = _body(request.http, self._settings.max_body_bytes) if takes_body else None
        route = self._router.choose(candidates, request.version, body)
        if route.policy:
            self._policies.require(route.policy, request.context)
        request.params = _params(request, route)
        request.document = request.body = body
        if route.body is not None:
            route.body.check(body, request.version, relaxed=request.legacy)
            if request.legacy:
                request.document = body = route.body.known(body, request.version)
            request.body = body if route.body.wrapper is None else body[route.body.wrapper]

        def call() -> Answer:
            answer = route.handler(request, **arguments)
            return answer if isinstance(answer, Answer) else Answer(answer)

        if request.http.method == 'POST' and idempotency.HEADER in request.http.headers:
            answer = idempotency.once(request, route, path, arguments, call)
        else:
            answer = call()
        return answer.status or route.status, answer.body, answer.headers


def _refuse_foreign(url_project: str | None, context: Context) -> None:
    if url_project and url_project != context.project_id:
        raise errors.Invalid(
            f"Malformed request URL: URL's project_id '{url_project}' doesn't match "
            f"Context's project_id '{context.project_id}'"
        )


def _path(asked: webob.Request) -> str:
    try:
        return asked.path_info
    except UnicodeDecodeError:
        raise faults.NoRoute


def _params(request: Request, route: routes.Route) -> Params:
    if route.query is None:
        return Params({})
    values: dict[str, list[str]] = {}
    try:
        for name, value in request.http.GET.items():
            values.setdefault(name, []).append(value)
    except UnicodeDecodeError:
        raise errors.Invalid('Query string is not UTF-8 encoded')
    return Params(route.query.check(values, request.version, relaxed=request.legacy))


def _body(asked: webob.Request, most: int) -> Any:
    length = asked.content_length
    if length is not None and length > most:
        raise faults.TooLarge(f'Request is too large: at most {most} bytes are read.')
    raw = asked.body_file.read(length if length is not None else most + 1) if length != 0 else b''
    if len(raw) > most:
        raise faults.TooLarge(f'Request is too large: at most {most} bytes are read.')
    if not raw:
        return None
    if asked.content_type and asked.content_type not in _JSON:
        raise faults.WrongMediaType(f'Unsupported Content-Type: {asked.content_type[:64]}. Send application/json.')
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise errors.Invalid('Malformed request body: it is not JSON.')


def _send(start: Callable, status: int, body: Any, headers: list[tuple[str, str]]) -> list[bytes]:
    if body is None:
        start(_STATUS[status], [*headers, ('Content-Length', '0')] if status != 204 else headers)
        return [b'']
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    start(_STATUS[status], [('Content-Type', 'application/json'), ('Content-Length', str(len(raw))), *headers])
    return [raw]


def _send_fault(start: Callable, fault: Fault, headers: Iterable[tuple[str, str]] = ()) -> list[bytes]:
    return _send(start, fault.code, fault.body(), [*fault.headers, *headers])


def build(conf: Any, databases: Databases | None = None) -> Application:
    """The application as the options describe it. It connects to nothing before its first request or check.

    All that it needs is loaded and made here, so that processes forked later share it.
    """
    settings = Settings.of(conf)
    application = _build(lambda: services_module.of(conf, settings, databases), settings, keystone(conf), conf, None)
    # What is missing in the options is said by the checks, and by each request that needs it.
    with contextlib.suppress(errors.ServiceDown):
        application.services.prepare()
    return application


def build_with(
    services: Services,
    settings: Settings | None,
    authenticate: Callable[[Wsgi], Wsgi],
    conf: Any,
    modules: Iterable[ModuleType] | None = None,
) -> Application:
    """The application on given services. `conf` has oslo.policy's options; `modules` replace our resources."""
    return _build(lambda: services, settings or services.settings, authenticate, conf, modules)


def _build(
    services: Callable[[], Services],
    settings: Settings,
    authenticate: Callable[[Wsgi], Wsgi],
    conf: Any,
    modules: Iterable[ModuleType] | None,
) -> Application:
    table = routes.collect(modules)
    policies = Policies(conf, routes.rules(table, modules))
    return Application(services, settings, authenticate, policies, table)
