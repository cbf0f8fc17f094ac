"""Flavors, and the projects that may use the private ones."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Long, Moment, String

flavors = sa.Table(
    'flavors',
    api,
    sa.Column('number', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('id', String(), nullable=False, unique=True),
    sa.Column('name', String(), nullable=False, unique=True),
    sa.Column('vcpus', sa.Integer, nullable=False),
    sa.Column('memory_mb', sa.Integer, nullable=False),
    sa.Column('disk_gb', sa.Integer, nullable=False),
    sa.Column('ephemeral_gb', sa.Integer, nullable=False),
    sa.Column('swap_mb', sa.Integer, nullable=False),
    sa.Column('rxtx_factor', sa.Double, nullable=False),
    sa.Column('is_public', sa.Boolean, nullable=False),
    sa.Column('disabled', sa.Boolean, nullable=False),
    sa.Column('description', Long()),
    sa.Column('extra_specs', JSON, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    **MYSQL_OPTIONS,
)

flavor_projects = sa.Table(
    'flavor_projects',
    api,
    sa.Column('flavor_id', String(), sa.ForeignKey('flavors.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('project_id', String(), primary_key=True),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'project_id'),
    **MYSQL_OPTIONS,
)
