"""Keep one Linux bridge per network, with the addresses that gateway and DHCP answer on."""

import json
from collections.abc import Sequence
from typing import Any

from nova.network.host.desired import DesiredNetwork
from nova.network.host.namespace import Namespace


def ensure(namespace: Namespace, owner: str, networks: Sequence[DesiredNetwork]) -> dict[str, int]:
    """Make bridges be as the networks call for, and no others of this owner; the index of each by its name."""
    wanted = {network.bridge: network for network in networks}
    found = _links(namespace)
    for name in _owned(found, owner):
        if name not in wanted:
            namespace.run('ip', 'link', 'delete', name)
    # Deleting an address may take others with it, so what is missing is looked at only afterwards.
    commands = [line for name, network in wanted.items() for line in _first_commands(network, found.get(name), owner)]
    if commands:
        _batch(namespace, commands)
        found = _links(namespace)
    _batch(namespace, [line for name, network in wanted.items() for line in _missing_addresses(network, found[name])])
    return {name: found[name]['ifindex'] for name in wanted}


def remove_all(namespace: Namespace, owner: str) -> None:
    for name in _owned(_links(namespace), owner):
        namespace.run('ip', 'link', 'delete', name)


def _links(namespace: Namespace) -> dict[str, dict[str, Any]]:
    # Only `link` tells the alias, only `address` the addresses.
    links: dict[str, dict[str, Any]] = {}
    for kind in ('link', 'address'):
        shown = json.loads(namespace.run('ip', '-json', kind, 'show', 'type', 'bridge') or '[]')
        for link in shown:
            if link.get('ifname'):
                links.setdefault(link['ifname'], {}).update(link)
    return links


def _owned(links: dict[str, dict[str, Any]], owner: str) -> list[str]:
    return [name for name, link in links.items() if link.get('ifalias') == owner]


def _first_commands(network: DesiredNetwork, link: dict[str, Any] | None, owner: str) -> list[str]:
    name, commands = network.bridge, []
    if link is None:
        commands.append(f'link add name {name} address {network.bridge_mac} mtu {network.mtu} type bridge stp_state 0')
        link = {}
    if link.get('ifalias') != owner:
        commands.append(f'link set dev {name} alias {owner}')
    if link.get('mtu', network.mtu) != network.mtu:
        commands.append(f'link set dev {name} mtu {network.mtu}')
    if 'UP' not in link.get('flags', ()):
        commands.append(f'link set dev {name} up')
    surplus = _addresses(link) - set(network.interface_addresses)
    return commands + [f'address delete {address} dev {name}' for address in sorted(surplus)]


def _missing_addresses(network: DesiredNetwork, link: dict[str, Any]) -> list[str]:
    has = _addresses(link)
    return [
        f'address add {address} dev {network.bridge} broadcast +'
        for address in network.interface_addresses
        if address not in has
    ]


def _addresses(link: dict[str, Any]) -> set[str]:
    return {f'{info["local"]}/{info["prefixlen"]}' for info in link.get('addr_info', ()) if info['family'] == 'inet'}


def _batch(namespace: Namespace, commands: Sequence[str]) -> None:
    if commands:
        namespace.run('ip', '-batch', '-', stdin=''.join(f'{command}\n' for command in commands))
