"""Moves between hosts, and when usage was counted."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0002'
down_revision = 'cell_0001'


def upgrade() -> None:
    _migrations()
    _usage_audits()


def _migrations() -> None:
    op.create_table(
        'migrations',
        sa.Column('number', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('kind', types.String(32), nullable=False),
        sa.Column('status', types.String(32), nullable=False),
        sa.Column('source_compute', types.String()),
        sa.Column('source_node', types.String()),
        sa.Column('dest_compute', types.String()),
        sa.Column('dest_node', types.String()),
        sa.Column('dest_host', types.String()),
        sa.Column('old_flavor_id', types.String()),
        sa.Column('new_flavor_id', types.String()),
        sa.Column('user_id', types.String()),
        sa.Column('project_id', types.String()),
        sa.Column('hidden', sa.Boolean, nullable=False),
        sa.Column('memory_total', sa.BigInteger),
        sa.Column('memory_processed', sa.BigInteger),
        sa.Column('memory_remaining', sa.BigInteger),
        sa.Column('disk_total', sa.BigInteger),
        sa.Column('disk_processed', sa.BigInteger),
        sa.Column('disk_remaining', sa.BigInteger),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_migrations')),
        sa.UniqueConstraint('id', name=op.f('uq_migrations_id')),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_migrations_server_id'), ondelete='CASCADE'
        ),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_migrations_server_id_created_at'), 'migrations', ['server_id', 'created_at'])
    op.create_index(op.f('ix_migrations_created_at_number'), 'migrations', ['created_at', 'number'])
    op.create_index(op.f('ix_migrations_updated_at'), 'migrations', ['updated_at'])
    op.create_index(op.f('ix_migrations_source_compute_status'), 'migrations', ['source_compute', 'status'])
    op.create_index(op.f('ix_migrations_dest_compute_status'), 'migrations', ['dest_compute', 'status'])


def _usage_audits() -> None:
    op.create_table(
        'usage_audits',
        sa.Column('host', types.String(), nullable=False),
        sa.Column('period_beginning', types.Moment, nullable=False),
        sa.Column('period_ending', types.Moment, nullable=False),
        sa.Column('state', types.String(16), nullable=False),
        sa.Column('servers', sa.Integer, nullable=False),
        sa.Column('errors', sa.Integer, nullable=False),
        sa.Column('message', types.String(), nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('host', 'period_beginning', 'period_ending', name=op.f('pk_usage_audits')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(
        op.f('ix_usage_audits_period_beginning_period_ending'), 'usage_audits', ['period_beginning', 'period_ending']
    )
