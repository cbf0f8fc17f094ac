"""/v2.0/subnets"""

import ipaddress

import sqlalchemy as sa

from nova.network import allocation, attributes, faults, tables
from nova.network.attributes import REQUIRED, Attribute
from nova.network.resources import dhcp_port
from nova.network.resources.networks import NETWORK_ID, usable_by
from nova.network.resources.resource import PROJECT, STANDARD, Resource, change, fresh, standard_view

SMALLEST_PREFIX = 30  # below it there is no room for a gateway and a guest
LARGEST_PREFIX = 8


class Subnets(Resource):
    name, collection, path, label = 'subnet', 'subnets', 'subnets', 'Subnet'
    table = tables.subnets
    attributes = (
        *STANDARD,
        PROJECT,
        NETWORK_ID,
        Attribute('ip_version', attributes.whole(4, 6), default=4, on_update=False),
        Attribute('cidr', attributes.cidr, default=REQUIRED, on_update=False),
        Attribute('gateway_ip', attributes.or_none(attributes.address)),
        Attribute('enable_dhcp', attributes.boolean, default=True),
        Attribute(
            'allocation_pools',
            attributes.list_of(attributes.complete(start=attributes.address, end=attributes.address)),
        ),
        Attribute('dns_nameservers', attributes.list_of(attributes.address), default=[]),
        Attribute(
            'host_routes',
            attributes.list_of(attributes.complete(destination=attributes.cidr, nexthop=attributes.address)),
            default=[],
        ),
    )

    def __init__(self, ranges_may_overlap: bool):
        self.ranges_may_overlap = ranges_may_overlap
        self.filters = {'shared': _on_shared_network, 'ip_version': _with_version}

    def visible(self, caller):
        reachable = sa.select(tables.networks.c.id).where(
            sa.or_(tables.networks.c.shared.is_(True), tables.networks.c.external.is_(True))
        )
        return sa.or_(caller.own(self.table), self.table.c.network_id.in_(reachable))

    def create(self, tx, caller, values):
        if values.pop('ip_version') != 4:
            raise faults.invalid('This network service has IPv4 only; ip_version must be 4.')
        network = usable_by(tx, caller, values['network_id'])
        if not caller.owns(network):
            raise faults.forbidden('rule:create_subnet')
        # Take turns with other subnets of this network, so that two cannot both find their range free.
        change(tx, tables.networks, network.id, {})
        self._refuse_overlap(tx, values['cidr'], network.id)
        values.setdefault('gateway_ip', allocation.default_gateway(values['cidr']))
        if not values.get('allocation_pools'):
            values['allocation_pools'] = allocation.default_pools(values['cidr'], values['gateway_ip'])
        _refuse_bad_layout(values['cidr'], values['gateway_ip'], values['allocation_pools'])
        row = fresh(network.project_id) | values
        tx.execute(sa.insert(self.table).values(row))
        dhcp_port.ensure(tx, network.id)
        return row['id']

    def update(self, tx, caller, row, values):
        gateway = values.get('gateway_ip', row.gateway_ip)
        _refuse_bad_layout(row.cidr, gateway, values.get('allocation_pools', row.allocation_pools))
        if gateway and gateway != row.gateway_ip:
            _refuse_taken_gateway(tx, row, gateway)
        change(tx, self.table, row.id, values)
        dhcp_port.ensure(tx, row.network_id)

    def delete(self, tx, caller, row):
        in_use = (
            sa.select(tables.ports.c.id)
            .join(tables.addresses, tables.addresses.c.port_id == tables.ports.c.id)
            .where(tables.addresses.c.subnet_id == row.id, tables.ports.c.device_owner != 'network:dhcp')
        )
        if found := tx.execute(in_use.limit(1)).one_or_none():
            raise faults.conflict(
                'SubnetInUse',
                f'Unable to complete operation on subnet {row.id}: '
                f'One or more ports have an IP allocation from this subnet. One of them is {found.id}.',
            )
        tx.execute(sa.delete(tables.addresses).where(tables.addresses.c.subnet_id == row.id))
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))
        dhcp_port.ensure(tx, row.network_id)

    def views(self, tx, caller, rows):
        return [
            {
                **standard_view(row),
                'network_id': row.network_id,
                'ip_version': 4,
                'cidr': row.cidr,
                'gateway_ip': row.gateway_ip,
                'enable_dhcp': row.enable_dhcp,
                'allocation_pools': row.allocation_pools,
                'dns_nameservers': row.dns_nameservers,
                'host_routes': row.host_routes,
                'ipv6_address_mode': None,
                'ipv6_ra_mode': None,
                'subnetpool_id': None,
            }
            for row in rows
        ]

    def _refuse_overlap(self, tx, cidr, network_id):
        others = sa.select(self.table.c.cidr, self.table.c.network_id)
        if self.ranges_may_overlap:
            others = others.where(self.table.c.network_id == network_id)
        wanted = ipaddress.ip_network(cidr)
        for other in tx.execute(others):
            if wanted.overlaps(ipaddress.ip_network(other.cidr)):
                raise faults.invalid(
                    f'Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet.'
                )


def _refuse_bad_layout(cidr, gateway, pools):
    prefix = ipaddress.ip_network(cidr).prefixlen
    if not LARGEST_PREFIX <= prefix <= SMALLEST_PREFIX:
        raise faults.invalid(f'The prefix of cidr {cidr} must be between /{LARGEST_PREFIX} and /{SMALLEST_PREFIX}.')
    if gateway and allocation.number(gateway) not in allocation.usable(cidr):
        raise faults.invalid(f'Gateway is not valid on subnet: {gateway} is no address of an interface in {cidr}.')
    if problem := allocation.problem_with_pools(pools, cidr, gateway):
        kind = 'GatewayConflictWithAllocationPools' if 'conflicts' in problem else 'InvalidAllocationPool'
        raise faults.Fault(409 if 'conflicts' in problem else 400, kind, f'{problem}.')


def _refuse_taken_gateway(tx, row, gateway):
    taken = sa.select(tables.addresses.c.port_id).where(
        tables.addresses.c.subnet_id == row.id, tables.addresses.c.number == allocation.number(gateway)
    )
    if port := tx.execute(taken).one_or_none():
        raise faults.conflict(
            'GatewayIpInUse', f'Current gateway ip {gateway} already in use by port {port.port_id}. Unable to update.'
        )


def _on_shared_network(values):
    wanted = [attributes.boolean(value) for value in values]
    return tables.subnets.c.network_id.in_(sa.select(tables.networks.c.id).where(tables.networks.c.shared.in_(wanted)))


def _with_version(values):
    return sa.true() if '4' in values else sa.false()
