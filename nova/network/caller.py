"""Who calls the network service, and what that lets them see and change."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa


@dataclasses.dataclass(frozen=True)
class Caller:
    project_id: str
    user_id: str = ''
    roles: frozenset[str] = frozenset()

    @property
    def privileged(self) -> bool:
        """Administrators, and other services of the cloud: they see every project and may bind ports to hosts."""
        return bool(self.roles & {'admin', 'service'})

    def owns(self, row: Any) -> bool:
        return self.privileged or row.project_id == self.project_id

    def own(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.true() if self.privileged else table.c.project_id == self.project_id

    @classmethod
    def from_keystone(cls, environ: Mapping[str, Any]) -> 'Caller | None':
        """The caller as keystonemiddleware confirmed them; None if it did not."""
        if environ.get('HTTP_X_IDENTITY_STATUS') != 'Confirmed':
            return None
        return cls(
            environ.get('HTTP_X_PROJECT_ID') or '',
            environ.get('HTTP_X_USER_ID') or '',
            frozenset(role.strip().lower() for role in environ.get('HTTP_X_ROLES', '').split(',')),
        )

    @classmethod
    def from_headers(cls, environ: Mapping[str, Any]) -> 'Caller':
        """The caller as they say themselves: for clouds without an identity service (auth_strategy = noauth)."""
        roles = environ.get('HTTP_X_ROLES', 'admin').split(',')
        return cls(
            environ.get('HTTP_X_PROJECT_ID') or 'noauth',
            environ.get('HTTP_X_USER_ID') or 'noauth',
            frozenset(role.strip().lower() for role in roles),
        )
