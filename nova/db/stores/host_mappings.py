"""Note which cell a host belongs to."""

from collections.abc import Iterable

import sqlalchemy as sa

from nova import errors
from nova.db.tables.cells import host_mappings
from nova.db.tables.types import now as present

_mappings = host_mappings


def listing(tx: sa.Connection, cell_id: str | None = None) -> list[tuple[str, str]]:
    """(host, cell id) of all hosts, or those of one cell, by name."""
    query = sa.select(_mappings.c.host, _mappings.c.cell_id).order_by(_mappings.c.host)
    if cell_id is not None:
        query = query.where(_mappings.c.cell_id == cell_id)
    return [(host, cell) for host, cell in tx.execute(query)]


def find(tx: sa.Connection, host: str) -> str | None:
    """The cell of a host."""
    return tx.execute(sa.select(_mappings.c.cell_id).where(_mappings.c.host == host)).scalar()


def add(tx: sa.Connection, cell_id: str, hosts: Iterable[str]) -> list[str]:
    """Map hosts to a cell; those that were not mapped to it before. Raises Conflict if one belongs to another cell."""
    wanted = sorted(set(hosts))
    if not wanted:
        return []
    query = sa.select(_mappings.c.host, _mappings.c.cell_id).where(_mappings.c.host.in_(wanted))
    known = dict(tx.execute(query).all())
    elsewhere = sorted(host for host, cell in known.items() if cell != cell_id)
    if elsewhere:
        raise errors.Conflict(f'Host {elsewhere[0]} is already mapped to cell {known[elsewhere[0]]}.')
    new = [host for host in wanted if host not in known]
    if new:
        at = present()
        tx.execute(sa.insert(_mappings), [{'host': host, 'cell_id': cell_id, 'created_at': at} for host in new])
    return new


def remove(tx: sa.Connection, host: str) -> bool:
    return bool(tx.execute(sa.delete(_mappings).where(_mappings.c.host == host)).rowcount)


def remove_all_of_cell(tx: sa.Connection, cell_id: str) -> int:
    return tx.execute(sa.delete(_mappings).where(_mappings.c.cell_id == cell_id)).rowcount
