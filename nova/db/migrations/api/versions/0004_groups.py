"""Keep the memberships of aggregates that Placement has not been told of yet."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'api_0004'
down_revision = 'api_0003'


def upgrade() -> None:
    op.create_table(
        'untold_memberships',
        sa.Column('id', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('aggregate_uuid', types.String(36), nullable=False),
        sa.Column('host', types.String(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_untold_memberships')),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )
