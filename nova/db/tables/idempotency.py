"""Requests that may be sent twice: whether they were answered, and how. Their keys are kept as hashes only."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import MYSQL_OPTIONS, Long, Moment, String

idempotent_requests = sa.Table(
    'idempotent_requests',
    api,
    # Of the project, the user, the method, the path and the key.
    sa.Column('key_hash', String(64), primary_key=True),
    # Of what was asked for.
    sa.Column('body_hash', String(64), nullable=False),
    sa.Column('project_id', String()),
    sa.Column('request_id', String(64), nullable=False),
    # Who carries it out; whoever takes it over writes another one.
    sa.Column('attempt', String(36), nullable=False),
    sa.Column('lease_until', Moment, nullable=False),
    # Empty until it is answered.
    sa.Column('status', sa.Integer),
    sa.Column('answer', Long()),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'created_at'),
    **MYSQL_OPTIONS,
)
