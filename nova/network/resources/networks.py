"""/v2.0/networks"""

import collections

import sqlalchemy as sa

from nova.network import attributes, faults, tables
from nova.network.attributes import REQUIRED, Attribute
from nova.network.resources.resource import PROJECT, STANDARD, Resource, change, fresh, standard_view

MINIMUM_MTU, MAXIMUM_MTU = 576, 65535
COLUMN_OF = {'router:external': 'external', 'tenant_id': 'project_id'}


class Networks(Resource):
    name, collection, path, label = 'network', 'networks', 'networks', 'Network'
    table = tables.networks
    columns = COLUMN_OF
    attributes = (
        *STANDARD,
        PROJECT,
        Attribute('admin_state_up', attributes.boolean, default=True),
        Attribute('shared', attributes.boolean, default=False, privileged=True),
        Attribute('router:external', attributes.boolean, default=False, privileged=True),
        Attribute('mtu', attributes.whole(MINIMUM_MTU, MAXIMUM_MTU)),
        Attribute('dns_domain', attributes.domain_name, default=''),
        Attribute('port_security_enabled', attributes.boolean, default=True),
    )

    def __init__(self, default_mtu: int):
        self.default_mtu = default_mtu
        self.filters = {'status': _with_status}

    def visible(self, caller):
        own = caller.own(self.table)
        return sa.or_(own, self.table.c.shared.is_(True), self.table.c.external.is_(True))

    def create(self, tx, caller, values):
        row = fresh(caller.project_id) | {'mtu': self.default_mtu} | _to_columns(values)
        tx.execute(sa.insert(self.table).values(row))
        return row['id']

    def update(self, tx, caller, row, values):
        if row.shared and values.get('shared') is False:
            self._refuse_while_others_use(tx, row)
        change(tx, self.table, row.id, _to_columns(values))

    def delete(self, tx, caller, row):
        in_use = sa.select(tables.ports.c.id).where(
            tables.ports.c.network_id == row.id, tables.ports.c.device_owner != 'network:dhcp'
        )
        if tx.execute(in_use.limit(1)).one_or_none():
            raise faults.conflict(
                'NetworkInUse',
                f'Unable to complete operation on network {row.id}. '
                'There are one or more ports still in use on the network.',
            )
        tx.execute(sa.delete(tables.ports).where(tables.ports.c.network_id == row.id))
        tx.execute(sa.delete(tables.subnets).where(tables.subnets.c.network_id == row.id))
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))

    def views(self, tx, caller, rows):
        subnets = collections.defaultdict(list)
        wanted = sa.select(tables.subnets.c.id, tables.subnets.c.network_id).order_by(tables.subnets.c.created_at)
        for subnet in tx.execute(wanted.where(tables.subnets.c.network_id.in_([row.id for row in rows]))):
            subnets[subnet.network_id].append(subnet.id)
        return [
            {
                **standard_view(row),
                'admin_state_up': row.admin_state_up,
                'status': 'ACTIVE' if row.admin_state_up else 'DOWN',
                'shared': row.shared,
                'router:external': row.external,
                'mtu': row.mtu,
                'dns_domain': row.dns_domain,
                'port_security_enabled': row.port_security_enabled,
                'subnets': subnets[row.id],
            }
            for row in rows
        ]

    def _refuse_while_others_use(self, tx, row):
        others = sa.select(tables.ports.c.id).where(
            tables.ports.c.network_id == row.id, tables.ports.c.project_id != row.project_id
        )
        if tx.execute(others.limit(1)).one_or_none():
            raise faults.conflict(
                'InvalidSharedSetting',
                f'Unable to reconfigure sharing settings for network {row.id}. Multiple tenants are using it.',
            )


def _to_columns(values):
    return {COLUMN_OF.get(name, name): value for name, value in values.items()}


def _with_status(values):
    return tables.networks.c.admin_state_up.in_([value == 'ACTIVE' for value in values if value in ('ACTIVE', 'DOWN')])


def usable_by(tx, caller, network_id):
    """The network's row, if the caller may put ports on it; else a Fault."""
    visible = sa.or_(caller.own(tables.networks), tables.networks.c.shared.is_(True))
    row = tx.execute(sa.select(tables.networks).where(tables.networks.c.id == network_id, visible)).one_or_none()
    if row is None:
        raise faults.not_found('Network', network_id)
    return row


NETWORK_ID = Attribute('network_id', attributes.ident, default=REQUIRED, on_update=False)
