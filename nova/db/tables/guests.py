"""Where a server has, or may have, a guest."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import MYSQL_OPTIONS, Moment, String

guests = sa.Table(
    'guests',
    cell,
    sa.Column('server_id', String(36), primary_key=True),
    sa.Column('host', String(), primary_key=True),
    sa.Column('node', String()),
    sa.Column('created_at', Moment, nullable=False),
    # Set when the guest was given up because its host was away; it has to be removed when the host is back.
    sa.Column('abandoned_at', Moment),
    sa.Column('name', String()),
    sa.Index(None, 'host'),
    sa.Index(None, 'abandoned_at'),
    **MYSQL_OPTIONS,
)
