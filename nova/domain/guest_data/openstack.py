"""The OpenStack form of guest data: JSON documents, more of them and with more keys from version to version."""

import base64
import dataclasses
import ipaddress
import json
from collections.abc import Callable
from typing import Any

from nova.domain import guest_devices
from nova.domain.guest_data.site import Site
from nova.domain.guest_devices import Device
from nova.domain.network import FixedIP, Port, Route, Subnet
from nova.domain.server import InjectedFile, Server

VERSIONS = (
    '2012-08-10',
    '2013-04-04',
    '2013-10-17',
    '2015-10-15',
    '2016-06-30',
    '2016-10-06',
    '2017-02-22',
    '2018-08-27',
    '2020-10-14',
)
LATEST = 'latest'

# Network interfaces that are given to the guest as hardware are told apart from those that a switch on the host serves.
_PHYSICAL = frozenset({'hw_veb', 'hostdev', 'hostdev_physical', 'ib_hostdev', 'macvtap', '802.1qbh'})


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a document is made from. `version` is a date; `latest` has been resolved."""

    server: Server
    site: Site
    random_seed: bytes
    version: str
    # For config drives alone.
    admin_password: str | None = None
    files: tuple[InjectedFile, ...] = ()


@dataclasses.dataclass(frozen=True)
class Entry:
    """A document or a key: the version that brought it, and how it is made. None means that this server has none."""

    name: str
    since: str
    make: Callable[[Asked], Any]


def documents(asked: Asked) -> dict[str, bytes]:
    """Every document that this version has for the server, by name."""
    return _made(_DOCUMENTS, asked)


def dated(version: str) -> str:
    """The date that a version stands for."""
    return VERSIONS[-1] if version == LATEST else version


def user_data(server: Server) -> bytes | None:
    return base64.b64decode(server.user_data) if server.user_data else None


def password(server: Server) -> bytes:
    """The administrator's password as the guest encrypted it and handed it back; empty until it has."""
    return server.system_metadata.get('password', '').encode()


def public_key(server: Server) -> str:
    key = server.keypair.public_key
    return key if key.endswith('\n') else f'{key}\n'


def _made(entries: tuple[Entry, ...], asked: Asked) -> dict[str, Any]:
    made = ((entry.name, entry.make(asked)) for entry in entries if entry.since <= asked.version)
    return {name: value for name, value in made if value is not None}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _keys(asked: Asked) -> list[dict[str, str]] | None:
    keypair = asked.server.keypair
    return [{'name': keypair.name, 'type': keypair.type, 'data': public_key(asked.server)}] if keypair else None


def _public_keys(asked: Asked) -> dict[str, str] | None:
    keypair = asked.server.keypair
    return {keypair.name: public_key(asked.server)} if keypair else None


def _devices(asked: Asked) -> list[dict[str, Any]]:
    known = guest_devices.recorded(asked.server.system_metadata)
    cards = {device.mac: device for device in known if device.type == guest_devices.NIC}
    shown = [_card(port, cards.get(port.mac), asked.version) for port in asked.server.ports if port.tag]
    return shown + [device.shown() for device in known if device.type == guest_devices.DISK]


def _card(port: Port, known: Device | None, version: str) -> dict[str, Any]:
    """A tagged network card; where it is in the guest is known once the guest has started."""
    here = known or Device(guest_devices.NIC, port.tag)
    device = dataclasses.replace(here, tag=port.tag, mac=port.mac).shown()
    if version >= '2017-02-22' and port.vif_details.get('vlan'):
        device['vlan'] = int(port.vif_details['vlan'])
    if version >= '2018-08-27':
        device['vf_trusted'] = bool(port.vif_details.get('trusted'))
    return device


def _files(asked: Asked) -> list[dict[str, str]] | None:
    """Where the guest finds each file, and where it belongs."""
    listed = [
        {'content_path': f'/{content_path(number)}', 'path': file.path} for number, file in enumerate(asked.files)
    ]
    return listed or None


def content_path(number: int) -> str:
    """Where a file is, seen from the directory of the versions."""
    return f'content/{number:04}'


