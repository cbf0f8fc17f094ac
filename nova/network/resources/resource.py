"""What every resource of the network API has: a table, attributes, and the five verbs' own parts."""

import abc
import datetime
import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from nova.network import attributes
from nova.network.attributes import Attribute
from nova.network.caller import Caller

STANDARD = (
    Attribute('name', attributes.text, default=''),
    Attribute('description', attributes.text, default=''),
)
PROJECT = Attribute('project_id', attributes.text, on_update=False)


class Resource(abc.ABC):
    """A kind of thing behind /v2.0/<path>. The API does what is common to all of them and calls these for the rest."""

    name: ClassVar[str]  # key of one in a body
    collection: ClassVar[str]  # key of many
    path: ClassVar[str]
    label: ClassVar[str]  # in error types: <label>NotFound
    table: ClassVar[sa.Table]
    attributes: ClassVar[tuple[Attribute, ...]]
    columns: ClassVar[dict[str, str]] = {'tenant_id': 'project_id'}  # attribute name: column name, where they differ
    filters: ClassVar[dict[str, Callable[[list[str]], sa.ColumnElement[bool]]]] = {}
    touches_host = True  # whether a change needs the bridges, DHCP or firewall of the machine to follow

    def column(self, name: str) -> sa.Column | None:
        column = self.table.c.get(self.columns.get(name, name))
        return None if column is None or isinstance(column.type, sa.JSON) else column

    def visible(self, caller: Caller) -> sa.ColumnElement[bool]:
        return caller.own(self.table)

    @abc.abstractmethod
    def create(self, tx: sa.Connection, caller: Caller, values: dict[str, Any]) -> str:
        """Make one and return its id."""

    @abc.abstractmethod
    def update(self, tx: sa.Connection, caller: Caller, row: sa.Row, values: dict[str, Any]) -> None: ...

    @abc.abstractmethod
    def delete(self, tx: sa.Connection, caller: Caller, row: sa.Row) -> None: ...

    @abc.abstractmethod
    def views(self, tx: sa.Connection, caller: Caller, rows: Sequence[sa.Row]) -> list[dict[str, Any]]: ...


def fresh(project_id: str) -> dict[str, Any]:
    """The columns that every new row starts with."""
    now = utcnow()
    return {
        'id': str(uuid.uuid4()),
        'project_id': project_id,
        'name': '',
        'description': '',
        'revision_number': 0,
        'created_at': now,
        'updated_at': now,
    }


def standard_view(row: sa.Row) -> dict[str, Any]:
    """The keys that every resource shows."""
    return {
        'id': row.id,
        'name': row.name,
        'description': row.description,
        'project_id': row.project_id,
        'tenant_id': row.project_id,
        'revision_number': row.revision_number,
        'created_at': f'{row.created_at:%Y-%m-%dT%H:%M:%SZ}',
        'updated_at': f'{row.updated_at:%Y-%m-%dT%H:%M:%SZ}',
    }


def change(tx: sa.Connection, table: sa.Table, ident: str, values: dict[str, Any]) -> None:
    """Write some columns of one row, and that it changed."""
    tx.execute(
        sa.update(table)
        .where(table.c.id == ident)
        .values(**values, updated_at=utcnow(), revision_number=table.c.revision_number + 1)
    )


def utcnow() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
