"""Floating addresses."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.create_table(
        'floating_ips',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('project_id', types.String(255), nullable=False),
        sa.Column('name', types.String(255), nullable=False),
        sa.Column('description', types.String(255), nullable=False),
        sa.Column('revision_number', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime(), nullable=False),
        sa.Column('floating_network_id', types.String(36), nullable=False),
        sa.Column('floating_port_id', types.String(36), nullable=False),
        sa.Column('floating_ip_address', types.String(64), nullable=False),
        sa.Column('port_id', types.String(36), nullable=True),
        sa.Column('fixed_ip_address', types.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ['floating_network_id'], ['networks.id'], name=op.f('fk_floating_ips_floating_network_id')
        ),
        sa.ForeignKeyConstraint(['floating_port_id'], ['ports.id'], name=op.f('fk_floating_ips_floating_port_id')),
        sa.ForeignKeyConstraint(['port_id'], ['ports.id'], name=op.f('fk_floating_ips_port_id'), ondelete='SET NULL'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_floating_ips')),
        sa.UniqueConstraint('port_id', 'fixed_ip_address', name=op.f('uq_floating_ips_port_id_fixed_ip_address')),
        **types.MYSQL_OPTIONS,
    )
    for column in ('project_id', 'floating_network_id', 'floating_port_id'):
        op.create_index(op.f(f'ix_floating_ips_{column}'), 'floating_ips', [column], unique=False)
