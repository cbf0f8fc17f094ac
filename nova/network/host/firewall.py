"""Let guests reach the outside and the metadata service, be reached by floating addresses, and keep networks apart: nftables."""

from collections.abc import Sequence

from nova.network.host.desired import DesiredNetwork
from nova.network.host.namespace import CommandFailed, Namespace

METADATA_ADDRESS = '169.254.169.254'


def ruleset(table: str, networks: Sequence[DesiredNetwork], proxy_port: int) -> str:
    """The whole table, as nft reads it. Loading it replaces what was there in one go."""
    bridges = [f'"{network.bridge}"' for network in networks]
    redirects = [
        f'iifname {bridge} ip daddr {METADATA_ADDRESS} tcp dport 80 redirect to :{proxy_port}' for bridge in bridges
    ]
    floats = [f'ip daddr {one.address} dnat to {one.fixed}' for network in networks for one in network.floating]
    answers = [
        f'ip saddr {one.fixed} oifname != "{network.bridge}" snat to {one.address}'
        for network in networks
        for one in network.floating
    ]
    # A guest that asks a neighbour by its floating address must get the answer by the same way back.
    hairpins = [
        f'ip saddr {subnet.cidr} oifname "{network.bridge}" ct status dnat masquerade'
        for network in networks
        for subnet in network.subnets
        if network.floating
    ]
    masquerades = [
        f'ip saddr {subnet.cidr} oifname != "{network.bridge}" masquerade'
        for network in networks
        for subnet in network.subnets
    ]
    apart = [
        f'iifname {bridge} oifname {{ {", ".join(others)} }} drop'
        for bridge in bridges
        if (others := [other for other in bridges if other != bridge])
    ]
    by_floating_address = ['ct status dnat accept'] if floats else []
    return '\n'.join(
        [
            # Made before it is deleted, so that the deletion never fails.
            f'table ip {table} {{}}',
            f'delete table ip {table}',
            f'table ip {table} {{',
            *_chain('prerouting', 'type nat hook prerouting priority dstnat', redirects + floats),
            *_chain('output', 'type nat hook output priority -100', floats),
            *_chain('postrouting', 'type nat hook postrouting priority srcnat', answers + hairpins + masquerades),
            *_chain('forward', 'type filter hook forward priority filter', by_floating_address + apart),
            '}',
            '',
        ]
    )


class Firewall:
    def __init__(self, namespace: Namespace, table: str, proxy_port: int):
        self._namespace, self._table, self._proxy_port = namespace, table, proxy_port
        self._loaded = ''

    def ensure(self, networks: Sequence[DesiredNetwork]) -> None:
        self._namespace.write('/proc/sys/net/ipv4/ip_forward', '1')
        wanted = ruleset(self._table, networks, self._proxy_port)
        if wanted != self._loaded or not self._exists():
            self._namespace.run('nft', '-f', '-', stdin=wanted)
            self._loaded = wanted

    def remove(self) -> None:
        self._namespace.run('nft', '-f', '-', stdin=f'table ip {self._table} {{}}\ndelete table ip {self._table}\n')
        self._loaded = ''

    def _exists(self) -> bool:
        try:
            self._namespace.run('nft', 'list', 'table', 'ip', self._table)
        except CommandFailed:
            return False
        return True


def _chain(name: str, hook: str, rules: Sequence[str]) -> list[str]:
    return [f'  chain {name} {{', f'    {hook}; policy accept;', *(f'    {rule}' for rule in rules), '  }']
