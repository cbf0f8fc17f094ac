"""The journals of operations: the same table in the API database and in each cell."""

import sqlalchemy as sa

from nova.db.tables import metadata
from nova.db.tables.types import JSON, MYSQL_OPTIONS, Moment, String


def operations_table(of: sa.MetaData) -> sa.Table:
    return sa.Table(
        'operations',
        of,
        sa.Column('id', String(36), primary_key=True),
        sa.Column('verb', String(64), nullable=False),
        sa.Column('server_id', String(36), nullable=False),
        sa.Column('cell_id', String(36)),
        sa.Column('project_id', String()),
        sa.Column('user_id', String()),
        sa.Column('request_id', String(64)),
        sa.Column('parameters', JSON, nullable=False),
        sa.Column('context', JSON, nullable=False),
        sa.Column('direction', String(16), nullable=False),
        sa.Column('status', String(16), nullable=False),
        sa.Column('steps', JSON, nullable=False),
        sa.Column('attempt', sa.Integer, nullable=False),
        sa.Column('failure', JSON),
        sa.Column('stop_requested', sa.Boolean, nullable=False),
        sa.Column('activity', String(64)),
        sa.Column('owner', String()),
        sa.Column('lease_until', Moment),
        sa.Column('deadline_at', Moment),
        sa.Column('created_at', Moment, nullable=False),
        sa.Column('updated_at', Moment),
        sa.Column('finished_at', Moment),
        sa.Index(None, 'server_id', 'created_at'),
        sa.Index(None, 'status', 'lease_until'),
        sa.Index(None, 'owner', 'status'),
        sa.Index(None, 'finished_at'),
        **MYSQL_OPTIONS,
    )


api_operations = operations_table(metadata.api)
cell_operations = operations_table(metadata.cell)
