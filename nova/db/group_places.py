"""Read where the members of a server group are, over all cells."""

from typing import Any

from nova.db.stores import guests, server_groups
from nova.domain.cell import CELL0_ID, Down
from nova.domain.request import GroupPlaces

CELL_TIMEOUT = 10.0


def read(databases: Any, group_id: str, besides: str) -> GroupPlaces | None:
    """The group's policy, and its members' hosts but for one server; None if there is no such group.

    Members in cells that are down are not seen.
    """
    with databases.api.reading() as tx:
        found = server_groups.rules(tx, group_id)
        cells = server_groups.cells_of_members(tx, group_id) if found else {}
    if found is None:
        return None
    cells.pop(besides, None)
    named = [cell for cell in databases.cells() if cell.id != CELL0_ID and cell.id in cells.values()]
    answers = databases.across_cells(
        lambda tx, cell: guests.of_servers(tx, [server_id for server_id, place in cells.items() if place == cell.id]),
        CELL_TIMEOUT,
        named,
    )
    members: dict[str, tuple[str, ...]] = {}
    for answer in answers.values():
        members |= {} if isinstance(answer, Down) else answer
    return GroupPlaces(found.policy, _most_per_host(found.rules), members)


def _most_per_host(rules: dict[str, Any]) -> int:
    return max(1, int(rules.get('max_server_per_host') or 1))
