"""/v2.0/floatingips"""

import random

import sqlalchemy as sa

from nova.network import allocation, attributes, faults, tables
from nova.network.attributes import REQUIRED, Attribute
from nova.network.resources import addressing
from nova.network.resources.resource import PROJECT, STANDARD, Resource, change, fresh, standard_view

# Of the port that holds the address on the external network. It is nobody's, so no project sees it.
OWNER = 'network:floatingip'


class FloatingIps(Resource):
    name, collection, path, label = 'floatingip', 'floatingips', 'floatingips', 'FloatingIP'
    table = tables.floating_ips
    attributes = (
        STANDARD[1],
        PROJECT,
        Attribute('floating_network_id', attributes.ident, default=REQUIRED, on_update=False),
        Attribute(
            'floating_ip_address',
            attributes.or_none(attributes.address),
            default=None,
            on_update=False,
            privileged=True,
        ),
        Attribute('port_id', attributes.or_none(attributes.ident), default=None),
        Attribute('fixed_ip_address', attributes.or_none(attributes.address), default=None),
    )

    def __init__(self, chance: random.Random):
        self.chance = chance
        self.filters = {'status': _with_status}

    def create(self, tx, caller, values):
        wished = values.pop('floating_ip_address')
        row = fresh(values.pop('project_id', caller.project_id)) | values
        row |= self._address(tx, row['id'], row['floating_network_id'], wished)
        row |= _associated(tx, caller, row, values)
        tx.execute(sa.insert(self.table).values(row))
        return row['id']

    def update(self, tx, caller, row, values):
        if 'port_id' in values:
            values |= _associated(tx, caller, row._mapping, values)
        elif 'fixed_ip_address' in values:
            values |= _associated(tx, caller, row._mapping, {'port_id': row.port_id, **values})
        change(tx, self.table, row.id, values)

    def delete(self, tx, caller, row):
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))
        tx.execute(sa.delete(tables.ports).where(tables.ports.c.id == row.floating_port_id))

    def views(self, tx, caller, rows):
        return [_view(row) for row in rows]

    def _address(self, tx, ident, network_id, wished):
        """A port on the external network, which keeps the address from everybody else."""
        networks = tables.networks
        network = tx.execute(sa.select(networks).where(networks.c.id == network_id)).one_or_none()
        if network is None:
            raise faults.not_found('Network', network_id)
        if not network.external:
            raise _bad(f'Network {network_id} is not a valid external network.')
        wishes = [{'ip_address': wished}] if wished else None
        chosen = addressing.choose(tx, network_id, addressing.subnets_of(tx, network_id), wishes, self.chance)
        if not chosen:
            raise _bad(f'Network {network_id} has no subnet to take an address from.')
        port = fresh('') | {
            'network_id': network_id,
            'mac_address': allocation.random_mac(self.chance),
            'admin_state_up': True,
            'device_id': ident,
            'device_owner': OWNER,
            'host': '',
            'vnic_type': 'normal',
            'profile': {},
            'port_security_enabled': False,
            'dns_name': '',
        }
        tx.execute(sa.insert(tables.ports).values(port))
        addressing.give(tx, port['id'], chosen)
        return {'floating_port_id': port['id'], 'floating_ip_address': allocation.address(chosen[0][1])}


def _associated(tx, caller, floating, values):
    """The columns that tie a floating address to a fixed one; with no port, those that untie it."""
    port_id, wished = values.get('port_id'), values.get('fixed_ip_address')
    if port_id is None:
        if wished:
            raise _bad('Cannot associate with a fixed address without a port.')
        return {'port_id': None, 'fixed_ip_address': None}
    ports, addresses = tables.ports, tables.addresses
    if not tx.execute(sa.select(ports.c.id).where(ports.c.id == port_id, caller.own(ports))).first():
        raise faults.not_found('Port', port_id)
    held = sa.select(addresses.c.address).where(addresses.c.port_id == port_id).order_by(addresses.c.position)
    held = list(tx.execute(held).scalars())
    if not held:
        raise _bad(f'Cannot add floating IP to port {port_id} that has no fixed IPv4 addresses.')
    if wished and wished not in held:
        raise _bad(f'Port {port_id} does not have fixed ip {wished}.')
    fixed = wished or held[0]
    table = tables.floating_ips
    other = sa.select(table.c.id).where(table.c.port_id == port_id, table.c.fixed_ip_address == fixed)
    if tx.execute(other.where(table.c.id != floating['id'])).first():
        raise faults.conflict(
            'FloatingIPPortAlreadyAssociated',
            f'Cannot associate floating IP {floating["floating_ip_address"]} ({floating["id"]}) with port {port_id} '
            f'using fixed IP {fixed}, as that fixed IP already has a floating IP.',
        )
    return {'port_id': port_id, 'fixed_ip_address': fixed}


def _bad(sentence):
    return faults.Fault(400, 'BadRequest', f'Bad floatingip request: {sentence}')


def _with_status(values):
    tied = tables.floating_ips.c.port_id.is_not(None)
    return sa.or_(sa.false(), *({'ACTIVE': tied, 'DOWN': sa.not_(tied)}.get(value, sa.false()) for value in values))


def _view(row):
    view = standard_view(row)
    del view['name']
    return view | {
        'floating_network_id': row.floating_network_id,
        'floating_ip_address': row.floating_ip_address,
        'port_id': row.port_id,
        # A port that was deleted leaves its address behind in the row.
        'fixed_ip_address': row.fixed_ip_address if row.port_id else None,
        'router_id': None,
        'status': 'ACTIVE' if row.port_id else 'DOWN',
        'dns_domain': '',
        'dns_name': '',
    }
