"""Show a server's network interfaces, add some and take some away."""

import dataclasses
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.resources.servers.verbs import admit, begin
from nova.api.routes import route
from nova.api.schema import TAG, UUID, Body, Field
from nova.domain.network import NetworkRequest, Port
from nova.operations import result
from nova.operations.attach_interface import AttachInterface
from nova.operations.detach_interface import DetachInterface
from nova.operations.guest_operation import with_guest

INDEX = policy.project_reader('os_compute_api:os-attach-interfaces:list', "Lists a server's interfaces.")
SHOW = policy.project_reader('os_compute_api:os-attach-interfaces:show', "Shows one of a server's interfaces.")
ATTACH = policy.project_member('os_compute_api:os-attach-interfaces:create', 'Attaches an interface to a server.')
DETACH = policy.project_member('os_compute_api:os-attach-interfaces:delete', 'Detaches an interface from a server.')

_FIXED_IPS = {
    'type': 'array',
    'minItems': 1,
    'maxItems': 1,
    'items': {
        'type': 'object',
        'properties': {
            'ip_address': {'type': 'string', 'anyOf': [{'format': 'ipv4'}, {'format': 'ipv6'}], 'maxLength': 45}
        },
        'additionalProperties': False,
        'required': ['ip_address'],
    },
}
INTERFACE = Body(
    'interfaceAttachment',
    Field('net_id', UUID),
    Field('port_id', UUID),
    Field('fixed_ips', _FIXED_IPS),
    Field('tag', TAG, since='2.49'),
)


@route(
    'GET',
    '/servers/{server_id}/os-interface',
    policy=INDEX,
    samples=(
        'os-attach-interfaces/attach-interfaces-list-resp.json',
        'os-attach-interfaces/v2.70/attach-interfaces-list-resp.json',
    ),
)
def index(request: Request, server_id: str) -> dict[str, Any]:
    ports = find(request, server_id, INDEX).ports
    return {'interfaceAttachments': [_shown(request, port) for port in ports]}


@route(
    'GET',
    '/servers/{server_id}/os-interface/{port_id}',
    policy=SHOW,
    samples=(
        'os-attach-interfaces/attach-interfaces-show-resp.json',
        'os-attach-interfaces/v2.70/attach-interfaces-show-resp.json',
    ),
)
def show(request: Request, server_id: str, port_id: str) -> dict[str, Any]:
    return {'interfaceAttachment': _shown(request, _port(find(request, server_id, SHOW).ports, server_id, port_id))}


@route(
    'POST',
    '/servers/{server_id}/os-interface',
    policy=ATTACH,
    body=INTERFACE,
    samples=(
        'os-attach-interfaces/attach-interfaces-create-resp.json',
        'os-attach-interfaces/v2.70/attach-interfaces-create-resp.json',
    ),
)
def attach(request: Request, server_id: str) -> dict[str, Any]:
    """A port of the user's, or a new one on a network: the project's only one if none is named.

    The answer shows the interface, so it comes when the guest has it.
    """
    server = admit(request, server_id, ATTACH, 'attach_interface')
    wanted = _wanted(request.body)
    if wanted.network_id or wanted.port_id:
        request.services.network.check(request.context, (wanted,), absent=errors.NotFound, taken=errors.Conflict)
        if wanted.port_id and request.services.network.wants_resources([wanted.port_id]):
            raise errors.Invalid(f'Attaching port {wanted.port_id}, which has resource requests, is not supported.')
    else:
        wanted = dataclasses.replace(wanted, network_id=_only_network(request))
    operation_id = begin(request, AttachInterface(**with_guest(server), request=wanted))
    patience = request.settings.interface_attach_timeout
    row = result.of(request.services, server.cell_id, operation_id, patience)
    return {'interfaceAttachment': _shown(request, AttachInterface.port_of(row))}


@route('DELETE', '/servers/{server_id}/os-interface/{port_id}', policy=DETACH, status=202)
def detach(request: Request, server_id: str, port_id: str) -> None:
    server = admit(request, server_id, DETACH, 'detach_interface')
    port = _port(server.ports, server_id, port_id)
    begin(request, DetachInterface(**with_guest(server), port=port))


def _wanted(body: dict[str, Any]) -> NetworkRequest:
    """What is asked for; neither a network nor a port for any network."""
    network_id, port_id, fixed_ips = body.get('net_id'), body.get('port_id'), body.get('fixed_ips')
    if network_id and port_id:
        raise errors.Invalid('Must not input both network_id and port_id')
    if fixed_ips and not network_id:
        raise errors.Invalid('Must input network_id when request IP address')
    return NetworkRequest(network_id, port_id, fixed_ips[0]['ip_address'] if fixed_ips else None, body.get('tag'))


def _only_network(request: Request) -> str:
    found = request.services.network.available(request.context)
    if not found:
        raise errors.Invalid('No network is there to attach the server to.')
    return found[0].id


def _port(ports: tuple[Port, ...], server_id: str, port_id: str) -> Port:
    port = next((port for port in ports if port.id == port_id), None)
    if port is None:
        raise errors.NotFound(f'Instance {server_id} does not have a port with id {port_id[:64]}')
    return port


def _shown(request: Request, port: Port) -> dict[str, Any]:
    shown = {
        'port_state': 'ACTIVE' if port.active else 'DOWN',
        'port_id': port.id,
        'net_id': port.network.id,
        'mac_addr': port.mac,
        'fixed_ips': [{'ip_address': ip.address, 'subnet_id': ip.subnet_id} for ip in port.fixed_ips],
    }
    return {**shown, 'tag': port.tag} if request.version >= (2, 70) else shown
