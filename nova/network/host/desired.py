"""Read from the database what this machine should have."""

import collections
import dataclasses

import sqlalchemy as sa

from nova.network import tables
from nova.network.resources import dhcp_port, floating_ips
from nova.network.resources.ports import bridge_name, host_name


@dataclasses.dataclass(frozen=True)
class DesiredSubnet:
    id: str
    cidr: str
    gateway: str | None
    dhcp_address: str | None  # None: no DHCP here
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()

    @property
    def prefix_length(self) -> str:
        return self.cidr.partition('/')[2]


@dataclasses.dataclass(frozen=True)
class DesiredGuest:
    mac: str
    address: str
    name: str


@dataclasses.dataclass(frozen=True)
class DesiredFloating:
    """A floating address, and the one that it stands for."""

    address: str
    fixed: str


@dataclasses.dataclass(frozen=True)
class DesiredNetwork:
    id: str
    mtu: int
    domain: str
    subnets: tuple[DesiredSubnet, ...] = ()
    guests: tuple[DesiredGuest, ...] = ()
    floating: tuple[DesiredFloating, ...] = ()

    @property
    def bridge(self) -> str:
        return bridge_name(self.id)

    @property
    def bridge_mac(self) -> str:
        """A fixed one: left alone, a bridge takes its newest member's, and guests would send to the wrong address."""
        digits = self.id.replace('-', '')[:10]
        return ':'.join(['02', *(digits[place : place + 2] for place in range(0, 10, 2))])

    @property
    def interface_addresses(self) -> tuple[str, ...]:
        """The addresses of the bridge itself, gateways first."""
        gateways = [f'{subnet.gateway}/{subnet.prefix_length}' for subnet in self.subnets if subnet.gateway]
        dhcp = [f'{subnet.dhcp_address}/{subnet.prefix_length}' for subnet in self.subnets if subnet.dhcp_address]
        return tuple(dict.fromkeys(gateways + dhcp))

    @property
    def has_dhcp(self) -> bool:
        return any(subnet.dhcp_address for subnet in self.subnets)


def read(tx: sa.Connection, default_domain: str) -> tuple[DesiredNetwork, ...]:
    """All networks that are up, with their subnets and the guests on them: four statements however many there are."""
    subnets = collections.defaultdict(list)
    for row in tx.execute(sa.select(tables.subnets).order_by(tables.subnets.c.created_at, tables.subnets.c.id)):
        subnets[row.network_id].append(row)
    dhcp_addresses, guests = _addresses(tx)
    floating = _floating(tx)
    return tuple(
        DesiredNetwork(
            id=row.id,
            mtu=row.mtu,
            domain=(row.dns_domain or default_domain).rstrip('.'),
            subnets=tuple(_subnet(subnet, dhcp_addresses.get(subnet.id)) for subnet in subnets[row.id]),
            guests=tuple(guests[row.id]),
            floating=tuple(floating[row.id]),
        )
        for row in tx.execute(
            sa.select(tables.networks).where(tables.networks.c.admin_state_up.is_(True)).order_by(tables.networks.c.id)
        )
    )


def device_at(tx: sa.Connection, network_id: str, address: str) -> tuple[str, str] | None:
    """The server and project whose port has this address on this network."""
    ports, addresses = tables.ports, tables.addresses
    found = tx.execute(
        sa.select(ports.c.device_id, ports.c.project_id)
        .join(addresses, addresses.c.port_id == ports.c.id)
        .where(ports.c.network_id == network_id, addresses.c.address == address, ports.c.device_id != '')
    ).first()
    return tuple(found) if found else None


def _addresses(tx):
    ports, addresses = tables.ports, tables.addresses
    dhcp, guests = {}, collections.defaultdict(list)
    wanted = (
        sa.select(
            ports.c.network_id,
            ports.c.mac_address,
            ports.c.device_owner,
            ports.c.dns_name,
            addresses.c.address,
            addresses.c.subnet_id,
        )
        .join(addresses, addresses.c.port_id == ports.c.id)
        .order_by(addresses.c.subnet_id, addresses.c.number)
    )
    for row in tx.execute(wanted):
        if row.device_owner == dhcp_port.OWNER:
            dhcp[row.subnet_id] = row.address
        elif row.device_owner != floating_ips.OWNER:
            name = host_name(row.dns_name, row.address)
            guests[row.network_id].append(DesiredGuest(row.mac_address, row.address, name))
    return dhcp, guests


def _floating(tx):
    """By the network of the fixed address."""
    floating, ports = tables.floating_ips, tables.ports
    found = collections.defaultdict(list)
    wanted = (
        sa.select(ports.c.network_id, floating.c.floating_ip_address, floating.c.fixed_ip_address)
        .join(ports, ports.c.id == floating.c.port_id)
        .order_by(floating.c.id)
    )
    for network_id, address, fixed in tx.execute(wanted):
        found[network_id].append(DesiredFloating(address, fixed))
    return found


def _subnet(row, dhcp_address):
    return DesiredSubnet(
        id=row.id,
        cidr=row.cidr,
        gateway=row.gateway_ip,
        dhcp_address=dhcp_address,
        dns=tuple(row.dns_nameservers),
        routes=tuple((route['destination'], route['nexthop']) for route in row.host_routes),
    )
