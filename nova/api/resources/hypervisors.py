"""Hypervisors: the hosts, and what is taken on them."""

import uuid
from typing import Any

import orjson

from nova import errors
from nova.api import policy
from nova.api.hosts import all_hosts, only_one
from nova.api.microversions import Version
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import BOOLEAN, QUERY_NUMBER, QUERY_TEXT, Field, Query, truth
from nova.db.stores import servers
from nova.domain.host import Host
from nova.domain.queries import ServerQuery

LIST = policy.admin('os_compute_api:os-hypervisors:list', 'List hypervisors.')
DETAIL = policy.admin('os_compute_api:os-hypervisors:list-detail', 'List hypervisors in detail.')
STATISTICS = policy.admin('os_compute_api:os-hypervisors:statistics', 'Show sums over all hypervisors.')
SHOW = policy.admin('os_compute_api:os-hypervisors:show', 'Show a hypervisor.')
UPTIME = policy.admin('os_compute_api:os-hypervisors:uptime', 'Show how long a hypervisor has been up.')
SEARCH = policy.admin('os_compute_api:os-hypervisors:search', 'Search hypervisors by name.')
SERVERS = policy.admin('os_compute_api:os-hypervisors:servers', 'List the servers on hypervisors.')

PAGE = Query(
    Field('limit', QUERY_NUMBER, since='2.33', many=True),
    Field('marker', QUERY_TEXT, since='2.33', many=True),
    Field('hypervisor_hostname_pattern', QUERY_TEXT, since='2.53'),
    Field('with_servers', {'type': 'string', 'enum': BOOLEAN['enum'][1:]}, since='2.53'),
)
ONE = Query(Field('with_servers', {'type': 'string', 'enum': BOOLEAN['enum'][1:]}, since='2.53'))


