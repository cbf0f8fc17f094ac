"""Keep what a resized server goes back to."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0006'
down_revision = 'cell_0005'


def upgrade() -> None:
    op.add_column('migrations', sa.Column('kept', types.JSON))
