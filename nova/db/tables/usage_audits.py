"""For which hosts, and with what result, the servers of a period were counted."""

import sqlalchemy as sa

from nova.db.tables.metadata import cell
from nova.db.tables.types import MYSQL_OPTIONS, Moment, String

usage_audits = sa.Table(
    'usage_audits',
    cell,
    sa.Column('host', String(), primary_key=True),
    sa.Column('period_beginning', Moment, primary_key=True),
    sa.Column('period_ending', Moment, primary_key=True),
    sa.Column('state', String(16), nullable=False),
    sa.Column('servers', sa.Integer, nullable=False),
    sa.Column('errors', sa.Integer, nullable=False),
    sa.Column('message', String(), nullable=False),
    sa.Column('created_at', Moment, nullable=False),
    sa.Column('updated_at', Moment, nullable=False),
    sa.Index(None, 'period_beginning', 'period_ending'),
    **MYSQL_OPTIONS,
)
