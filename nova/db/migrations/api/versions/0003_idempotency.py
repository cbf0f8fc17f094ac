"""Keep the first answer of requests that may be sent twice."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'api_0003'
down_revision = 'api_0002'


def upgrade() -> None:
    op.create_table(
        'idempotent_requests',
        sa.Column('key_hash', types.String(64), nullable=False),
        sa.Column('body_hash', types.String(64), nullable=False),
        sa.Column('project_id', types.String(), nullable=True),
        sa.Column('request_id', types.String(64), nullable=False),
        sa.Column('attempt', types.String(36), nullable=False),
        sa.Column('lease_until', types.Moment, nullable=False),
        sa.Column('status', sa.Integer, nullable=True),
        sa.Column('answer', types.Long(), nullable=True),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.PrimaryKeyConstraint('key_hash', name=op.f('pk_idempotent_requests')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_idempotent_requests_created_at'), 'idempotent_requests', ['created_at'])
