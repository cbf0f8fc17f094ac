"""Change what a server has of the network: floating and fixed addresses (until 2.43), and security groups."""

import dataclasses
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find_placed
from nova.api.routes import route
from nova.api.schema import STRING, Body, Field
from nova.db.stores import mappings, servers
from nova.domain.floating_ip import FloatingIp
from nova.domain.lifecycle import State, Transition, conflict
from nova.domain.network import Port
from nova.domain.security_group import SecurityGroup
from nova.domain.server import Server

UNTIL = '2.43'
ADD_FLOATING = policy.project_member('os_compute_api:os-floating-ips:add', 'Gives a server a floating address.')
REMOVE_FLOATING = policy.project_member('os_compute_api:os-floating-ips:remove', 'Takes a floating address away.')
ADD_FIXED = policy.project_member('os_compute_api:os-multinic:add', 'Gives a server one more address of a network.')
REMOVE_FIXED = policy.project_member('os_compute_api:os-multinic:remove', 'Takes an address from a server.')
ADD_GROUP = policy.project_member('os_compute_api:os-security-groups:add', 'Puts a server into a security group.')
REMOVE_GROUP = policy.project_member('os_compute_api:os-security-groups:remove', 'Takes a server out of a group.')

_ADDRESS = {'type': 'string', 'anyOf': [{'format': 'ipv4'}, {'format': 'ipv6'}]}
_NAME = STRING | {'minLength': 1}
ADD_FLOATING_IP = Body('addFloatingIp', Field('address', _ADDRESS, required=True), Field('fixed_address', _ADDRESS))
REMOVE_FLOATING_IP = Body('removeFloatingIp', Field('address', _ADDRESS, required=True))
ADD_FIXED_IP = Body('addFixedIp', Field('networkId', _NAME, required=True))
REMOVE_FIXED_IP = Body('removeFixedIp', Field('address', _ADDRESS, required=True))
ADD_SECURITY_GROUP = Body('addSecurityGroup', Field('name', _NAME, required=True))
REMOVE_SECURITY_GROUP = Body('removeSecurityGroup', Field('name', _NAME, required=True))

PATH = '/servers/{server_id}/action'
_ALLOWED = frozenset(State) - {State.BUILDING, State.SOFT_DELETED, State.DELETED}


@route('POST', PATH, action='addFloatingIp', policy=ADD_FLOATING, body=ADD_FLOATING_IP, until=UNTIL, status=202)
def add_floating_ip(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, ADD_FLOATING, 'addFloatingIp')
    port, fixed = _choose_fixed(server, request.body.get('fixed_address'))
    floating = _find_floating(request, request.body['address'])
    try:
        _user(request).associate(floating.id, port.id, fixed)
    except errors.Conflict as failure:
        raise errors.Invalid(str(failure)) from failure
    _refresh(request, server)
    if floating.server_id and floating.server_id != server.id:
        _refresh_other(request, floating.server_id)


@route(
    'POST', PATH, action='removeFloatingIp', policy=REMOVE_FLOATING, body=REMOVE_FLOATING_IP, until=UNTIL, status=202
)
def remove_floating_ip(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, REMOVE_FLOATING, 'removeFloatingIp')
    floating = _find_floating(request, request.body['address'])
    if floating.server_id != server.id:
        raise errors.Conflict(f'Floating IP {floating.address} is not associated with instance {server.id}.')
    _user(request).disassociate(floating.id)
    _refresh(request, server)


@route('POST', PATH, action='addFixedIp', policy=ADD_FIXED, body=ADD_FIXED_IP, until=UNTIL, status=202)
def add_fixed_ip(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, ADD_FIXED, 'addFixedIp')
    _user(request).add_fixed_ip(server.id, request.body['networkId'])
    _refresh(request, server)


