"""Services: the daemons, whether they live, and whether they may be used."""

import dataclasses
import logging
import uuid
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import COMPUTE, Found, all_services, hosts_of, only_one, service_up, shown_moment
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import BOOLEAN, HOST_NAME, QUERY_TEXT, Body, Field, Query, truth
from nova.db.stores import aggregates, host_mappings, hosts, migrations, servers, services
from nova.domain.host import Service
from nova.domain.notifications import payloads

LOG = logging.getLogger(__name__)

LIST = policy.admin('os_compute_api:os-services:list', 'List daemons.')
UPDATE = policy.admin('os_compute_api:os-services:update', 'Enable, disable or force down a daemon.')
DELETE = policy.admin('os_compute_api:os-services:delete', 'Forget a daemon.')

_REASON = {'type': 'string', 'minLength': 1, 'maxLength': 255}
FILTERS = Query(Field('host', QUERY_TEXT, many=True), Field('binary', QUERY_TEXT, many=True))
WHICH = (
    Field('host', HOST_NAME, required=True),
    Field('binary', {'type': 'string', 'minLength': 1, 'maxLength': 255}, required=True),
)
SWITCH = Body(None, *WHICH)
DISABLE_FOR = Body(None, *WHICH, Field('disabled_reason', _REASON, required=True))
FORCE_DOWN = Body(None, *WHICH, Field('forced_down', BOOLEAN, required=True))
CHANGE = Body(
    None,
    Field('status', {'type': 'string', 'enum': ['enabled', 'disabled']}),
    Field('disabled_reason', _REASON),
    Field('forced_down', BOOLEAN),
)


