"""Read the hosts from the cells' databases, and what the API database says of them."""

import dataclasses
import datetime
import time
from collections.abc import Callable, Iterable
from typing import Any

from nova.db.engine import Databases
from nova.db.stores import aggregates, host_mappings, hosts
from nova.db.stores.aggregates import ZONE
from nova.domain.cell import Cell, Down
from nova.domain.host import Host

CELL_TIMEOUT = 10.0
# The clocks of those who write differ a little from ours.
OVERLAP = datetime.timedelta(seconds=3)
AGGREGATES_AGE = 1.0


@dataclasses.dataclass(frozen=True)
class About:
    """What the API database says of hosts: which cell they are mapped to, and the metadata of their aggregates."""

    mapped: dict[str, str]
    aggregates: dict[str, tuple[dict[str, str], ...]]

    def complete(self, host: Host) -> Host:
        metadata = self.aggregates.get(host.name, ())
        zone = next((one[ZONE] for one in metadata if one.get(ZONE)), None)
        return dataclasses.replace(host, availability_zone=zone, aggregates=metadata)


class CellHosts:
    """The hosts of all enabled cells; those that no cell has been given yet are left out."""

    def __init__(
        self,
        databases: Databases,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
        clock: Callable[[], float] = time.monotonic,
    ):
        self._databases, self._now, self._clock = databases, now, clock
        self._cells: tuple[Cell, ...] = ()
        self._since: dict[str, datetime.datetime] = {}
        self._about: About | None = None
        self._about_at = 0.0
        self._known: dict[str, Host] = {}

    def all(self) -> tuple[list[Host], list[str]]:
        """Every host, and the ids of the cells that could not be asked."""
        cells = self._databases.cells(enabled_only=True, fresh=True)
        self._cells = tuple(cell for cell in cells if not cell.is_cell0)
        self._read_about()
        began = self._now() - OVERLAP
        answers = self._ask(lambda tx, cell: hosts.listing(tx, cell.id))
        silent = [cell.id for cell, answer in answers.items() if isinstance(answer, Down)]
        self._known = {node_id: host for node_id, host in self._known.items() if host.cell_id in silent}
        return self._noted(answers, began), silent

    def changed(self) -> list[Host]:
        """The hosts that have changed since the last time, and all whose aggregates have."""
        began = self._now() - OVERLAP
        answers = self._ask(lambda tx, cell: hosts.changed_since(tx, cell.id, self._since.get(cell.id, began)))
        before = self._about
        if self._clock() - self._about_at >= AGGREGATES_AGE:
            self._read_about()
        changed = self._noted(answers, began)
        if self._about != before:
            return [self._about.complete(host) for host in self._known.values() if self._is_mapped(host)]
        return changed

    def discover(self) -> list[str]:
        """Map the hosts that have reported themselves to the cell that they did it in; those that are new."""
        found = self._databases.across_cells(
            lambda tx, cell: hosts.names(tx),
            CELL_TIMEOUT,
            [cell for cell in self._databases.cells() if not cell.is_cell0],
        )
        made: list[str] = []
        with self._databases.api.writing() as tx:
            for cell, names in found.items():
                if not isinstance(names, Down):
                    made += host_mappings.add(tx, cell.id, names)
        return made

    def _ask(self, work: Callable[[Any, Cell], Iterable[Host]]) -> dict[Cell, Any]:
        return self._databases.across_cells(work, CELL_TIMEOUT, self._cells) if self._cells else {}

    def _noted(self, answers: dict[Cell, Any], began: datetime.datetime) -> list[Host]:
        found = []
        for cell, answer in answers.items():
            if not isinstance(answer, Down):
                self._since[cell.id] = began
                self._known |= {host.node_id: host for host in answer}
                found += [self._about.complete(host) for host in answer if self._is_mapped(host)]
        return found

    def _is_mapped(self, host: Host) -> bool:
        return self._about.mapped.get(host.name) == host.cell_id

    def _read_about(self) -> None:
        with self._databases.api.reading() as tx:
            self._about = About(dict(host_mappings.listing(tx)), aggregates.of_hosts(tx))
        self._about_at = self._clock()
