"""The tables of the network service."""

import sqlalchemy as sa

from nova.db.tables import types

metadata = sa.MetaData(
    naming_convention={
        'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
        'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
        'fk': 'fk_%(table_name)s_%(column_0_N_name)s',
        'pk': 'pk_%(table_name)s',
    }
)

ID = types.String(36)
PROJECT = types.String()
NAME = types.String()


def _standard() -> tuple[sa.Column, ...]:
    return (
        sa.Column('project_id', PROJECT, nullable=False, index=True),
        sa.Column('name', NAME, nullable=False),
        sa.Column('description', NAME, nullable=False),
        sa.Column('revision_number', sa.Integer, nullable=False),
        sa.Column('created_at', sa.DateTime, nullable=False),
        sa.Column('updated_at', sa.DateTime, nullable=False),
    )


networks = sa.Table(
    'networks',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column('admin_state_up', sa.Boolean, nullable=False),
    sa.Column('shared', sa.Boolean, nullable=False, index=True),
    sa.Column('external', sa.Boolean, nullable=False),
    sa.Column('mtu', sa.Integer, nullable=False),
    sa.Column('dns_domain', NAME, nullable=False),
    sa.Column('port_security_enabled', sa.Boolean, nullable=False),
    **types.MYSQL_OPTIONS,
)

subnets = sa.Table(
    'subnets',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column('network_id', ID, sa.ForeignKey('networks.id'), nullable=False, index=True),
    sa.Column('cidr', types.String(64), nullable=False),
    sa.Column('gateway_ip', types.String(64)),
    sa.Column('enable_dhcp', sa.Boolean, nullable=False),
    sa.Column('allocation_pools', sa.JSON, nullable=False),
    sa.Column('dns_nameservers', sa.JSON, nullable=False),
    sa.Column('host_routes', sa.JSON, nullable=False),
    **types.MYSQL_OPTIONS,
)

ports = sa.Table(
    'ports',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column('network_id', ID, sa.ForeignKey('networks.id'), nullable=False, index=True),
    sa.Column('mac_address', types.String(32), nullable=False),
    sa.Column('admin_state_up', sa.Boolean, nullable=False),
    sa.Column('device_id', NAME, nullable=False, index=True),
    sa.Column('device_owner', NAME, nullable=False),
    sa.Column('host', NAME, nullable=False),
    sa.Column('vnic_type', types.String(64), nullable=False),
    sa.Column('profile', sa.JSON, nullable=False),
    sa.Column('port_security_enabled', sa.Boolean, nullable=False),
    sa.Column('dns_name', NAME, nullable=False),
    sa.UniqueConstraint('network_id', 'mac_address'),
    **types.MYSQL_OPTIONS,
)

# One row per address that a port holds. The primary key is what makes two ports never share an address.
addresses = sa.Table(
    'addresses',
    metadata,
    sa.Column('subnet_id', ID, sa.ForeignKey('subnets.id'), primary_key=True),
    sa.Column('number', sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column('address', types.String(64), nullable=False),
    sa.Column('position', sa.Integer, nullable=False),
    sa.Column('port_id', ID, sa.ForeignKey('ports.id', ondelete='CASCADE'), nullable=False, index=True),
    **types.MYSQL_OPTIONS,
)

security_groups = sa.Table(
    'security_groups',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column('stateful', sa.Boolean, nullable=False),
    # The project whose default group this is; NULL for others. Unique, so a project gets one however many ask at once.
    sa.Column('default_of', PROJECT, unique=True),
    **types.MYSQL_OPTIONS,
)

security_group_rules = sa.Table(
    'security_group_rules',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column(
        'security_group_id', ID, sa.ForeignKey('security_groups.id', ondelete='CASCADE'), nullable=False, index=True
    ),
    sa.Column('direction', types.String(16), nullable=False),
    sa.Column('ethertype', types.String(16), nullable=False),
    sa.Column('protocol', types.String(40)),
    sa.Column('port_range_min', sa.Integer),
    sa.Column('port_range_max', sa.Integer),
    sa.Column('remote_ip_prefix', types.String(255)),
    sa.Column('remote_group_id', ID, sa.ForeignKey('security_groups.id', ondelete='CASCADE'), index=True),
    **types.MYSQL_OPTIONS,
)

port_security_groups = sa.Table(
    'port_security_groups',
    metadata,
    sa.Column('port_id', ID, sa.ForeignKey('ports.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('security_group_id', ID, sa.ForeignKey('security_groups.id'), primary_key=True, index=True),
    **types.MYSQL_OPTIONS,
)

# An address of an external network that stands for a fixed one. `floating_port_id` holds it there; `port_id` is whose.
floating_ips = sa.Table(
    'floating_ips',
    metadata,
    sa.Column('id', ID, primary_key=True),
    *_standard(),
    sa.Column('floating_network_id', ID, sa.ForeignKey('networks.id'), nullable=False, index=True),
    sa.Column('floating_port_id', ID, sa.ForeignKey('ports.id'), nullable=False, index=True),
    sa.Column('floating_ip_address', types.String(64), nullable=False),
    sa.Column('port_id', ID, sa.ForeignKey('ports.id', ondelete='SET NULL')),
    sa.Column('fixed_ip_address', types.String(64)),
    sa.UniqueConstraint('port_id', 'fixed_ip_address'),
    **types.MYSQL_OPTIONS,
)
