"""Users' public keys."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import MYSQL_OPTIONS, Moment, String

keypairs = sa.Table(
    'keypairs',
    api,
    sa.Column('id', sa.Integer, primary_key=True, autoincrement=True),
    sa.Column('user_id', String(), nullable=False),
    sa.Column('name', String(), nullable=False),
    sa.Column('type', String(16), nullable=False),
    sa.Column('fingerprint', String(), nullable=False),
    sa.Column('public_key', sa.Text, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.UniqueConstraint('user_id', 'name'),
    sqlite_autoincrement=True,
    **MYSQL_OPTIONS,
)
