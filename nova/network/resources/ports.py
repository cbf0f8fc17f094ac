"""/v2.0/ports"""

import collections
import random

import sqlalchemy as sa

from nova.network import allocation, attributes, faults, tables
from nova.network.attributes import Attribute
from nova.network.resources import addressing, dhcp_port, floating_ips, security_groups
from nova.network.resources.networks import NETWORK_ID, usable_by
from nova.network.resources.resource import PROJECT, STANDARD, Resource, change, fresh, standard_view

COLUMN_OF = {
    'binding:host_id': 'host',
    'binding:vnic_type': 'vnic_type',
    'binding:profile': 'profile',
    'tenant_id': 'project_id',
}
FIXED_IP = attributes.record(subnet_id=attributes.ident, ip_address=attributes.address)
BRIDGE_PREFIX = 'brq'


class Ports(Resource):
    name, collection, path, label = 'port', 'ports', 'ports', 'Port'
    table = tables.ports
    columns = COLUMN_OF
    attributes = (
        *STANDARD,
        PROJECT,
        NETWORK_ID,
        Attribute('admin_state_up', attributes.boolean, default=True),
        Attribute('mac_address', attributes.or_none(attributes.mac), default=None, privileged=True),
        Attribute('fixed_ips', attributes.or_none(attributes.list_of(FIXED_IP)), default=None),
        Attribute('device_id', attributes.text, default=''),
        Attribute('device_owner', attributes.text, default=''),
        Attribute('security_groups', attributes.or_none(attributes.list_of(attributes.ident)), default=None),
        Attribute('port_security_enabled', attributes.boolean),
        Attribute('dns_name', attributes.host_label, default=''),
        Attribute('binding:host_id', attributes.text, default='', privileged=True),
        Attribute('binding:profile', attributes.dictionary, default={}, privileged=True),
        Attribute('binding:vnic_type', attributes.one_of('normal'), default='normal'),
    )

    def __init__(self, dns_domain: str, chance: random.Random):
        self.dns_domain, self.chance = dns_domain, chance
        self.filters = {
            'fixed_ips': _with_fixed_ips,
            'status': _with_status,
            'security_groups': _with_security_groups,
        }

    def visible(self, caller):
        owned = sa.select(tables.networks.c.id).where(tables.networks.c.project_id == caller.project_id)
        return sa.or_(caller.own(self.table), self.table.c.network_id.in_(owned))

    def create(self, tx, caller, values):
        network = usable_by(tx, caller, values['network_id'])
        _refuse_foreign_owner(caller, network, values['device_owner'])
        row = fresh(caller.project_id) | {'port_security_enabled': network.port_security_enabled}
        row |= {COLUMN_OF.get(name, name): value for name, value in values.items()}
        fixed_ips, groups = row.pop('fixed_ips'), row.pop('security_groups')
        row['mac_address'] = self._mac(tx, network.id, row['mac_address'])
        groups = self._groups(tx, row['project_id'], groups, row['port_security_enabled'])
        subnets = addressing.subnets_of(tx, network.id)
        chosen = addressing.choose(tx, network.id, subnets, fixed_ips, self.chance)
        tx.execute(sa.insert(self.table).values(row))
        addressing.give(tx, row['id'], chosen)
        _join(tx, row['id'], groups)
        return row['id']

    def update(self, tx, caller, row, values):
        columns = {COLUMN_OF.get(name, name): value for name, value in values.items()}
        if row.device_owner == dhcp_port.OWNER and set(values) - {'name', 'description'}:
            raise faults.conflict('PortInUse', f'Port {row.id} serves DHCP of its network; only its name may change.')
        if columns.get('device_owner'):
            network = tx.execute(sa.select(tables.networks).where(tables.networks.c.id == row.network_id)).one()
            _refuse_foreign_owner(caller, network, columns['device_owner'])
        fixed_ips, groups = columns.pop('fixed_ips', None), columns.pop('security_groups', None)
        if 'mac_address' in columns:
            columns['mac_address'] = self._new_mac(tx, row, columns['mac_address'])
        if fixed_ips is not None:
            self._readdress(tx, row, fixed_ips)
        secured = columns.get('port_security_enabled', row.port_security_enabled)
        if groups is not None or not secured:
            wanted = self._groups(tx, row.project_id, groups or [], secured)
            tx.execute(sa.delete(tables.port_security_groups).where(tables.port_security_groups.c.port_id == row.id))
            _join(tx, row.id, wanted)
        change(tx, self.table, row.id, columns)

    def delete(self, tx, caller, row):
        if row.device_owner == dhcp_port.OWNER:
            raise faults.conflict(
                'ServicePortInUse', f'Port {row.id} cannot be deleted directly via the port API: it serves DHCP.'
            )
        if row.device_owner == floating_ips.OWNER:
            raise faults.conflict(
                'ServicePortInUse',
                f'Port {row.id} cannot be deleted directly via the port API: it holds a floating IP.',
            )
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))

    def views(self, tx, caller, rows):
        idents = [row.id for row in rows]
        addresses, groups = _addresses(tx, idents), _groups_of(tx, idents)
        domains = _domains(tx, {row.network_id for row in rows})
        return [
            self._view(row, caller, addresses[row.id], groups[row.id], domains.get(row.network_id) or self.dns_domain)
            for row in rows
        ]

    def _view(self, row, caller, addresses, groups, domain):
        view = {
            **standard_view(row),
            'network_id': row.network_id,
            'mac_address': row.mac_address,
            'admin_state_up': row.admin_state_up,
            'status': status_of(row),
            'device_id': row.device_id,
            'device_owner': row.device_owner,
            'fixed_ips': [{'subnet_id': held.subnet_id, 'ip_address': held.address} for held in addresses],
            'security_groups': groups,
            'port_security_enabled': row.port_security_enabled,
            'allowed_address_pairs': [],
            'extra_dhcp_opts': [],
            'dns_name': row.dns_name,
            'dns_assignment': [_assignment(row.dns_name, held.address, domain) for held in addresses],
            'binding:vnic_type': row.vnic_type,
        }
        if caller.privileged:
            view |= _binding(row)
        return view

    def _mac(self, tx, network_id, wanted):
        if wanted is None:
            return allocation.random_mac(self.chance)
        taken = sa.select(self.table.c.id).where(
            self.table.c.network_id == network_id, self.table.c.mac_address == wanted
        )
        if tx.execute(taken).one_or_none():
            raise faults.conflict(
                'MacAddressInUse',
                f'Unable to complete operation for network {network_id}. The mac address {wanted} is in use.',
            )
        return wanted

    def _new_mac(self, tx, row, wanted):
        return row.mac_address if wanted == row.mac_address else self._mac(tx, row.network_id, wanted)

    def _groups(self, tx, project_id, wanted, secured):
        if not secured:
            if wanted:
                raise faults.conflict(
                    'PortSecurityAndIPRequiredForSecurityGroups',
                    'Port security must be enabled in order to use security groups.',
                )
            return []
        if wanted is None:
            return [security_groups.ensure_default(tx, project_id)]
        table = tables.security_groups
        found = sa.select(table.c.id).where(table.c.id.in_(wanted), table.c.project_id == project_id)
        found = set(tx.execute(found).scalars())
        for group in wanted:
            if group not in found:
                raise faults.not_found('SecurityGroup', group)
        return list(dict.fromkeys(wanted))

    def _readdress(self, tx, row, fixed_ips):
        table = tables.addresses
        held = {(one.subnet_id, one.number) for one in tx.execute(sa.select(table).where(table.c.port_id == row.id))}
        subnets = addressing.subnets_of(tx, row.network_id)
        chosen = addressing.choose(tx, row.network_id, subnets, fixed_ips, self.chance, held)
        tx.execute(sa.delete(table).where(table.c.port_id == row.id))
        addressing.give(tx, row.id, chosen)


