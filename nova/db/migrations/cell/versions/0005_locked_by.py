"""Keep who locked a server."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0005'
down_revision = 'cell_0004'


def upgrade() -> None:
    op.add_column('servers', sa.Column('locked_by', types.String(16)))