_META_DATA = (
    Entry('uuid', '2012-08-10', lambda asked: asked.server.id),
    Entry('name', '2012-08-10', lambda asked: asked.server.name),
    Entry('hostname', '2012-08-10', lambda asked: asked.site.full_name(asked.server.hostname)),
    Entry('launch_index', '2012-08-10', lambda asked: asked.server.launch_index),
    Entry('availability_zone', '2012-08-10', lambda asked: asked.server.availability_zone),
    Entry('meta', '2012-08-10', lambda asked: asked.server.metadata or None),
    Entry('files', '2012-08-10', _files),
    Entry('admin_pass', '2012-08-10', lambda asked: asked.admin_password),
    Entry('public_keys', '2012-08-10', _public_keys),
    Entry('keys', '2013-04-04', _keys),
    Entry('random_seed', '2013-04-04', lambda asked: base64.b64encode(asked.random_seed).decode()),
    Entry('project_id', '2015-10-15', lambda asked: asked.server.project_id),
    Entry('devices', '2016-06-30', _devices),
    # No flavor can ask for dedicated CPUs yet, so no guest has any.
    Entry('dedicated_cpus', '2020-10-14', lambda asked: []),
)

_DOCUMENTS = (
    Entry('meta_data.json', '2012-08-10', lambda asked: _json(_made(_META_DATA, asked))),
    Entry('user_data', '2012-08-10', lambda asked: user_data(asked.server)),
    Entry('vendor_data.json', '2013-10-17', lambda asked: _json(asked.site.vendor_data)),
    Entry('network_data.json', '2015-10-15', lambda asked: _json(network_data(asked.server.ports))),
    Entry('vendor_data2.json', '2016-10-06', lambda asked: _json(asked.site.vendor_data2)),
)
PASSWORD_SINCE = '2013-04-04'


def network_data(ports: tuple[Port, ...]) -> dict[str, list[dict[str, Any]]]:
    """The links, the networks on them and the name servers, as guests configure them."""
    found = [(port, fixed, subnet) for port in ports for fixed in port.fixed_ips if (subnet := _subnet_of(port, fixed))]
    networks = [_network(f'network{number}', *entry) for number, entry in enumerate(found)]
    name_servers = dict.fromkeys(address for _port, _fixed, subnet in found for address in subnet.dns)
    return {'links': [_link(port) for port in ports], 'networks': networks, 'services': _services(name_servers)}


def _subnet_of(port: Port, fixed: FixedIP) -> Subnet | None:
    return port.network.subnet(fixed.subnet_id)


def _link(port: Port) -> dict[str, Any]:
    return {
        'id': port.devname,
        'vif_id': port.id,
        'type': 'phy' if port.vif_type in _PHYSICAL else port.vif_type,
        'mtu': port.network.mtu,
        'ethernet_mac_address': port.mac,
    }


def _network(name: str, port: Port, fixed: FixedIP, subnet: Subnet) -> dict[str, Any]:
    entry: dict[str, Any] = {'id': name, 'link': port.devname, 'network_id': port.network.id}
    family, mode = f'ipv{subnet.version}', subnet.ipv6_address_mode
    if subnet.dhcp_enabled and not mode:
        return {**entry, 'type': f'{family}_dhcp'}
    return {
        **entry,
        'type': f'{family}_{mode}' if mode else family,
        'ip_address': fixed.address,
        'netmask': subnet.netmask,
        'routes': _routes(subnet),
        'services': _services(subnet.dns),
    }


def _routes(subnet: Subnet) -> list[dict[str, str]]:
    everywhere = '0.0.0.0' if subnet.version == 4 else '::'
    default = [{'network': everywhere, 'netmask': everywhere, 'gateway': subnet.gateway}] if subnet.gateway else []
    return default + [_route(route) for route in subnet.routes]


def _route(route: Route) -> dict[str, str]:
    network = ipaddress.ip_network(route.destination)
    return {'network': str(network.network_address), 'netmask': str(network.netmask), 'gateway': route.nexthop}


def _services(addresses: Any) -> list[dict[str, str]]:
    return [{'type': 'dns', 'address': address} for address in addresses]
