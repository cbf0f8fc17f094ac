"""The image that a server's disk was made from, as it was then."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import JSON, MYSQL_OPTIONS, String

server_images = sa.Table(
    'server_images',
    cell,
    sa.Column('server_id', String(36), sa.ForeignKey('servers.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('image', JSON, nullable=False),
    **MYSQL_OPTIONS,
)
