"""Groups of servers that a policy keeps together or apart."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

server_groups = sa.Table(
    'server_groups',
    api,
    sa.Column('id', String(36), primary_key=True),
    sa.Column('name', String(), nullable=False),
    sa.Column('project_id', String(), nullable=False),
    sa.Column('user_id', String(), nullable=False),
    sa.Column('policy', String(64), nullable=False),
    sa.Column('rules', JSON, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    sa.Index(None, 'project_id'),
    **MYSQL_OPTIONS,
)

server_group_members = sa.Table(
    'server_group_members',
    api,
    sa.Column('group_id', String(36), sa.ForeignKey('server_groups.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('server_id', String(36), primary_key=True),
    sa.Index(None, 'server_id'),
    **MYSQL_OPTIONS,
)
