"""Read where servers are, over all cells."""

from collections.abc import Collection
from typing import Any

from nova.db.stores import guests, mappings
from nova.domain.cell import CELL0_ID, Down

CELL_TIMEOUT = 10.0


def read(databases: Any, server_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The hosts of each server that has any. Servers in cells that are down are not seen."""
    with databases.api.reading() as tx:
        found = mappings.find_many(tx, server_ids)
    cells = {mapping.cell_id for mapping in found.values()} - {None, CELL0_ID}
    answers = databases.across_cells(
        lambda tx, cell: guests.of_servers(tx, [name for name, place in found.items() if place.cell_id == cell.id]),
        CELL_TIMEOUT,
        [cell for cell in databases.cells() if cell.id in cells],
    )
    places: dict[str, tuple[str, ...]] = {}
    for answer in answers.values():
        places |= {} if isinstance(answer, Down) else answer
    return places
