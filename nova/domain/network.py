"""What a server knows of its networks: requests for ports, and the ports that came of them."""

import dataclasses
import ipaddress
from typing import Any

DEVICE_NAME_LENGTH = (
    14  # a Linux interface name holds 15 bytes with its final zero; 'tap' + 11 is what Neutron's agents look for
)


# Ports that the hypervisor only offers to the network service, whose agent on the host wires them, and tells when it has.
WIRED_BY_AGENTS = frozenset({'bridge', 'ovs', 'tap', 'vhostuser'})


@dataclasses.dataclass(frozen=True)
class NetworkRequest:
    """One NIC that a user asked for: a network (with or without an address), or a port of their own."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@dataclasses.dataclass(frozen=True)
class FixedIP:
    address: str
    subnet_id: str
    version: int = 4


@dataclasses.dataclass(frozen=True)
class Route:
    destination: str
    nexthop: str


@dataclasses.dataclass(frozen=True)
class Subnet:
    id: str
    cidr: str
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    version: int = 4
    dhcp_server: str | None = None
    routes: tuple[Route, ...] = ()
    dhcp_enabled: bool = True
    # How guests get their IPv6 addresses (slaac, dhcpv6-stateful, dhcpv6-stateless), where the network says so.
    ipv6_address_mode: str | None = None

    @property
    def netmask(self) -> str:
        return str(ipaddress.ip_network(self.cidr).netmask)

    @property
    def prefix_length(self) -> int:
        return ipaddress.ip_network(self.cidr).prefixlen


@dataclasses.dataclass(frozen=True)
class Network:
    id: str
    label: str
    mtu: int | None = None
    subnets: tuple[Subnet, ...] = ()
    bridge: str | None = None
    project_id: str | None = None
    # For routers and floating addresses; servers are attached by whom policy lets.
    external: bool = False

    def subnet(self, subnet_id: str) -> Subnet | None:
        return next((subnet for subnet in self.subnets if subnet.id == subnet_id), None)


@dataclasses.dataclass(frozen=True)
class Port:
    """A server's NIC as the network service gave it; `preserve_on_delete` marks a port that the user made."""

    id: str
    mac: str
    network: Network
    fixed_ips: tuple[FixedIP, ...] = ()
    vif_type: str = 'unbound'
    vif_details: dict[str, Any] = dataclasses.field(default_factory=dict)
    vnic_type: str = 'normal'
    devname: str = ''
    active: bool = False
    preserve_on_delete: bool = False
    tag: str | None = None
    host: str | None = None
    security_groups: tuple[str, ...] = ()
    floating_ips: tuple[str, ...] = ()
    admin_up: bool = True

    def __post_init__(self):
        if not self.devname:
            object.__setattr__(self, 'devname', device_name(self.id))

    @property
    def tells_when_wired(self) -> bool:
        """Whether the network service will tell when it is wired: one that works already, or is switched off, stays quiet."""
        return not self.active and self.admin_up and self.vif_type in WIRED_BY_AGENTS

    @property
    def bridge(self) -> str | None:
        return self.vif_details.get('bridge_name') or self.network.bridge

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(ip.address for ip in self.fixed_ips)


def device_name(port_id: str) -> str:
    """The name of the tap device of a port, as every Neutron agent expects it."""
    return f'tap{port_id}'[:DEVICE_NAME_LENGTH]
