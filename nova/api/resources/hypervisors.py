"""Hypervisors: the hosts, and what is taken on them."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from nova import errors
from nova.api import policy
from nova.api.hosts import Found, all_hosts, gather, only_one, refuse_nothing
from nova.api.microversions import Version
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import BOOLEAN, QUERY_NUMBER, QUERY_TEXT, Field, Query, truth
from nova.db.stores import hosts
from nova.domain.cell import Cell
from nova.domain.host import Host

LIST = policy.admin('os_compute_api:os-hypervisors:list', 'List hypervisors.')
DETAIL = policy.admin('os_compute_api:os-hypervisors:list-detail', 'List hypervisors in detail.')
STATISTICS = policy.admin('os_compute_api:os-hypervisors:statistics', 'Show sums over all hypervisors.')
SHOW = policy.admin('os_compute_api:os-hypervisors:show', 'Show a hypervisor.')
UPTIME = policy.admin('os_compute_api:os-hypervisors:uptime', 'Show how long a hypervisor has been up.')
SEARCH = policy.admin('os_compute_api:os-hypervisors:search', 'Search hypervisors by name.')
SERVERS = policy.admin('os_compute_api:os-hypervisors:servers', 'List the servers on hypervisors.')

# Bounded as the database's integers are.
_NUMBER = re.compile(r'[0-9]{1,9}')

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
    figures = [_figures(host) for host in all_hosts(request)]
    sums = {name: sum(of_host[name] or 0 for of_host in figures) for name in _FIGURES}
    return {'hypervisor_statistics': {'count': len(figures), **sums}}


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
    matching = _matching(request, pattern)
    found = _servers_of(request, matching)
    return {
        'hypervisors': [
            summary(request, host) | ({'servers': found[host.node_id]} if found[host.node_id] else {})
            for host in matching
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
        # What a host that is down said last does not hold any more.
        return shown | {'uptime': host.uptime if _up(request, host) else None}
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
    pattern, pages = request.params.get('hypervisor_hostname_pattern'), request.version >= (2, 33)
    limit, marker = request.page() if pages else (None, None)
    if pattern is not None and ('limit' in request.params or marker is not None):
        raise errors.Invalid(
            'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.'
        )
    found = _matching(request, pattern) if pattern is not None else _after(request, marker, limit)
    servers_of = _servers(request, found)
    answer: dict[str, Any] = {'hypervisors': [form(request, host) | servers_of.get(host.node_id, {}) for host in found]}
    if found and pattern is None and pages:
        last = str(_id(request.version, found[-1].number, found[-1].node_id))
        links = request.next_link(found, last, 'os-hypervisors', *path)
        if links:
            answer['hypervisors_links'] = links
    return answer


def _after(request: Request, marker: str | None, limit: int | None) -> list[Host]:
    """A page of hosts: cell by cell, and in each in the order in which they came."""
    order = [cell.id for cell in request.databases.cells()]
    last = _marked(request, marker) if marker is not None else None
    from_cell = order.index(last.cell_id) if last else 0

    def work(tx: Any, cell: Cell) -> list[Host]:
        place = order.index(cell.id) if cell.id in order else len(order)
        if place < from_cell:
            return []
        return hosts.page(tx, cell.id, last.number if last and place == from_cell else None, limit)

    return list(gather(request, work, skip_cell0=True).items[:limit])


def _marked(request: Request, marker: str) -> Host:
    try:
        return _get(request, marker)
    except errors.NotFound:
        raise errors.Invalid(f'marker [{marker[:64]}] not found')


def _matching(request: Request, pattern: str) -> list[Host]:
    found = gather(request, lambda tx, cell: hosts.matching(tx, cell.id, pattern), skip_cell0=True)
    refuse_nothing(found, f"No hypervisor matching '{pattern}' could be found.")
    return list(found.items)


def _get(request: Request, hypervisor_id: str) -> Host:
    missing = f"Hypervisor with ID '{hypervisor_id[:64]}' could not be found."
    if request.version >= (2, 53):
        try:
            uuid.UUID(hypervisor_id)
        except ValueError:
            raise errors.Invalid(f'Invalid uuid {hypervisor_id[:64]}')
        found = _find(request, lambda tx, cell: hosts.by_node_id(tx, hypervisor_id, cell.id))
    elif _NUMBER.fullmatch(hypervisor_id):
        found = _find(request, lambda tx, cell: hosts.by_number(tx, int(hypervisor_id), cell.id))
    else:
        raise errors.NotFound(missing)
    return only_one(found, missing, f'Hypervisor {hypervisor_id}')


def _find(request: Request, look: Callable[[Any, Cell], Host | None]) -> Found:
    def work(tx: Any, cell: Cell) -> list[Host]:
        host = look(tx, cell)
        return [host] if host else []

    return gather(request, work, skip_cell0=True)


def _servers(request: Request, on: list[Host]) -> dict[str, dict[str, Any]]:
    """The `servers` key of each host, if it was asked for; a host without any shows it from 2.75 on."""
    if not truth(request.params.get('with_servers')):
        return {}
    found = _servers_of(request, on)
    return {node_id: {'servers': shown} for node_id, shown in found.items() if shown or request.version >= (2, 75)}


def _servers_of(request: Request, found: list[Host]) -> dict[str, list[dict[str, str]]]:
    names: dict[str | None, set[str]] = {}
    for host in found:
        names.setdefault(host.cell_id, set()).add(host.name)
    rows = gather(request, lambda tx, cell: hosts.servers_on(tx, names.get(cell.id, ())), skip_cell0=True).items
    shown: dict[str, list[dict[str, str]]] = {}
    for host_name, server_id, name in rows:
        shown.setdefault(host_name, []).append({'name': name, 'uuid': server_id})
    return {host.node_id: shown.get(host.name, []) for host in found}


def _up(request: Request, host: Host) -> bool:
    return host.up(request.services.clock(), request.settings.service_down_time)


def _id(version: Version, number: int | None, its_uuid: str | None) -> Any:
    """Numbers were given away as ids until cells came, which each count from one."""
    return its_uuid if version >= (2, 53) else number
