"""Daemons: where they run, whether they are enabled, when they were last seen."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import MYSQL_OPTIONS, Moment, String

services = sa.Table(
    'services',
    cell,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('uuid', String(36), nullable=False, unique=True),
    sa.Column('host', String(), nullable=False),
    sa.Column('binary', String(64), nullable=False),
    sa.Column('topic', String(64), nullable=False),
    sa.Column('version', sa.Integer, nullable=False),
    sa.Column('enabled', sa.Boolean, nullable=False),
    sa.Column('disabled_reason', String()),
    sa.Column('forced_down', sa.Boolean, nullable=False),
    sa.Column('seen_at', Moment),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment),
    sa.UniqueConstraint('host', 'binary'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
