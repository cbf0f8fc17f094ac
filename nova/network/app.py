"""The network API over HTTP: routes, callers, faults, and what is the same for every resource."""

import dataclasses
import json
import logging
import random
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import routes
import sqlalchemy.exc
import webob
import webob.dec

from nova import errors
from nova.network import attributes, faults, listing
from nova.network.caller import Caller
from nova.network.database import Database
from nova.network.resources import security_groups
from nova.network.resources.floating_ips import FloatingIps
from nova.network.resources.networks import Networks
from nova.network.resources.ports import Ports
from nova.network.resources.resource import Resource
from nova.network.resources.subnets import Subnets

LOG = logging.getLogger(__name__)

MAX_BODY = 1_000_000
MAX_BULK = 200
EXTENSIONS = {
    'security-group': 'The security groups extension.',
    'binding': 'Expose port bindings of a virtual port to external application',
    'dns-integration': 'Provides integration with DNS.',
    'external-net': 'Adds external network attribute to network resource.',
    'port-security': 'Provides port security',
    'net-mtu': 'Provides MTU attribute for a network resource.',
    'net-mtu-writable': 'Provides a writable MTU attribute for a network resource.',
    'pagination': 'Extension that indicates that pagination is enabled.',
    'sorting': 'Extension that indicates that sorting is enabled.',
    'project-id': 'Extension that indicates that project_id is enabled.',
    'filter-validation': 'Provides validation on filter parameters.',
    'standard-attr-description': 'Extension to add descriptions to standard attributes',
    'standard-attr-revisions': 'This extension will display the revision number of neutron resources.',
    'standard-attr-timestamp': 'This extension adds create/update timestamp data to all resources.',
    'stateful-security-group': 'Indicates if the security group is stateful or not',
    'quotas': 'Expose functions for quotas management per tenant',
}
# Nothing is limited; -1 is how quotas say so.
QUOTA = dict.fromkeys(('network', 'subnet', 'port', 'security_group', 'security_group_rule', 'floatingip'), -1)


@dataclasses.dataclass(frozen=True)
class Settings:
    mtu: int = 1500
    dns_domain: str = 'openstacklocal'
    max_limit: int = 1000
    ranges_may_overlap: bool = True


