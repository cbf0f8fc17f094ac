"""What a server was asked to be made of."""

import sqlalchemy as sa
from alembic import op

from nova.db.tables import types

revision = 'cell_0003'
down_revision = 'cell_0002'


def upgrade() -> None:
    op.add_column('servers', sa.Column('scheduler_hints', types.JSON))
    op.create_table(
        'block_devices',
        sa.Column('number', sa.Integer, autoincrement=True, nullable=False),
        sa.Column('id', types.String(36), nullable=False),
        sa.Column('server_id', types.String(36), nullable=False),
        sa.Column('source_type', types.String(16), nullable=False),
        sa.Column('destination_type', types.String(16), nullable=False),
        sa.Column('boot_index', sa.Integer),
        sa.Column('image_id', types.String()),
        sa.Column('volume_id', types.String()),
        sa.Column('snapshot_id', types.String()),
        sa.Column('size', sa.Integer),
        sa.Column('device_name', types.String()),
        sa.Column('tag', types.String()),
        sa.Column('delete_on_termination', sa.Boolean, nullable=False),
        sa.Column('guest_format', types.String()),
        sa.Column('disk_bus', types.String()),
        sa.Column('device_type', types.String()),
        sa.Column('volume_type', types.String()),
        sa.Column('attachment_id', types.String(36)),
        sa.Column('connection_info', types.JSON),
        sa.Column('created_at', types.Moment, nullable=False),
        sa.Column('updated_at', types.Moment),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_block_devices')),
        sa.UniqueConstraint('id', name=op.f('uq_block_devices_id')),
        sa.ForeignKeyConstraint(
            ['server_id'], ['servers.id'], name=op.f('fk_block_devices_server_id'), ondelete='CASCADE'
        ),
        sqlite_autoincrement=True,
        **types.MYSQL_OPTIONS,
    )
    op.create_index(op.f('ix_block_devices_server_id'), 'block_devices', ['server_id'])
    op.create_index(op.f('ix_block_devices_volume_id'), 'block_devices', ['volume_id'])
