"""Count what projects have in one place, one request at a time."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'api_0002'
down_revision = 'api_0001'


def upgrade() -> None:
    op.create_table(
        'quota_turns',
        sa.Column('project_id', types.String(), nullable=False),
        sa.Column('taken', sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint('project_id', name=op.f('pk_quota_turns')),
        **types.MYSQL_OPTIONS,
    )
    op.create_index(
        op.f('ix_server_mappings_project_id_queued_for_delete'), 'server_mappings', ['project_id', 'queued_for_delete']
    )
