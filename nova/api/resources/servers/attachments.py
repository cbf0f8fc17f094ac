"""Show what is attached to a server: interfaces, security groups, volumes."""

from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.routes import route
from nova.domain.network import Port

INTERFACES = policy.project_reader('os_compute_api:os-attach-interfaces:list', "Lists a server's interfaces.")
INTERFACE = policy.project_reader('os_compute_api:os-attach-interfaces:show', "Shows one of a server's interfaces.")
VOLUMES = policy.project_reader('os_compute_api:os-volumes-attachments:index', "Lists a server's volumes.")
VOLUME = policy.project_reader('os_compute_api:os-volumes-attachments:show', "Shows one of a server's volumes.")


@route(
    'GET',
    '/servers/{server_id}/os-interface',
    policy=INTERFACES,
    samples=(
        'os-attach-interfaces/attach-interfaces-list-resp.json',
        'os-attach-interfaces/v2.70/attach-interfaces-list-resp.json',
    ),
)
def interfaces(request: Request, server_id: str) -> dict[str, Any]:
    ports = find(request, server_id, INTERFACES).ports
    return {'interfaceAttachments': [_interface(request, port) for port in ports]}


@route(
    'GET',
    '/servers/{server_id}/os-interface/{port_id}',
    policy=INTERFACE,
    samples=(
        'os-attach-interfaces/attach-interfaces-show-resp.json',
        'os-attach-interfaces/v2.70/attach-interfaces-show-resp.json',
    ),
)
def interface(request: Request, server_id: str, port_id: str) -> dict[str, Any]:
    ports = find(request, server_id, INTERFACE).ports
    port = next((port for port in ports if port.id == port_id), None)
    if port is None:
        raise errors.NotFound(f'Instance {server_id} does not have a port with id {port_id[:64]}')
    return {'interfaceAttachment': _interface(request, port)}


@route('GET', '/servers/{server_id}/os-volume_attachments', policy=VOLUMES)
def volumes(request: Request, server_id: str) -> dict[str, Any]:
    """Nothing yet: this cloud has no volumes."""
    find(request, server_id, VOLUMES)
    return {'volumeAttachments': []}


@route('GET', '/servers/{server_id}/os-volume_attachments/{volume_id}', policy=VOLUME)
def volume(request: Request, server_id: str, volume_id: str) -> dict[str, Any]:
    find(request, server_id, VOLUME)
    raise errors.NotFound(f'Instance {server_id} is not attached to volume {volume_id[:64]}')


def _interface(request: Request, port: Port) -> dict[str, Any]:
    shown = {
        'port_state': 'ACTIVE' if port.active else 'DOWN',
        'port_id': port.id,
        'net_id': port.network.id,
        'mac_addr': port.mac,
        'fixed_ips': [{'ip_address': ip.address, 'subnet_id': ip.subnet_id} for ip in port.fixed_ips],
    }
    return {**shown, 'tag': port.tag} if request.version >= (2, 70) else shown
