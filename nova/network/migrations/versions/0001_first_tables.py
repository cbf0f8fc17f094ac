"""The first tables."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table(
        'networks',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('admin_state_up', sa.Boolean(), nullable=False),
        sa.Column('shared', sa.Boolean(), nullable=False),
        sa.Column('external', sa.Boolean(), nullable=False),
        sa.Column('mtu', sa.Integer(), nullable=False),
        sa.Column('dns_domain', types.String(255), nullable=False),
        sa.Column('port_security_enabled', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_networks')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_networks_project_id'), 'networks', ['project_id'], unique=False)
    op.create_index(op.f('ix_networks_shared'), 'networks', ['shared'], unique=False)
    op.create_table(
        'security_groups',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('stateful', sa.Boolean(), nullable=False),
        sa.Column('default_of', types.String(255), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_security_groups')),
        sa.UniqueConstraint('default_of', name=op.f('uq_security_groups_default_of')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_security_groups_project_id'), 'security_groups', ['project_id'], unique=False)
    op.create_table(
        'ports',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('network_id', types.String(36), nullable=False),
        sa.Column('mac_address', types.String(32), nullable=False),
        sa.Column('admin_state_up', sa.Boolean(), nullable=False),
        sa.Column('device_id', types.String(255), nullable=False),
        sa.Column('device_owner', types.String(255), nullable=False),
        sa.Column('host', types.String(255), nullable=False),
        sa.Column('vnic_type', types.String(64), nullable=False),
        sa.Column('profile', sa.JSON(), nullable=False),
        sa.Column('port_security_enabled', sa.Boolean(), nullable=False),
        sa.Column('dns_name', types.String(255), nullable=False),
        sa.ForeignKeyConstraint(['network_id'], ['networks.id'], name=op.f('fk_ports_network_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_ports')),
        sa.UniqueConstraint('network_id', 'mac_address', name=op.f('uq_ports_network_id_mac_address')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_ports_device_id'), 'ports', ['device_id'], unique=False)
    op.create_index(op.f('ix_ports_network_id'), 'ports', ['network_id'], unique=False)
    op.create_index(op.f('ix_ports_project_id'), 'ports', ['project_id'], unique=False)
    op.create_table(
        'security_group_rules',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('security_group_id', types.String(36), nullable=False),
        sa.Column('direction', types.String(16), nullable=False),
        sa.Column('ethertype', types.String(16), nullable=False),
        sa.Column('protocol', types.String(40), nullable=True),
        sa.Column('port_range_min', sa.Integer(), nullable=True),
        sa.Column('port_range_max', sa.Integer(), nullable=True),
        sa.Column('remote_ip_prefix', types.String(255), nullable=True),
        sa.Column('remote_group_id', types.String(36), nullable=True),
        sa.ForeignKeyConstraint(
            ['remote_group_id'],
            ['security_groups.id'],
            name=op.f('fk_security_group_rules_remote_group_id'),
            ondelete='CASCADE',
        ),
        sa.ForeignKeyConstraint(
            ['security_group_id'],
            ['security_groups.id'],
            name=op.f('fk_security_group_rules_security_group_id'),
            ondelete='CASCADE',
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_security_group_rules')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_security_group_rules_project_id'), 'security_group_rules', ['project_id'], unique=False)
    op.create_index(
        op.f('ix_security_group_rules_remote_group_id'), 'security_group_rules', ['remote_group_id'], unique=False
    )
    op.create_index(
        op.f('ix_security_group_rules_security_group_id'), 'security_group_rules', ['security_group_id'], unique=False
    )
    op.create_table(
        'subnets',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('network_id', types.String(36), nullable=False),
        sa.Column('cidr', types.String(64), nullable=False),
        sa.Column('gateway_ip', types.String(64), nullable=True),
        sa.Column('enable_dhcp', sa.Boolean(), nullable=False),
        sa.Column('allocation_pools', sa.JSON(), nullable=False),
        sa.Column('dns_nameservers', sa.JSON(), nullable=False),
        sa.Column('host_routes', sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(['network_id'], ['networks.id'], name=op.f('fk_subnets_network_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_subnets')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_subnets_network_id'), 'subnets', ['network_id'], unique=False)
    op.create_index(op.f('ix_subnets_project_id'), 'subnets', ['project_id'], unique=False)
    op.create_table(
        'addresses',
        sa.Column('subnet_id', types.String(36), nullable=False),
        sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('address', types.String(64), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('port_id', types.String(36), nullable=False),
        sa.ForeignKeyConstraint(['port_id'], ['ports.id'], name=op.f('fk_addresses_port_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['subnet_id'], ['subnets.id'], name=op.f('fk_addresses_subnet_id')),
        sa.PrimaryKeyConstraint('subnet_id', 'number', name=op.f('pk_addresses')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_addresses_port_id'), 'addresses', ['port_id'], unique=False)
    op.create_table(
        'port_security_groups',
        sa.Column('port_id', types.String(36), nullable=False),
        sa.Column('security_group_id', types.String(36), nullable=False),
        sa.ForeignKeyConstraint(
            ['port_id'], ['ports.id'], name=op.f('fk_port_security_groups_port_id'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(
            ['security_group_id'], ['security_groups.id'], name=op.f('fk_port_security_groups_security_group_id')
        ),
        sa.PrimaryKeyConstraint('port_id', 'security_group_id', name=op.f('pk_port_security_groups')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(
        op.f('ix_port_security_groups_security_group_id'), 'port_security_groups', ['security_group_id'], unique=False
    )
