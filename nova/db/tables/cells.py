"""Which cells there are, and which of them has a host or a server."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

cell_mappings = sa.Table(
    'cell_mappings',
    api,
    sa.Column('id', String(36), primary_key=True),
    sa.Column('name', String()),
    sa.Column('transport_url', sa.Text, nullable=False),
    sa.Column('database_connection', sa.Text, nullable=False),
    sa.Column('disabled', sa.Boolean, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    **MYSQL_OPTIONS,
)

host_mappings = sa.Table(
    'host_mappings',
    api,
    sa.Column('host', String(), primary_key=True),
    sa.Column('cell_id', String(36), sa.ForeignKey('cell_mappings.id'), nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'cell_id'),
    **MYSQL_OPTIONS,
)

server_mappings = sa.Table(
    'server_mappings',
    api,
    sa.Column('server_id', String(36), primary_key=True),
    # None while no cell was chosen.
    sa.Column('cell_id', String(36), sa.ForeignKey('cell_mappings.id')),
    sa.Column('project_id', String(), nullable=False),
    sa.Column('user_id', String(), nullable=False),
    # What the server takes of its project's quota.
    sa.Column('vcpus', sa.Integer, nullable=False),
    sa.Column('memory_mb', sa.Integer, nullable=False),
    sa.Column('queued_for_delete', sa.Boolean, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'cell_id', 'project_id', 'user_id'),
    sa.Index(None, 'project_id', 'user_id'),
    sa.Index(None, 'project_id', 'queued_for_delete'),
    **MYSQL_OPTIONS,
)

request_specs = sa.Table(
    'request_specs',
    api,
    sa.Column('server_id', String(36), primary_key=True),
    sa.Column('request', JSON, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    **MYSQL_OPTIONS,
)