@route(
    'GET',
    '/os-hypervisors',
    policy=LIST,
    query=PAGE,
    samples=(
        'os-hypervisors/hypervisors-list-resp.json',
        'os-hypervisors/v2.33/hypervisors-list-resp.json',
        'os-hypervisors/v2.53/hypervisors-list-resp.json',
        'os-hypervisors/v2.88/hypervisors-list-resp.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    return _page(request, summary)


@route(
    'GET',
    '/os-hypervisors/detail',
    policy=DETAIL,
    query=PAGE,
    samples=(
        'os-hypervisors/hypervisors-detail-resp.json',
        'os-hypervisors/v2.28/hypervisors-detail-resp.json',
        'os-hypervisors/v2.33/hypervisors-detail-resp.json',
        'os-hypervisors/v2.53/hypervisors-detail-resp.json',
        'os-hypervisors/v2.88/hypervisors-detail-resp.json',
    ),
)
def detail(request: Request) -> dict[str, Any]:
    return _page(request, view, 'detail')


@route(
    'GET',
    '/os-hypervisors/statistics',
    policy=STATISTICS,
    until='2.87',
    samples=('os-hypervisors/hypervisors-statistics-resp.json',),
)
def statistics(request: Request) -> dict[str, Any]:
    hosts = all_hosts(request)
    sums = {name: sum(_figures(host)[name] or 0 for host in hosts) for name in _FIGURES}
    return {'hypervisor_statistics': {'count': len(hosts), **sums}}


@route(
    'GET',
    '/os-hypervisors/{hypervisor_id}',
    policy=SHOW,
    query=ONE,
    samples=(
        'os-hypervisors/hypervisors-show-resp.json',
        'os-hypervisors/v2.28/hypervisors-show-resp.json',
        'os-hypervisors/v2.53/hypervisors-show-resp.json',
        'os-hypervisors/v2.88/hypervisors-show-resp.json',
    ),
)
def show(request: Request, hypervisor_id: str) -> dict[str, Any]:
    host = _get(request, hypervisor_id)
    return {'hypervisor': view(request, host) | _servers(request, [host]).get(host.node_id, {})}


@route(
    'GET',
    '/os-hypervisors/{hypervisor_id}/uptime',
    policy=UPTIME,
    until='2.87',
    samples=('os-hypervisors/hypervisors-uptime-resp.json', 'os-hypervisors/v2.53/hypervisors-uptime-resp.json'),
)
def uptime(request: Request, hypervisor_id: str) -> dict[str, Any]:
    host = _get(request, hypervisor_id)
    if not _up(request, host):
        raise errors.Invalid(f'Service is unavailable at this time: host {host.name} is down.')
    if host.uptime is None:
        raise errors.NotImplementedHere('Virt driver does not implement uptime function.')
    return {'hypervisor': summary(request, host) | {'uptime': host.uptime}}


@route(
    'GET',
    '/os-hypervisors/{pattern}/search',
    policy=SEARCH,
    until='2.52',
    samples=('os-hypervisors/hypervisors-search-resp.json',),
)
def search(request: Request, pattern: str) -> dict[str, Any]:
    return {'hypervisors': [summary(request, host) for host in _matching(request, pattern)]}


@route(
    'GET',
    '/os-hypervisors/{pattern}/servers',
    policy=SERVERS,
    until='2.52',
    samples=('os-hypervisors/hypervisors-with-servers-resp.json',),
)
def on_hypervisors(request: Request, pattern: str) -> dict[str, Any]:
    hosts = _matching(request, pattern)
    found = _servers_of(request, hosts)
    return {
        'hypervisors': [
            summary(request, host) | ({'servers': found[host.node_id]} if found[host.node_id] else {}) for host in hosts
        ]
    }


def summary(request: Request, host: Host) -> dict[str, Any]:
    """A hypervisor in the short list."""
    return {
        'id': _id(request.version, host.number, host.node_id),
        'hypervisor_hostname': host.node,
        'state': 'up' if _up(request, host) else 'down',
        'status': 'enabled' if host.enabled else 'disabled',
    }


def view(request: Request, host: Host) -> dict[str, Any]:
    """A hypervisor in full; what it has and has given away was shown until 2.87."""
    shown = summary(request, host) | {
        'host_ip': host.host_ip,
        'hypervisor_type': host.hypervisor_type,
        'hypervisor_version': host.hypervisor_version,
        'service': {
            'id': _id(request.version, host.service_id, host.service_uuid),
            'host': host.name,
            'disabled_reason': host.disabled_reason,
        },
    }
    if request.version >= (2, 88):
        return shown | {'uptime': host.uptime}
    cpu_info = host.cpu_info if request.version >= (2, 28) else orjson.dumps(host.cpu_info).decode()
    return shown | {'cpu_info': cpu_info, **_figures(host)}


_FIGURES = (
    'vcpus',
    'vcpus_used',
    'memory_mb',
    'memory_mb_used',
    'free_ram_mb',
    'local_gb',
    'local_gb_used',
    'free_disk_gb',
    'disk_available_least',
    'running_vms',
    'current_workload',
)


def _figures(host: Host) -> dict[str, Any]:
    inventory = host.inventory
    memory_used = host.claimed_memory_mb + inventory.reserved_memory_mb
    disk_used = host.claimed_disk_gb + inventory.reserved_disk_gb
    values = (
        inventory.vcpus,
        host.claimed_vcpus,
        inventory.memory_mb,
        memory_used,
        inventory.memory_mb - memory_used,
        inventory.disk_gb,
        disk_used,
        inventory.disk_gb - disk_used,
        host.disk_available_least,
        host.servers,
        # How many servers were being worked on; operations are not bound to hosts, so none are counted.
        0,
    )
    return dict(zip(_FIGURES, values, strict=True))


def _page(request: Request, form: Any, *path: str) -> dict[str, Any]:
    pattern = request.params.get('hypervisor_hostname_pattern')
    limit, marker = request.page()
    if pattern is not None and ('limit' in request.params or marker is not None):
        raise errors.Invalid(
            'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.'
        )
    hosts = _matching(request, pattern) if pattern is not None else _after(request, marker)[:limit]
    servers_of = _servers(request, hosts)
    answer: dict[str, Any] = {'hypervisors': [form(request, host) | servers_of.get(host.node_id, {}) for host in hosts]}
    if hosts and pattern is None and request.version >= (2, 33):
        last = str(_id(request.version, hosts[-1].number, hosts[-1].node_id))
        links = request.next_link(hosts, last, 'os-hypervisors', *path)
        if links:
            answer['hypervisors_links'] = links
    return answer


def _after(request: Request, marker: str | None) -> list[Host]:
    hosts = all_hosts(request)
    if marker is None:
        return hosts
    for place, host in enumerate(hosts):
        if str(_id(request.version, host.number, host.node_id)) == marker:
            return hosts[place + 1 :]
    raise errors.Invalid(f'marker [{marker[:64]}] not found')


def _matching(request: Request, pattern: str) -> list[Host]:
    found = [host for host in all_hosts(request) if pattern in host.node]
    if not found:
        raise errors.NotFound(f"No hypervisor matching '{pattern}' could be found.")
    return found


def _get(request: Request, hypervisor_id: str) -> Host:
    missing = f"Hypervisor with ID '{hypervisor_id}' could not be found."
    if request.version >= (2, 53):
        try:
            uuid.UUID(hypervisor_id)
        except ValueError:
            raise errors.Invalid(f'Invalid uuid {hypervisor_id}')
        found = [host for host in all_hosts(request) if host.node_id == hypervisor_id]
    else:
        found = [host for host in all_hosts(request) if str(host.number) == hypervisor_id]
    return only_one(found, missing, f'Hypervisor {hypervisor_id}')


def _servers(request: Request, hosts: list[Host]) -> dict[str, dict[str, Any]]:
    """The `servers` key of each host, if it was asked for; a host without any shows it from 2.75 on."""
    if not truth(request.params.get('with_servers')):
        return {}
    found = _servers_of(request, hosts)
    return {node_id: {'servers': shown} for node_id, shown in found.items() if shown or request.version >= (2, 75)}


def _servers_of(request: Request, hosts: list[Host]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {host.node_id: [] for host in hosts}
    for host in hosts:
        with request.databases.cell(host.cell_id).reading() as tx:
            on_host = servers.listing(tx, ServerQuery(host=host.name))
        found[host.node_id] = [{'name': server.name, 'uuid': server.id} for server in on_host]
    return found


def _up(request: Request, host: Host) -> bool:
    return host.up(request.services.clock(), request.settings.service_down_time)


def _id(version: Version, number: int | None, its_uuid: str | None) -> Any:
    """Numbers were given away as ids until cells came, which each count from one."""
    return its_uuid if version >= (2, 53) else number
