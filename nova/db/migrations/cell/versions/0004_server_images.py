"""Keep the image that a server's disk was made from."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0004'
down_revision = 'cell_0003'


def upgrade() -> None:
    op.create_table(
        'server_images',
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('image', types.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_server_images_server_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('server_id', name=op.f('pk_server_images')),
        **types.MYSQL_OPTIONS,
    )
