"""Limits: of a project, of a user in a project, and the defaults for all."""

import sqlalchemy as sa

from nova.db.tables.metadata import api
from nova.db.tables.types import MYSQL_OPTIONS, String


def _limits(name: str, *owner: str) -> sa.Table:
    return sa.Table(
        name,
        api,
        *(sa.Column(column, String(), primary_key=True) for column in owner),
        sa.Column('resource', String(64), primary_key=True),
        sa.Column('limit', sa.Integer, nullable=False),
        **MYSQL_OPTIONS,
    )


quotas = _limits('quotas', 'project_id')
quota_classes = _limits('quota_classes', 'class_name')
project_user_quotas = _limits('project_user_quotas', 'project_id', 'user_id')

# A row for each project that has asked for servers: whoever holds it counts what the project has, and records more.
quota_turns = sa.Table(
    'quota_turns',
    api,
    sa.Column('project_id', String(), primary_key=True),
    sa.Column('taken', sa.Integer, nullable=False),
    **MYSQL_OPTIONS,
)
