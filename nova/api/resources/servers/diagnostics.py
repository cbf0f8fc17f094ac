"""Show what a server's guest uses, as its hypervisor measures it just now."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find_placed
from nova.api.routes import route
from nova.domain.diagnostics import Diagnostics, DiskTraffic, InterfaceTraffic
from nova.domain.lifecycle import Power
from nova.domain.server import Server

SHOW = policy.admin('os_compute_api:os-server-diagnostics', "Shows what a server's guest uses.")

STATES = {
    Power.NOSTATE: 'pending',
    Power.RUNNING: 'running',
    Power.PAUSED: 'paused',
    Power.SHUTDOWN: 'shutdown',
    Power.CRASHED: 'crashed',
    Power.SUSPENDED: 'suspended',
}


@route(
    'GET',
    '/servers/{server_id}/diagnostics',
    policy=SHOW,
    until='2.47',
    samples=('os-server-diagnostics/server-diagnostics-get-resp.json',),
)
def raw(request: Request, server_id: str) -> dict[str, Any]:
    """Each figure under the name that its driver has for it."""
    return _raw(_measured(request, find_placed(request, server_id, SHOW)))


@route(
    'GET',
    '/servers/{server_id}/diagnostics',
    policy=SHOW,
    since='2.48',
    samples=('os-server-diagnostics/v2.48/server-diagnostics-get-resp.json',),
)
def show(request: Request, server_id: str) -> dict[str, Any]:
    server = find_placed(request, server_id, SHOW)
    found = _measured(request, server)
    return {
        'state': STATES[server.power],
        'driver': found.driver,
        'hypervisor': found.hypervisor,
        'hypervisor_os': found.hypervisor_os,
        'uptime': _seconds_up(request, server),
        'config_drive': server.config_drive,
        'num_cpus': len(found.processors),
        'num_nics': len(found.interfaces),
        'num_disks': len(found.disks),
        'memory_details': {'maximum': _mib(found.memory_maximum), 'used': _mib(found.memory_used)},
        'cpu_details': [{'id': cpu.id, 'time': cpu.time, 'utilisation': cpu.utilisation} for cpu in found.processors],
        'nic_details': [_interface(interface) for interface in found.interfaces],
        'disk_details': [_disk(disk) for disk in found.disks],
    }


def _measured(request: Request, server: Server) -> Diagnostics:
    if server.host is None:
        raise errors.Conflict(f'Instance {server.id} is not ready: no host has it.')
    if server.power is not Power.RUNNING:
        raise errors.Conflict(
            f"Cannot 'get_diagnostics' instance {server.id} while it is in power_state {STATES[server.power]}"
        )
    return request.services.compute(server.host, server.cell_id).diagnose_guest(request.context, server_id=server.id)


def _seconds_up(request: Request, server: Server) -> int | None:
    if server.launched_at is None:
        return None
    return max(0, int((request.services.clock() - server.launched_at).total_seconds()))


def _mib(kib: int | None) -> int | None:
    return None if kib is None else kib // 1024


def _disk(disk: DiskTraffic) -> dict[str, Any]:
    return {
        'read_bytes': disk.read_bytes,
        'read_requests': disk.read_requests,
        'write_bytes': disk.write_bytes,
        'write_requests': disk.write_requests,
        'errors_count': disk.errors,
    }


def _interface(interface: InterfaceTraffic) -> dict[str, Any]:
    shown: dict[str, Any] = {'mac_address': interface.mac}
    for way, traffic in (('rx', interface.received), ('tx', interface.sent)):
        shown |= {
            f'{way}_octets': traffic.octets,
            f'{way}_packets': traffic.packets,
            f'{way}_errors': traffic.errors,
            f'{way}_drop': traffic.drops,
            # No hypervisor of ours tells how fast it goes.
            f'{way}_rate': None,
        }
    return shown


def _raw(found: Diagnostics) -> dict[str, int | None]:
    shown = {f'cpu{cpu.id}_time': cpu.time for cpu in found.processors}
    for disk in found.disks:
        shown |= {
            f'{disk.name}_read_req': disk.read_requests,
            f'{disk.name}_read': disk.read_bytes,
            f'{disk.name}_write_req': disk.write_requests,
            f'{disk.name}_write': disk.write_bytes,
            # As it has always been said of hypervisors that do not count them.
            f'{disk.name}_errors': -1 if disk.errors is None else disk.errors,
        }
    for interface in found.interfaces:
        for way, traffic in (('rx', interface.received), ('tx', interface.sent)):
            shown |= {
                f'{interface.name}_{way}': traffic.octets,
                f'{interface.name}_{way}_packets': traffic.packets,
                f'{interface.name}_{way}_errors': traffic.errors,
                f'{interface.name}_{way}_drop': traffic.drops,
            }
    amounts = {f'memory-{name}': amount for name, amount in found.memory.items() if name != 'maximum'}
    return shown | {'memory': found.memory_maximum} | amounts