class Application:
    """A WSGI application. `identify` makes a Caller of the environ; `changed` is called when the host must follow."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        identify: Callable[[dict[str, Any]], Caller | None] = Caller.from_keystone,
        changed: Callable[[], None] = lambda: None,
        chance: random.Random | None = None,
    ):
        self.database, self.settings, self.identify, self.changed = database, settings, identify, changed
        chance = chance or random.SystemRandom()
        self.resources: dict[str, Resource] = {
            resource.path: resource
            for resource in (
                Networks(settings.mtu),
                Subnets(settings.ranges_may_overlap),
                Ports(settings.dns_domain, chance),
                FloatingIps(chance),
                security_groups.SecurityGroups(),
                security_groups.SecurityGroupRules(),
            )
        }
        self.mapper = self._routes()

    def _routes(self) -> routes.Mapper:
        mapper = routes.Mapper(controller_scan=None, directory=None)
        mapper.connect('/', handler=self.versions, open=True)
        mapper.connect('/v2.0', handler=self.version, open=True)
        mapper.connect('/v2.0/extensions', handler=self.extensions, conditions={'method': ['GET']})
        mapper.connect('/v2.0/extensions/{alias}', handler=self.extension, conditions={'method': ['GET']})
        mapper.connect('/v2.0/quotas/{project_id}', handler=self.quota, conditions={'method': ['GET']})
        mapper.connect('/v2.0/quotas/{project_id}/default', handler=self.quota, conditions={'method': ['GET']})
        mapper.connect('/v2.0/quotas/{project_id}/details', handler=self.quota_details, conditions={'method': ['GET']})
        for path in self.resources:
            for method, handler in (('GET', self.list), ('POST', self.create)):
                mapper.connect(f'/v2.0/{path}', handler=handler, path=path, conditions={'method': [method]})
            for method, handler in (('GET', self.show), ('PUT', self.update), ('DELETE', self.delete)):
                mapper.connect(f'/v2.0/{path}/{{ident}}', handler=handler, path=path, conditions={'method': [method]})
        mapper.create_regs()
        return mapper

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            response = self._answer(request)
        except faults.Fault as fault:
            response = _json(fault.body(), fault.status)
        except errors.Invalid as failure:
            response = _json(faults.bad_request(str(failure)).body(), 400)
        except errors.ServiceDown as failure:
            LOG.error('%s %s: %s', request.method, request.path, failure)
            response = _json(faults.Fault(503, 'ServiceUnavailable', str(failure)).body(), 503)
        except Exception:
            LOG.exception('%s %s failed', request.method, request.path)
            sentence = 'Request Failed: internal server error while processing your request.'
            response = _json(faults.Fault(500, 'HTTPInternalServerError', sentence).body(), 500)
        return response(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        path = _path(request)
        match = self.mapper.match(path, {**request.environ, 'REQUEST_METHOD': request.method})
        if match is None:
            known = any(self.mapper.match(path, {'REQUEST_METHOD': m}) for m in ('GET', 'POST', 'PUT', 'DELETE'))
            raise faults.Fault(405 if known else 404, 'HTTPNotFound', 'The resource could not be found.')
        handler = match.pop('handler')
        match.pop('controller', None), match.pop('action', None)
        if match.pop('open', False):
            return handler(request)
        caller = self.identify(request.environ)
        if caller is None:
            raise faults.Fault(401, 'HTTPUnauthorized', 'The request you have made requires authentication.')
        if 'path' in match:
            match['resource'] = self.resources[match.pop('path')]
        return handler(request, caller, **match)

    def versions(self, request: webob.Request) -> webob.Response:
        link = {'rel': 'self', 'href': f'{request.application_url}/v2.0/'}
        return _json({'versions': [{'id': 'v2.0', 'status': 'CURRENT', 'links': [link]}]})

    def version(self, request: webob.Request) -> webob.Response:
        resources = [
            {
                'name': resource.name,
                'collection': resource.collection,
                'links': [{'rel': 'self', 'href': f'{request.application_url}/v2.0/{resource.path}'}],
            }
            for resource in self.resources.values()
        ]
        return _json({'resources': resources})

    def extensions(self, request: webob.Request, caller: Caller) -> webob.Response:
        return _json({'extensions': [_extension(alias) for alias in EXTENSIONS]})

    def extension(self, request: webob.Request, caller: Caller, alias: str) -> webob.Response:
        if alias not in EXTENSIONS:
            raise faults.Fault(404, 'ExtensionNotFound', f'Extension with alias {alias} does not exist')
        return _json({'extension': _extension(alias)})

    def quota(self, request: webob.Request, caller: Caller, project_id: str) -> webob.Response:
        _refuse_other_project(caller, project_id, 'rule:get_quota')
        return _json({'quota': QUOTA})

    def quota_details(self, request: webob.Request, caller: Caller, project_id: str) -> webob.Response:
        _refuse_other_project(caller, project_id, 'rule:get_quota')
        used = {}
        with self.database.reading() as tx:
            for resource in self.resources.values():
                count = sqlalchemy.select(sqlalchemy.func.count()).select_from(resource.table)
                used[resource.name] = tx.execute(count.where(resource.table.c.project_id == project_id)).scalar_one()
        return _json({'quota': {name: {'limit': -1, 'used': used[name], 'reserved': 0} for name in QUOTA}})

    def list(self, request: webob.Request, caller: Caller, resource: Resource) -> webob.Response:
        self._make_default_group(caller, resource)
        with self.database.reading() as tx:
            page = listing.fetch(tx, resource, caller, request.GET, self.settings.max_limit)
            views = resource.views(tx, caller, page.rows)
        body = {resource.collection: listing.only(views, request.GET)}
        if links := listing.links(page, request.path_url, request.GET):
            body[f'{resource.collection}_links'] = links
        return _json(body)

    def show(self, request: webob.Request, caller: Caller, resource: Resource, ident: str) -> webob.Response:
        with self.database.reading() as tx:
            views = resource.views(tx, caller, [_visible_row(tx, resource, caller, ident)])
        return _json({resource.name: listing.only(views, request.GET)[0]})

    def create(self, request: webob.Request, caller: Caller, resource: Resource) -> webob.Response:
        body = _body(request)
        is_bulk = resource.collection in body
        bodies = body[resource.collection] if is_bulk else [body.get(resource.name)]
        if not isinstance(bodies, list) or not 1 <= len(bodies) <= MAX_BULK:
            raise faults.bad_request(f"'{resource.collection}' must be a list of 1 to {MAX_BULK} items")
        wanted = [attributes.accept(resource.attributes, one, caller, True, resource.name) for one in bodies]
        for values in wanted:
            _refuse_other_project(caller, values.get('project_id', caller.project_id), f'rule:create_{resource.name}')

        def make(tx: sqlalchemy.Connection) -> list[dict[str, Any]]:
            idents = [resource.create(tx, caller, dict(values)) for values in wanted]
            table = resource.table
            rows = {row.id: row for row in tx.execute(sqlalchemy.select(table).where(table.c.id.in_(idents)))}
            return resource.views(tx, caller, [rows[ident] for ident in idents])

        views = self._change(resource, make)
        return _json({resource.collection: views} if is_bulk else {resource.name: views[0]}, 201)

    def update(self, request: webob.Request, caller: Caller, resource: Resource, ident: str) -> webob.Response:
        values = attributes.accept(resource.attributes, _body(request).get(resource.name), caller, False, resource.name)

        def make(tx: sqlalchemy.Connection) -> list[dict[str, Any]]:
            row = _visible_row(tx, resource, caller, ident)
            if not caller.owns(row):
                raise faults.forbidden(f'rule:update_{resource.name}')
            resource.update(tx, caller, row, dict(values))
            return resource.views(tx, caller, [_visible_row(tx, resource, caller, ident)])

        return _json({resource.name: self._change(resource, make)[0]})

    def delete(self, request: webob.Request, caller: Caller, resource: Resource, ident: str) -> webob.Response:
        def make(tx: sqlalchemy.Connection) -> None:
            row = _visible_row(tx, resource, caller, ident)
            if not caller.owns(row):
                raise faults.forbidden(f'rule:delete_{resource.name}')
            resource.delete(tx, caller, row)

        self._change(resource, make)
        return webob.Response(status=204)

    def _change(self, resource: Resource, make: Callable) -> Any:
        try:
            done = self.database.write(make)
        except sqlalchemy.exc.IntegrityError as failure:
            LOG.warning('Others kept changing what a request on %s needed: %s', resource.path, failure)
            raise faults.conflict('RetryRequest', 'Others changed the same things at once; try again.') from failure
        if resource.touches_host:
            self.changed()
        return done

    def _make_default_group(self, caller: Caller, resource: Resource) -> None:
        if resource.label != 'SecurityGroup' or not caller.project_id:
            return
        with self.database.reading() as tx:
            if security_groups.has_default(tx, caller.project_id):
                return
        self.database.write(lambda tx: security_groups.ensure_default(tx, caller.project_id))


def _visible_row(tx: sqlalchemy.Connection, resource: Resource, caller: Caller, ident: str) -> sqlalchemy.Row:
    table = resource.table
    found = tx.execute(sqlalchemy.select(table).where(table.c.id == ident, resource.visible(caller))).one_or_none()
    if found is None:
        raise faults.not_found(resource.label, ident)
    return found


def _refuse_other_project(caller: Caller, project_id: str, action: str) -> None:
    if project_id != caller.project_id and not caller.privileged:
        raise faults.forbidden(action)


def _path(request: webob.Request) -> str:
    """The path, once it is known that it and the query are text."""
    try:
        _query, path = request.GET, request.path_info
    except UnicodeDecodeError as failure:
        raise faults.bad_request('The URL is not valid UTF-8.') from failure
    return path.rstrip('/').removesuffix('.json') or '/'


def _body(request: webob.Request) -> dict[str, Any]:
    if (request.content_length or 0) > MAX_BODY:
        raise faults.Fault(413, 'HTTPRequestEntityTooLarge', f'The body has more than {MAX_BODY} bytes.')
    try:
        # Unlike json, refuses what no database takes (halves of surrogate pairs) and what is nested without end.
        body = orjson.loads(request.body)
    except ValueError as failure:
        raise faults.bad_request('The body is not valid JSON.') from failure
    if not isinstance(body, dict):
        raise faults.bad_request('The body is not a JSON object.')
    return body


def _extension(alias: str) -> dict[str, Any]:
    return {
        'alias': alias,
        'name': alias,
        'description': EXTENSIONS[alias],
        'updated': '2026-01-01T00:00:00-00:00',
        'links': [],
    }


def _json(body: dict[str, Any], status: int = 200) -> webob.Response:
    return webob.Response(json.dumps(body).encode(), status, content_type='application/json', charset='UTF-8')
