"""Aggregates of hosts; one with the metadata key `availability_zone` makes a zone."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String

aggregates = sa.Table(
    'aggregates',
    api,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('uuid', String(36), nullable=False, unique=True),
    sa.Column('name', String(), nullable=False, unique=True),
    sa.Column('metadata', JSON, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)

aggregate_hosts = sa.Table(
    'aggregate_hosts',
    api,
    sa.Column('aggregate_id', sa.Integer, sa.ForeignKey('aggregates.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('host', String(), primary_key=True),
    sa.Index(None, 'host'),
    **MYSQL_OPTIONS,
)

# Memberships that were made or ended, and that Placement has not been told of yet.
untold_memberships = sa.Table(
    'untold_memberships',
    api,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('aggregate_uuid', String(36), nullable=False),
    sa.Column('host', String(), nullable=False),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
