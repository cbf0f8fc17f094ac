"""Hosts as they last reported themselves."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

hosts = sa.Table(
    'hosts',
    cell,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('node_id', String(36), nullable=False, unique=True),
    sa.Column('host', String(), nullable=False),
    sa.Column('node', String(), nullable=False),
    sa.Column('hypervisor_type', String(), nullable=False),
    sa.Column('hypervisor_version', sa.Integer, nullable=False),
    sa.Column('inventory', JSON, nullable=False),
    sa.Column('traits', JSON, nullable=False),
    sa.Column('host_ip', String(64)),
    sa.Column('cpu_info', JSON, nullable=False),
    sa.Column('supported_instances', JSON, nullable=False),
    sa.Column('uptime', String()),
    sa.Column('free_disk_gb', sa.Integer),
    sa.Column('free_memory_mb', sa.Integer),
    sa.Column('disk_available_least', sa.Integer),
    sa.Column('running_guests', sa.Integer, nullable=False),
    sa.Column('started_at', Moment),
    sa.Column('trouble', sa.Text),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.UniqueConstraint('host', 'node'),
    sa.Index(None, 'updated_at'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
