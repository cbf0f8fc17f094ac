"""The first tables of a cell's database."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0001'
down_revision = None


def upgrade() -> None:
    _console_tokens()
    _guests()
    _hosts()
    _operations()
    _servers()
    _services()
    _server_faults()
    _server_metadata()
    _server_tags()


def _console_tokens() -> None:
    op.create_table(
        'console_tokens',
        sa.Column('token_hash', types.String(128), nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('kind', types.String(32), nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.Column('port', sa.Integer, nullable=False),
        sa.Column('tls_port', sa.Integer),
        sa.Column('path', types.String()),
        sa.Column('access_url_base', sa.Text, nullable=False),
        sa.Column('expires_at', types.Moment, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_console_tokens')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_console_tokens_expires_at'), 'console_tokens', ['expires_at'])
    op.create_index(op.f('ix_console_tokens_server_id'), 'console_tokens', ['server_id'])


def _guests() -> None:
    op.create_table(
        'guests',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.Column('node', types.String()),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('abandoned_at', types.Moment),
        sa.Column('name', types.String()),
        sa.PrimaryKeyConstraint('server_id', 'host', name=op.f('pk_guests')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_guests_abandoned_at'), 'guests', ['abandoned_at'])
    op.create_index(op.f('ix_guests_host'), 'guests', ['host'])


def _hosts() -> None:
    op.create_table(
        'hosts',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('node_id', types.String(36), nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.Column('node', types.String(), nullable=False),
        sa.Column('hypervisor_type', types.String(), nullable=False),
        sa.Column('hypervisor_version', sa.Integer, nullable=False),
        sa.Column('inventory', types.JSON, nullable=False),
        sa.Column('traits', types.JSON, nullable=False),
        sa.Column('host_ip', types.String(64)),
        sa.Column('cpu_info', types.JSON, nullable=False),
        sa.Column('supported_instances', types.JSON, nullable=False),
        sa.Column('uptime', types.String()),
        sa.Column('free_disk_gb', sa.Integer),
        sa.Column('free_memory_mb', sa.Integer),
        sa.Column('disk_available_least', sa.Integer),
        sa.Column('running_guests', sa.Integer, nullable=False),
        sa.Column('started_at', types.Moment),
        sa.Column('trouble', sa.Text),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_hosts')),
        sa.UniqueConstraint('host', 'node', name=op.f('uq_hosts_host_node')),
        sa.UniqueConstraint('node_id', name=op.f('uq_hosts_node_id')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_hosts_updated_at'), 'hosts', ['updated_at'])


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


def _servers() -> None:
    op.create_table(
        'servers',
        sa.Column('number', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('cell_id', types.String(36)),
        sa.Column('name', types.String(), nullable=False),
        sa.Column('hostname', types.String(), nullable=False),
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('user_id', types.String(), nullable=False),
        sa.Column('flavor', types.JSON, nullable=False),
        sa.Column('flavor_id', types.String(), nullable=False),
        sa.Column('vcpus', sa.Integer, nullable=False),
        sa.Column('memory_mb', sa.Integer, nullable=False),
        sa.Column('disk_gb', sa.Integer, nullable=False),
        sa.Column('state', types.String(32), nullable=False),
        sa.Column('activity', types.String(64)),
        sa.Column('power', sa.Integer, nullable=False),
        sa.Column('host', types.String()),
        sa.Column('node', types.String()),
        sa.Column('launched_on', types.String()),
        sa.Column('operation_id', types.String(36)),
        sa.Column('image_id', types.String()),
        sa.Column('image_properties', types.JSON, nullable=False),
        sa.Column('ports', types.JSON, nullable=False),
        sa.Column('addresses_v4', sa.Text),
        sa.Column('addresses_v6', sa.Text),
        sa.Column('security_groups', types.JSON, nullable=False),
        sa.Column('keypair', types.JSON),
        sa.Column('key_name', types.String()),
        sa.Column('system_metadata', types.JSON, nullable=False),
        sa.Column('description', sa.Text),
        sa.Column('locked', sa.Boolean, nullable=False),
        sa.Column('locked_reason', sa.Text),
        sa.Column('user_data', types.Long()),
        sa.Column('config_drive', sa.Boolean, nullable=False),
        sa.Column('pinned_availability_zone', types.String()),
        sa.Column('availability_zone', types.String()),
        sa.Column('access_ip_v4', types.String(64)),
        sa.Column('access_ip_v6', types.String(64)),
        sa.Column('progress', sa.Integer, nullable=False),
        sa.Column('disk_config', types.String(16), nullable=False),
        sa.Column('reservation_id', types.String()),
        sa.Column('launch_index', sa.Integer, nullable=False),
        sa.Column('root_device_name', types.String()),
        sa.Column('trusted_image_certificates', types.JSON, nullable=False),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment, nullable=False),
        sa.Column('launched_at', types.Moment),
        sa.Column('terminated_at', types.Moment),
        sa.Column('deleted', sa.Boolean, nullable=False),
        sa.Column('deleted_at', types.Moment),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_servers')),
        sa.UniqueConstraint('id', name=op.f('uq_servers_id')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_servers_deleted_created_at_id'), 'servers', ['deleted', 'created_at', 'id'])
    op.create_index(op.f('ix_servers_host_deleted'), 'servers', ['host', 'deleted'])
    op.create_index(op.f('ix_servers_operation_id'), 'servers', ['operation_id'])
    op.create_index(
        op.f('ix_servers_project_id_deleted_created_at_id'), 'servers', ['project_id', 'deleted', 'created_at', 'id']
    )
    op.create_index(op.f('ix_servers_reservation_id'), 'servers', ['reservation_id'])
    op.create_index(op.f('ix_servers_updated_at'), 'servers', ['updated_at'])


def _services() -> None:
    op.create_table(
        'services',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('uuid', types.String(36), nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.Column('binary', types.String(64), nullable=False),
        sa.Column('topic', types.String(64), nullable=False),
        sa.Column('version', sa.Integer, nullable=False),
        sa.Column('enabled', sa.Boolean, nullable=False),
        sa.Column('disabled_reason', types.String()),
        sa.Column('forced_down', sa.Boolean, nullable=False),
        sa.Column('seen_at', types.Moment),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_services')),
        sa.UniqueConstraint('host', 'binary', name=op.f('uq_services_host_binary')),
        sa.UniqueConstraint('uuid', name=op.f('uq_services_uuid')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )


def _server_faults() -> None:
    op.create_table(
        'server_faults',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('code', sa.Integer, nullable=False),
        sa.Column('message', types.String(), nullable=False),
        sa.Column('details', types.Long()),
        sa.Column('host', types.String()),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_server_faults')),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_server_faults_server_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_server_faults_server_id_id'), 'server_faults', ['server_id', 'id'])


def _server_metadata() -> None:
    op.create_table(
        'server_metadata',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('key', types.String(), nullable=False),
        sa.Column('value', types.String(), nullable=False),
        sa.PrimaryKeyConstraint('server_id', 'key', name=op.f('pk_server_metadata')),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_server_metadata_server_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )


def _server_tags() -> None:
    op.create_table(
        'server_tags',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('tag', types.String(80), nullable=False),
        sa.PrimaryKeyConstraint('server_id', 'tag', name=op.f('pk_server_tags')),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_server_tags_server_id'), ondelete='CASCADE'
        ),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_server_tags_tag'), 'server_tags', ['tag'])
