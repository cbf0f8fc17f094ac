"""Read and write the cells' mappings."""

import uuid
from typing import Any

import sqlalchemy as sa

from nova import errors
from nova.db.tables.cells import cell_mappings
from nova.db.tables.types import now as present
from nova.domain.cell import CELL0_ID, Cell

_columns = tuple(cell_mappings.c[name] for name in ('id', 'name', 'transport_url', 'database_connection', 'disabled'))


def create(
    tx: sa.Connection,
    name: str | None,
    transport_url: str,
    database_connection: str,
    disabled: bool = False,
    cell_id: str | None = None,
) -> Cell:
    """Map a new cell. Raises Conflict if another one uses the same bus or database."""
    refuse_shared(tx, transport_url, database_connection)
    cell = Cell(cell_id or str(uuid.uuid4()), name, transport_url, database_connection, disabled)
    tx.execute(
        sa.insert(cell_mappings).values(
            id=cell.id,
            name=name,
            transport_url=transport_url,
            database_connection=database_connection,
            disabled=disabled,
            created_at=present(),
        )
    )
    return cell


def refuse_shared(
    tx: sa.Connection, transport_url: str | None, database_connection: str | None, but: str | None = None
) -> None:
    """Raise Conflict if a cell other than `but` uses the same bus or database. Cells without a bus share nothing."""
    for cell in listing(tx):
        same_bus = transport_url == cell.transport_url and not (transport_url or '').startswith('none:')
        if cell.id != but and (same_bus or database_connection == cell.database_connection):
            raise errors.Conflict(f'Cell {cell.id} already uses this transport URL or database connection.')


def find(tx: sa.Connection, cell_id: str) -> Cell | None:
    row = tx.execute(sa.select(*_columns).where(cell_mappings.c.id == cell_id)).first()
    return Cell(*row) if row else None


def get(tx: sa.Connection, cell_id: str) -> Cell:
    found = find(tx, cell_id)
    if found is None:
        raise errors.NotFound(f'Cell with uuid {cell_id} was not found.')
    return found


def listing(tx: sa.Connection) -> list[Cell]:
    """All cells, cell0 first."""
    found = [Cell(*row) for row in tx.execute(sa.select(*_columns).order_by(cell_mappings.c.created_at))]
    return sorted(found, key=lambda cell: cell.id != CELL0_ID)


def change(tx: sa.Connection, cell_id: str, **columns: Any) -> None:
    done = tx.execute(
        sa.update(cell_mappings).where(cell_mappings.c.id == cell_id).values(updated_at=present(), **columns)
    ).rowcount
    if not done:
        raise errors.NotFound(f'Cell with uuid {cell_id} was not found.')


def remove(tx: sa.Connection, cell_id: str) -> None:
    if not tx.execute(sa.delete(cell_mappings).where(cell_mappings.c.id == cell_id)).rowcount:
        raise errors.NotFound(f'Cell with uuid {cell_id} was not found.')