@route(
    'GET',
    '/os-services',
    policy=LIST,
    query=FILTERS,
    samples=(
        'os-services/services-list-get-resp.json',
        'os-services/v2.11/services-list-get-resp.json',
        'os-services/v2.53/services-list-get-resp.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    host, binary = request.params.get('host'), request.params.get('binary')
    found = all_services(request, host, binary)
    shown = [view(request, service) for service in found.items]
    if found.down and request.version >= (2, 69) and binary in (None, COMPUTE):
        away = [name for name in hosts_of(request, found.down) if host in (None, name)]
        shown += [{'binary': COMPUTE, 'host': name, 'status': 'UNKNOWN'} for name in away]
    return {'services': shown}


@route(
    'PUT',
    '/os-services/enable',
    policy=UPDATE,
    body=SWITCH,
    until='2.52',
    samples=('os-services/service-enable-put-resp.json',),
)
def enable(request: Request) -> dict[str, Any]:
    return _switch(request, {'enabled': True}, {'status': 'enabled'})


@route(
    'PUT',
    '/os-services/disable',
    policy=UPDATE,
    body=SWITCH,
    until='2.52',
    samples=('os-services/service-disable-put-resp.json',),
)
def disable(request: Request) -> dict[str, Any]:
    return _switch(request, {'enabled': False, 'disabled_reason': None}, {'status': 'disabled'})


@route(
    'PUT',
    '/os-services/disable-log-reason',
    policy=UPDATE,
    body=DISABLE_FOR,
    until='2.52',
    samples=('os-services/service-disable-log-put-resp.json',),
)
def disable_for(request: Request) -> dict[str, Any]:
    reason = request.body['disabled_reason'].strip()
    if not reason:
        raise errors.Invalid('Missing disabled reason field')
    return _switch(
        request,
        {'enabled': False, 'disabled_reason': reason},
        {'status': 'disabled', 'disabled_reason': reason},
    )


@route(
    'PUT',
    '/os-services/force-down',
    policy=UPDATE,
    body=FORCE_DOWN,
    since='2.11',
    until='2.52',
    samples=('os-services/v2.11/service-force-down-put-resp.json',),
)
def force_down(request: Request) -> dict[str, Any]:
    down = truth(request.body['forced_down'])
    return _switch(request, {'forced_down': down}, {'forced_down': down})


@route(
    'PUT',
    '/os-services/{service_id}',
    policy=UPDATE,
    body=CHANGE,
    since='2.53',
    samples=(
        'os-services/v2.53/service-disable-log-put-resp.json',
        'os-services/v2.53/service-enable-put-resp.json',
        'os-services/v2.53/service-force-down-put-resp.json',
    ),
)
def update(request: Request, service_id: str) -> dict[str, Any]:
    changes = _changes(request.body)
    service = _get(request, service_id)
    if service.binary != COMPUTE:
        raise errors.Invalid(
            f'Updating a {service.binary} service is not supported. Only nova-compute services can be updated.'
        )
    _change(request, service, changes)
    return {'service': view(request, _get(request, service_id))}


@route('DELETE', '/os-services/{service_id}', policy=DELETE, status=204)
def delete(request: Request, service_id: str) -> None:
    service = _get(request, service_id)
    if service.binary == COMPUTE:
        _forget_host(request, service)
    else:
        with request.databases.cell(service.cell_id).writing() as tx:
            services.remove(tx, service.id)
    request.tell('service.delete', payloads.service, service)


def view(request: Request, service: Service) -> dict[str, Any]:
    shown = {
        'id': service.uuid if request.version >= (2, 53) else service.id,
        'binary': service.binary,
        'host': service.host,
        'zone': service.availability_zone,
        'status': 'enabled' if service.enabled else 'disabled',
        'disabled_reason': service.disabled_reason,
        'state': 'up' if service_up(request, service) else 'down',
        'updated_at': shown_moment(service.seen_at),
    }
    if request.version >= (2, 11):
        shown['forced_down'] = service.forced_down
    return shown


def _switch(request: Request, changes: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    host, binary = request.body['host'], request.body['binary']
    missing = f'Could not find binary {binary} on host {host}.'
    service = only_one(all_services(request, host, binary), missing, f'{binary} on host {host}')
    _change(request, service, changes)
    return {'service': {'host': host, 'binary': binary, **shown}}


def _change(request: Request, service: Service, changes: dict[str, Any]) -> None:
    with request.databases.cell(service.cell_id).writing() as tx:
        services.change(tx, service.id, **changes)
        changed = services.get(tx, service.id, service.cell_id) if request.is_heard else None
    if changed:
        zone = service.availability_zone if service.binary == COMPUTE else None
        request.tell('service.update', payloads.service, dataclasses.replace(changed, availability_zone=zone))
    if 'enabled' in changes and service.binary == COMPUTE:
        _tell_host(request, service, changes['enabled'])


def _tell_host(request: Request, service: Service, enabled: bool) -> None:
    """Have the host set its trait in Placement before the caller is answered."""
    try:
        request.services.compute(service.host, service.cell_id).take_servers(request.context, enabled=enabled)
    except (errors.HostFailed, errors.ServiceDown) as failure:
        LOG.warning('Host %s learns at its next whole report whether it is enabled: %s', service.host, failure)


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    reason, status = body.get('disabled_reason'), body.get('status')
    if reason is not None and status != 'disabled':
        raise errors.Invalid("Specifying disabled_reason requires that status is 'disabled'.")
    if status is not None:
        changes = {'enabled': status == 'enabled', 'disabled_reason': reason}
    if 'forced_down' in body:
        changes['forced_down'] = truth(body['forced_down'])
    if not changes:
        raise errors.Invalid("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    return changes


def _get(request: Request, service_id: str) -> Service:
    if request.version >= (2, 53):
        try:
            uuid.UUID(service_id)
        except ValueError:
            raise errors.Invalid(f'Invalid uuid {service_id[:64]}')
    elif not service_id.isdigit():
        raise errors.Invalid(f'Invalid id {service_id[:64]}: it must be a number before microversion 2.53.')
    known = all_services(request)
    named = tuple(service for service in known.items if service_id in (service.uuid, str(service.id)))
    return only_one(Found(named, known.down), f'Service {service_id} not found.', f'Service {service_id}')


def _forget_host(request: Request, service: Service) -> None:
    """The record goes last, so that what failed on the way can be tried again."""
    cell = request.databases.cell(service.cell_id)
    with cell.reading() as tx:
        _refuse_busy(tx, service.host)
        nodes = hosts.node_ids(tx, service.host)
    if request.services.placement is not None:
        for node_id in nodes:
            request.services.placement.remove_provider(node_id)
    with request.databases.api.writing() as tx:
        for aggregate in aggregates.listing(tx):
            if service.host in aggregate.hosts:
                aggregates.remove_host(tx, aggregate.id, service.host)
        host_mappings.remove(tx, service.host)
    with cell.writing() as tx:
        _refuse_busy(tx, service.host)
        services.remove(tx, service.id)


def _refuse_busy(tx: Any, host: str) -> None:
    if servers.on_host(tx, host):
        raise errors.Conflict(
            'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.'
        )
    if migrations.under_way(tx, host):
        raise errors.Conflict(
            'Unable to delete compute service that has in-progress migrations. Complete the migrations first.'
        )
