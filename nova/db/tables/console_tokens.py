"""Leave to open a console; of the token only its hash is kept."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import MYSQL_OPTIONS, Moment, String

console_tokens = sa.Table(
    'console_tokens',
    cell,
    sa.Column('token_hash', String(128), primary_key=True),
    sa.Column('server_id', String(36), nullable=False),
    sa.Column('kind', String(32), nullable=False),
    sa.Column('host', String(), nullable=False),
    sa.Column('port', sa.Integer, nullable=False),
    sa.Column('tls_port', sa.Integer),
    sa.Column('path', String()),
    sa.Column('access_url_base', sa.Text, nullable=False),
    sa.Column('expires_at', Moment, nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Index(None, 'server_id'),
    sa.Index(None, 'expires_at'),
    **MYSQL_OPTIONS,
)
