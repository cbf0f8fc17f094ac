"""Hosts, as they were shown until 2.42: what runs where, and what is taken on a host."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import all_services, service_up
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import QUERY_TEXT, Body, Field, Query
from nova.db.stores import host_mappings, hosts, services
from nova.domain.host import Host

LIST = policy.admin('os_compute_api:os-hosts:list', 'List hosts and what runs on them.')
SHOW = policy.admin('os_compute_api:os-hosts:show', 'Show what is taken on a host.')
UPDATE = policy.admin('os_compute_api:os-hosts:update', 'Enable a host, or put it into maintenance.')
REBOOT = policy.admin('os_compute_api:os-hosts:reboot', 'Reboot a host.')
SHUTDOWN = policy.admin('os_compute_api:os-hosts:shutdown', 'Shut down a host.')
START = policy.admin('os_compute_api:os-hosts:start', 'Start a host.')

_SWITCH = {'type': 'string', 'enum': ['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE']}
FILTERS = Query(Field('zone', QUERY_TEXT, many=True), Field('service', QUERY_TEXT, many=True))
CHANGE = Body(None, Field('status', _SWITCH), Field('maintenance_mode', _SWITCH), least=1)


@route('GET', '/os-hosts', policy=LIST, query=FILTERS, until='2.42', samples=('os-hosts/hosts-list-resp.json',))
def listing(request: Request) -> dict[str, Any]:
    zone, topic = request.params.get('zone'), request.params.get('service')
    return {
        'hosts': [
            {'host_name': service.host, 'service': service.topic, 'zone': service.availability_zone}
            for service in all_services(request).items
            if zone in (None, service.availability_zone) and topic in (None, service.topic)
        ]
    }


@route('GET', '/os-hosts/{host_name}', policy=SHOW, until='2.42', samples=('os-hosts/host-get-resp.json',))
def show(request: Request, host_name: str) -> dict[str, Any]:
    with request.databases.cell(_cell_of(request, host_name)).reading() as tx:
        host = hosts.get(tx, host_name)
        projects = hosts.claimed_by_project(tx, host_name)
    inventory = host.inventory
    rows = [
        _row(host, '(total)', (inventory.vcpus, inventory.memory_mb, inventory.disk_gb)),
        _row(host, '(used_now)', _used(host)),
        _row(host, '(used_max)', (host.claimed_vcpus, host.claimed_memory_mb, host.claimed_disk_gb)),
    ]
    return {'host': rows + [_row(host, project, claims[:3]) for project, claims in projects.items()]}


@route('PUT', '/os-hosts/{host_name}', policy=UPDATE, body=CHANGE, until='2.42')
def update(request: Request, host_name: str) -> None:
    _refuse_away(request, host_name)
    what = 'disabled status' if 'status' in request.body else 'maintenance mode'
    raise errors.NotImplementedHere(f'Virt driver does not implement host {what}.')


@route('GET', '/os-hosts/{host_name}/reboot', policy=REBOOT, until='2.42')
def reboot(request: Request, host_name: str) -> None:
    _switch_power(request, host_name)


@route('GET', '/os-hosts/{host_name}/shutdown', policy=SHUTDOWN, until='2.42')
def shutdown(request: Request, host_name: str) -> None:
    _switch_power(request, host_name)


@route('GET', '/os-hosts/{host_name}/startup', policy=START, until='2.42')
def startup(request: Request, host_name: str) -> None:
    _switch_power(request, host_name)


def _switch_power(request: Request, host_name: str) -> None:
    # No driver of today's hypervisors could ever do this.
    _refuse_away(request, host_name)
    raise errors.NotImplementedHere('Virt driver does not implement host power management.')


def _refuse_away(request: Request, host_name: str) -> None:
    with request.databases.cell(_cell_of(request, host_name)).reading() as tx:
        service = services.find(tx, host_name, services.COMPUTE)
    if service is None:
        raise _unknown(host_name)
    if not service_up(request, service):
        raise errors.Invalid(f'Compute service of {host_name} is unavailable at this time.')


def _cell_of(request: Request, host_name: str) -> str:
    with request.databases.api.reading() as tx:
        cell_id = host_mappings.find(tx, host_name)
    if cell_id is None:
        raise _unknown(host_name)
    return cell_id


def _unknown(host_name: str) -> errors.NotFound:
    return errors.NotFound(f'Compute host {host_name[:64]} could not be found.')


def _used(host: Host) -> tuple[int, int, int]:
    """What servers take, and what the host keeps for itself."""
    inventory = host.inventory
    return (
        host.claimed_vcpus,
        host.claimed_memory_mb + inventory.reserved_memory_mb,
        host.claimed_disk_gb + inventory.reserved_disk_gb,
    )


def _row(host: Host, project: str, amounts: tuple[int, int, int]) -> dict[str, Any]:
    cpu, memory_mb, disk_gb = amounts
    return {'resource': {'host': host.name, 'project': project, 'cpu': cpu, 'memory_mb': memory_mb, 'disk_gb': disk_gb}}
