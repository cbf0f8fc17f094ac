"""Servers, and what hangs on them."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Long, Moment, String

servers = sa.Table(
    'servers',
    cell,
    sa.Column('number', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('id', String(36), nullable=False, unique=True),
    sa.Column('cell_id', String(36)),
    sa.Column('name', String(), nullable=False),
    sa.Column('hostname', String(), nullable=False),
    sa.Column('project_id', String(), nullable=False),
    sa.Column('user_id', String(), nullable=False),
    sa.Column('flavor', JSON, nullable=False),
    sa.Column('flavor_id', String(), nullable=False),
    # What the flavor takes, so that hosts and quotas are counted by the database.
    sa.Column('vcpus', sa.Integer, nullable=False),
    sa.Column('memory_mb', sa.Integer, nullable=False),
    sa.Column('disk_gb', sa.Integer, nullable=False),
    sa.Column('state', String(32), nullable=False),
    sa.Column('activity', String(64)),
    sa.Column('power', sa.Integer, nullable=False),
    sa.Column('host', String()),
    sa.Column('node', String()),
    sa.Column('launched_on', String()),
    sa.Column('operation_id', String(36)),
    sa.Column('image_id', String()),
    sa.Column('image_properties', JSON, nullable=False),
    sa.Column('ports', JSON, nullable=False),
    # One address a line, for the filters.
    sa.Column('addresses_v4', sa.Text),
    sa.Column('addresses_v6', sa.Text),
    sa.Column('security_groups', JSON, nullable=False),
    sa.Column('keypair', JSON),
    sa.Column('key_name', String()),
    sa.Column('system_metadata', JSON, nullable=False),
    sa.Column('description', sa.Text),
    sa.Column('locked', sa.Boolean, nullable=False),
    sa.Column('locked_reason', sa.Text),
    sa.Column('locked_by', String(16)),
    sa.Column('user_data', Long()),
    sa.Column('config_drive', sa.Boolean, nullable=False),
    sa.Column('pinned_availability_zone', String()),
    sa.Column('availability_zone', String()),
    sa.Column('access_ip_v4', String(64)),
    sa.Column('access_ip_v6', String(64)),
    sa.Column('progress', sa.Integer, nullable=False),
    sa.Column('disk_config', String(16), nullable=False),
    sa.Column('reservation_id', String()),
    sa.Column('launch_index', sa.Integer, nullable=False),
    sa.Column('root_device_name', String()),
    sa.Column('trusted_image_certificates', JSON, nullable=False),
    sa.Column('scheduler_hints', JSON),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.Column('launched_at', Moment),
    sa.Column('terminated_at', Moment),
    sa.Column('deleted', sa.Boolean, nullable=False),
    sa.Column('deleted_at', Moment),
    sa.Index(None, 'project_id', 'deleted', 'created_at', 'id'),
    sa.Index(None, 'deleted', 'created_at', 'id'),
    sa.Index(None, 'host', 'deleted'),
    sa.Index(None, 'updated_at'),
    sa.Index(None, 'reservation_id'),
    sa.Index(None, 'operation_id'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)

server_metadata = sa.Table(
    'server_metadata',
    cell,
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('key', String(), primary_key=True),
    sa.Column('value', String(), nullable=False),
    **MYSQL_OPTIONS,
)

server_tags = sa.Table(
    'server_tags',
    cell,
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('tag', String(80), primary_key=True),
    sa.Index(None, 'tag'),
    **MYSQL_OPTIONS,
)

server_faults = sa.Table(
    'server_faults',
    cell,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), nullable=False),
    sa.Column('code', sa.Integer, nullable=False),
    sa.Column('message', String(), nullable=False),
    sa.Column('details', Long()),
    sa.Column('host', String()),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'server_id', 'id'),
    **MYSQL_OPTIONS,
)
