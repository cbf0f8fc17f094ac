"""Moves of servers between hosts."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

migrations = sa.Table(
    'migrations',
    cell,
    sa.Column('number', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('id', String(36), nullable=False, unique=True),
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), nullable=False),
    sa.Column('kind', String(32), nullable=False),
    sa.Column('status', String(32), nullable=False),
    sa.Column('source_compute', String()),
    sa.Column('source_node', String()),
    sa.Column('dest_compute', String()),
    sa.Column('dest_node', String()),
    sa.Column('dest_host', String()),
    sa.Column('old_flavor_id', String()),
    sa.Column('new_flavor_id', String()),
    sa.Column('user_id', String()),
    sa.Column('project_id', String()),
    sa.Column('hidden', sa.Boolean, nullable=False),
    sa.Column('memory_total', sa.BigInteger),
    sa.Column('memory_processed', sa.BigInteger),
    sa.Column('memory_remaining', sa.BigInteger),
    sa.Column('disk_total', sa.BigInteger),
    sa.Column('disk_processed', sa.BigInteger),
    sa.Column('disk_remaining', sa.BigInteger),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    # What the server goes back to.
    sa.Column('kept', JSON),
    sa.Index(None, 'server_id', 'created_at'),
    sa.Index(None, 'created_at', 'number'),
    sa.Index(None, 'updated_at'),
    sa.Index(None, 'source_compute', 'status'),
    sa.Index(None, 'dest_compute', 'status'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