@route('POST', PATH, action='removeFixedIp', policy=REMOVE_FIXED, body=REMOVE_FIXED_IP, until=UNTIL, status=202)
def remove_fixed_ip(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, REMOVE_FIXED, 'removeFixedIp')
    _user(request).remove_fixed_ip(server.id, request.body['address'])
    _refresh(request, server)


@route('POST', PATH, action='addSecurityGroup', policy=ADD_GROUP, body=ADD_SECURITY_GROUP, status=202)
def add_security_group(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, ADD_GROUP, 'addSecurityGroup')
    group = _user(request).add_security_group(server.id, server.project_id, request.body['name'])
    _refresh(request, server, security_groups=tuple(dict.fromkeys((*server.security_groups, group.name))))


@route('POST', PATH, action='removeSecurityGroup', policy=REMOVE_GROUP, body=REMOVE_SECURITY_GROUP, status=202)
def remove_security_group(request: Request, server_id: str) -> None:
    server = _changeable(request, server_id, REMOVE_GROUP, 'removeSecurityGroup')
    group = _user(request).remove_security_group(server.id, server.project_id, request.body['name'])
    _refresh(request, server, security_groups=_without(server.security_groups, group))


def _user(request: Request) -> Any:
    return request.services.network.of(request.context)


def _changeable(request: Request, server_id: str, rule: policy.Rule, action: str) -> Server:
    """The server; Conflict while it is being made, changed or deleted, or locked against this caller."""
    server = find_placed(request, server_id, rule)
    locked = server.locked and not request.context.is_admin
    transition = Transition(action, _ALLOWED, None, None, action=action)
    busy = server.operation_id is not None
    if why := conflict(transition, server.id, server.state, server.activity, busy=busy, locked=locked):
        raise errors.Conflict(why)
    return server


def _choose_fixed(server: Server, wished: str | None) -> tuple[Port, str]:
    """The port and address that a floating one is to stand for: the wished one, else the first."""
    own = [(port, ip.address) for port in server.ports for ip in port.fixed_ips if ip.version == 4]
    if not own:
        raise errors.Invalid('No fixed IPs associated to instance')
    found = [(port, address) for port, address in own if wished in (None, address)]
    if not found:
        raise errors.Invalid('Specified fixed address not assigned to instance')
    return found[0]


def _find_floating(request: Request, address: str) -> FloatingIp:
    try:
        return _user(request).floating_ip_at(address)
    except errors.NotFound as failure:
        raise errors.NotFound('floating IP not found') from failure


def _refresh(request: Request, server: Server, **changes: Any) -> None:
    """Note the server's ports as the network service has them now, and `changes` of its fields."""
    was = {port.id: port for port in server.ports}
    now = request.services.network.ports_of(request.context, server.id)
    ports = tuple(_as_known(port, was.get(port.id)) for port in sorted(now, key=_in_the_order_of(server)))
    with request.databases.cell(server.cell_id).writing() as tx:
        servers.change(tx, server.id, ports=ports, **changes)


def _refresh_other(request: Request, server_id: str) -> None:
    """The same for the server that had a floating address before; one that is not there any more needs none."""
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, server_id)
    if mapping is None or mapping.cell_id is None:
        return
    with request.databases.cell(mapping.cell_id).reading() as tx:
        server = servers.find(tx, server_id)
    if server is not None and not server.deleted:
        _refresh(request, dataclasses.replace(server, cell_id=mapping.cell_id))


def _in_the_order_of(server: Server) -> Any:
    places = {port.id: place for place, port in enumerate(server.ports)}
    return lambda port: places.get(port.id, len(places))


def _as_known(port: Port, was: Port | None) -> Port:
    """With what only we know of a port."""
    if was is None:
        return port
    return dataclasses.replace(port, tag=was.tag, preserve_on_delete=was.preserve_on_delete)


def _without(names: tuple[str, ...], group: SecurityGroup) -> tuple[str, ...]:
    return tuple(name for name in names if name not in (group.name, group.id))