def bridge_name(network_id: str) -> str:
    """The Linux bridge of a network: 14 characters, one less than an interface name may have."""
    return BRIDGE_PREFIX + network_id[:11]


def status_of(row):
    """A bound port works as soon as the hypervisor puts its device on the bridge; nobody has to wait for an agent."""
    bound = row.host or row.device_owner == dhcp_port.OWNER
    return 'ACTIVE' if bound and row.admin_state_up else 'DOWN'


def host_name(dns_name, address):
    return dns_name or f'host-{address.replace(".", "-")}'


def _assignment(dns_name, address, domain):
    name = host_name(dns_name, address)
    return {'ip_address': address, 'hostname': name, 'fqdn': f'{name}.{domain.rstrip(".")}.'}


def _binding(row):
    bound = {
        'binding:vif_type': 'bridge',
        'binding:vif_details': {
            'bridge_name': bridge_name(row.network_id),
            'connectivity': 'l2',
            'port_filter': False,
        },
    }
    unbound = {'binding:vif_type': 'unbound', 'binding:vif_details': {}}
    return {'binding:host_id': row.host, 'binding:profile': row.profile, **(bound if row.host else unbound)}


def _addresses(tx, idents):
    held = collections.defaultdict(list)
    table = tables.addresses
    for row in tx.execute(sa.select(table).where(table.c.port_id.in_(idents)).order_by(table.c.position)):
        held[row.port_id].append(row)
    return held


