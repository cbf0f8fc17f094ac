"""The first tables of the API database."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'api_0001'
down_revision = None


def upgrade() -> None:
    _aggregates()
    _cell_mappings()
    _flavors()
    _keypairs()
    _operations()
    _project_user_quotas()
    _quota_classes()
    _quotas()
    _request_specs()
    _server_groups()
    _aggregate_hosts()
    _flavor_projects()
    _host_mappings()
    _server_group_members()
    _server_mappings()


def _aggregates() -> None:
    op.create_table(
        'aggregates',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('uuid', types.String(36), nullable=False),
        sa.Column('name', types.String(), nullable=False),
        sa.Column('metadata', types.JSON, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_aggregates')),
        sa.UniqueConstraint('name', name=op.f('uq_aggregates_name')),
        sa.UniqueConstraint('uuid', name=op.f('uq_aggregates_uuid')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )


def _cell_mappings() -> None:
    op.create_table(
        'cell_mappings',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('name', types.String()),
        sa.Column('transport_url', sa.Text, nullable=False),
        sa.Column('database_connection', sa.Text, nullable=False),
        sa.Column('disabled', sa.Boolean, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_cell_mappings')),
        **types.MYSQL_OPTIONS,
    )


def _flavors() -> None:
    op.create_table(
        'flavors',
        sa.Column('number', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('id', types.String(), nullable=False),
        sa.Column('name', types.String(), nullable=False),
        sa.Column('vcpus', sa.Integer, nullable=False),
        sa.Column('memory_mb', sa.Integer, nullable=False),
        sa.Column('disk_gb', sa.Integer, nullable=False),
        sa.Column('ephemeral_gb', sa.Integer, nullable=False),
        sa.Column('swap_mb', sa.Integer, nullable=False),
        sa.Column('rxtx_factor', sa.Double, nullable=False),
        sa.Column('is_public', sa.Boolean, nullable=False),
        sa.Column('disabled', sa.Boolean, nullable=False),
        sa.Column('description', types.Long()),
        sa.Column('extra_specs', types.JSON, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_flavors')),
        sa.UniqueConstraint('id', name=op.f('uq_flavors_id')),
        sa.UniqueConstraint('name', name=op.f('uq_flavors_name')),
        **types.MYSQL_OPTIONS,
    )


def _keypairs() -> None:
    op.create_table(
        'keypairs',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('user_id', types.String(), nullable=False),
        sa.Column('name', types.String(), nullable=False),
        sa.Column('type', types.String(16), nullable=False),
        sa.Column('fingerprint', types.String(), nullable=False),
        sa.Column('public_key', sa.Text, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_keypairs')),
        sa.UniqueConstraint('user_id', 'name', name=op.f('uq_keypairs_user_id_name')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )


def _operations() -> None:
    op.create_table(
        'operations',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('verb', types.String(64), nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('cell_id', types.String(36)),
        sa.Column('project_id', types.String()),
        sa.Column('user_id', types.String()),
        sa.Column('request_id', types.String(64)),
        sa.Column('parameters', types.JSON, nullable=False),
        sa.Column('context', types.JSON, nullable=False),
        sa.Column('direction', types.String(16), nullable=False),
        sa.Column('status', types.String(16), nullable=False),
        sa.Column('steps', types.JSON, nullable=False),
        sa.Column('attempt', sa.Integer, nullable=False),
        sa.Column('failure', types.JSON),
        sa.Column('stop_requested', sa.Boolean, nullable=False),
        sa.Column('activity', types.String(64)),
        sa.Column('owner', types.String()),
        sa.Column('lease_until', types.Moment),
        sa.Column('deadline_at', types.Moment),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.Column('finished_at', types.Moment),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_operations')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_operations_finished_at'), 'operations', ['finished_at'])
    op.create_index(op.f('ix_operations_owner_status'), 'operations', ['owner', 'status'])
    op.create_index(op.f('ix_operations_server_id_created_at'), 'operations', ['server_id', 'created_at'])
    op.create_index(op.f('ix_operations_status_lease_until'), 'operations', ['status', 'lease_until'])


def _project_user_quotas() -> None:
    op.create_table(
        'project_user_quotas',
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('user_id', types.String(), nullable=False),
        sa.Column('resource', types.String(64), nullable=False),
        sa.Column('limit', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('project_id', 'user_id', 'resource', name=op.f('pk_project_user_quotas')),
        **types.MYSQL_OPTIONS,
    )


def _quota_classes() -> None:
    op.create_table(
        'quota_classes',
        sa.Column('class_name', types.String(), nullable=False),
        sa.Column('resource', types.String(64), nullable=False),
        sa.Column('limit', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('class_name', 'resource', name=op.f('pk_quota_classes')),
        **types.MYSQL_OPTIONS,
    )


def _quotas() -> None:
    op.create_table(
        'quotas',
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('resource', types.String(64), nullable=False),
        sa.Column('limit', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('project_id', 'resource', name=op.f('pk_quotas')),
        **types.MYSQL_OPTIONS,
    )


def _request_specs() -> None:
    op.create_table(
        'request_specs',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('request', types.JSON, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('server_id', name=op.f('pk_request_specs')),
        **types.MYSQL_OPTIONS,
    )


def _server_groups() -> None:
    op.create_table(
        'server_groups',
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('name', types.String(), nullable=False),
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('user_id', types.String(), nullable=False),
        sa.Column('policy', types.String(64), nullable=False),
        sa.Column('rules', types.JSON, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_server_groups')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_server_groups_project_id'), 'server_groups', ['project_id'])


def _aggregate_hosts() -> None:
    op.create_table(
        'aggregate_hosts',
        sa.Column('aggregate_id', sa.Integer, nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.PrimaryKeyConstraint('aggregate_id', 'host', name=op.f('pk_aggregate_hosts')),
        sa.ForeignKeyConstraint(
            ['aggregate_id'], ['aggregates.id'], name=op.f('fk_aggregate_hosts_aggregate_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_aggregate_hosts_host'), 'aggregate_hosts', ['host'])


def _flavor_projects() -> None:
    op.create_table(
        'flavor_projects',
        sa.Column('flavor_id', types.String(), nullable=False),
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('flavor_id', 'project_id', name=op.f('pk_flavor_projects')),
        sa.ForeignKeyConstraint(
            ['flavor_id'], ['flavors.id'], name=op.f('fk_flavor_projects_flavor_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_flavor_projects_project_id'), 'flavor_projects', ['project_id'])


def _host_mappings() -> None:
    op.create_table(
        'host_mappings',
        sa.Column('host', types.String(), nullable=False),
        sa.Column('cell_id', types.String(36), nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('host', name=op.f('pk_host_mappings')),
        sa.ForeignKeyConstraint(['cell_id'], ['cell_mappings.id'], name=op.f('fk_host_mappings_cell_id')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_host_mappings_cell_id'), 'host_mappings', ['cell_id'])


def _server_group_members() -> None:
    op.create_table(
        'server_group_members',
        sa.Column('group_id', types.String(36), nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.PrimaryKeyConstraint('group_id', 'server_id', name=op.f('pk_server_group_members')),
        sa.ForeignKeyConstraint(
            ['group_id'], ['server_groups.id'], name=op.f('fk_server_group_members_group_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_server_group_members_server_id'), 'server_group_members', ['server_id'])


def _server_mappings() -> None:
    op.create_table(
        'server_mappings',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('cell_id', types.String(36)),
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('user_id', types.String(), nullable=False),
        sa.Column('vcpus', sa.Integer, nullable=False),
        sa.Column('memory_mb', sa.Integer, nullable=False),
        sa.Column('queued_for_delete', sa.Boolean, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('server_id', name=op.f('pk_server_mappings')),
        sa.ForeignKeyConstraint(['cell_id'], ['cell_mappings.id'], name=op.f('fk_server_mappings_cell_id')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(
        op.f('ix_server_mappings_cell_id_project_id_user_id'), 'server_mappings', ['cell_id', 'project_id', 'user_id']
    )
    op.create_index(op.f('ix_server_mappings_project_id_user_id'), 'server_mappings', ['project_id', 'user_id'])
