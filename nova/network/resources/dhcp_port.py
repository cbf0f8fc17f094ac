"""The port that DHCP and names answer from: one per network, with an address in each subnet that has DHCP."""

import random

import sqlalchemy as sa

from nova.network import allocation, tables
from nova.network.resources import addressing
from nova.network.resources.resource import fresh

OWNER = 'network:dhcp'


def ensure(tx: sa.Connection, network_id: str) -> None:
    """Give the network's DHCP port the addresses that its subnets call for; no such subnet, no port."""
    subnets = {subnet.id: subnet for subnet in addressing.subnets_of(tx, network_id) if subnet.enable_dhcp}
    ports = tables.ports
    own = sa.select(ports.c.id).where(ports.c.network_id == network_id, ports.c.device_owner == OWNER)
    port_id = tx.execute(own).scalar()
    if not subnets:
        if port_id:
            tx.execute(sa.delete(ports).where(ports.c.id == port_id))
        return
    port_id = port_id or _make(tx, network_id)
    held = sa.select(tables.addresses.c.subnet_id).where(tables.addresses.c.port_id == port_id)
    held = set(tx.execute(held).scalars())
    tx.execute(
        sa.delete(tables.addresses).where(
            tables.addresses.c.port_id == port_id, tables.addresses.c.subnet_id.not_in(list(subnets))
        )
    )
    missing = [subnet for subnet in subnets.values() if subnet.id not in held]
    chosen = [(subnet.id, addressing.lowest_free(tx, network_id, subnet)) for subnet in missing]
    addressing.give(tx, port_id, chosen, first_position=len(held))


def _make(tx: sa.Connection, network_id: str) -> str:
    project_id = tx.execute(
        sa.select(tables.networks.c.project_id).where(tables.networks.c.id == network_id)
    ).scalar_one()
    row = fresh(project_id) | {
        'network_id': network_id,
        'mac_address': allocation.random_mac(random.SystemRandom()),
        'admin_state_up': True,
        'device_id': f'dhcp-{network_id}',
        'device_owner': OWNER,
        'host': '',
        'vnic_type': 'normal',
        'profile': {},
        'port_security_enabled': False,
        'dns_name': '',
    }
    tx.execute(sa.insert(tables.ports).values(row))
    return row['id']
