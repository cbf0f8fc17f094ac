"""The disks that servers were asked to have."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

block_devices = sa.Table(
    'block_devices',
    cell,
    # Their order; users see the id.
    sa.Column('number', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('id', String(36), nullable=False, unique=True),
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), nullable=False),
    sa.Column('source_type', String(16), nullable=False),
    sa.Column('destination_type', String(16), nullable=False),
    sa.Column('boot_index', sa.Integer),
    sa.Column('image_id', String()),
    sa.Column('volume_id', String()),
    sa.Column('snapshot_id', String()),
    sa.Column('size', sa.Integer),
    sa.Column('device_name', String()),
    sa.Column('tag', String()),
    sa.Column('delete_on_termination', sa.Boolean, nullable=False),
    sa.Column('guest_format', String()),
    sa.Column('disk_bus', String()),
    sa.Column('device_type', String()),
    sa.Column('volume_type', String()),
    sa.Column('attachment_id', String(36)),
    sa.Column('connection_info', JSON),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    sa.Index(None, 'server_id'),
    sa.Index(None, 'volume_id'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