def _groups_of(tx, idents):
    groups = collections.defaultdict(list)
    table = tables.port_security_groups
    for row in tx.execute(sa.select(table).where(table.c.port_id.in_(idents)).order_by(table.c.security_group_id)):
        groups[row.port_id].append(row.security_group_id)
    return groups


def _domains(tx, network_ids):
    table = tables.networks
    rows = tx.execute(sa.select(table.c.id, table.c.dns_domain).where(table.c.id.in_(network_ids)))
    return {row.id: row.dns_domain for row in rows}


def _join(tx, port_id, groups):
    if groups:
        rows = [{'port_id': port_id, 'security_group_id': group} for group in groups]
        tx.execute(sa.insert(tables.port_security_groups), rows)


def _refuse_foreign_owner(caller, network, device_owner):
    if device_owner.startswith('network:') and not caller.owns(network):
        raise faults.forbidden('rule:create_port:device_owner')


def _with_fixed_ips(values):
    """`fixed_ips=subnet_id=<id>&fixed_ips=ip_address=<address>`: values of one key are alternatives, keys add up."""
    columns = {'subnet_id': tables.addresses.c.subnet_id, 'ip_address': tables.addresses.c.address}
    wanted, parts = collections.defaultdict(list), []
    for value in values:
        key, _, what = value.partition('=')
        if key == 'ip_address_substr':
            parts.append(tables.addresses.c.address.contains(what, autoescape=True))
        elif key in columns:
            wanted[key].append(what)
        else:
            raise faults.bad_request(f"'{value}' is not a valid filter on fixed_ips.")
    clauses = [columns[key].in_(whats) for key, whats in wanted.items()] + parts
    return tables.ports.c.id.in_(sa.select(tables.addresses.c.port_id).where(*clauses))


def _with_status(values):
    active = sa.and_(
        sa.or_(tables.ports.c.host != '', tables.ports.c.device_owner == dhcp_port.OWNER),
        tables.ports.c.admin_state_up.is_(True),
    )
    return sa.or_(sa.false(), *({'ACTIVE': active, 'DOWN': sa.not_(active)}.get(value, sa.false()) for value in values))


def _with_security_groups(values):
    table = tables.port_security_groups
    return tables.ports.c.id.in_(sa.select(table.c.port_id).where(table.c.security_group_id.in_(values)))
