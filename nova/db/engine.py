"""Find the database that holds something: the API's, this daemon's own cell's, or another cell's."""

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from nova import errors
from nova.db.database import Database, Statements
from nova.db.stores import cells as cell_store
from nova.domain.cell import CELL0_ID, Cell, Down, fill_template

T = TypeVar('T')

MAPPING_AGE = 60.0


class Databases:
    """The API database and the cells. A daemon inside a cell may lack the API database; then its own cell is all there is.

    `own` is the database of this process's cell, if it has one; `transport_url` fills templates in cell mappings, as `own` does.
    """

    def __init__(
        self,
        api: Database | None,
        own: Database | None = None,
        *,
        own_cell_id: str | None = None,
        transport_url: Callable[[], str | None] = lambda: None,
        connect: Callable[[str], Database] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._api, self._own, self._own_cell_id = api, own, own_cell_id
        self._transport_url, self._clock = transport_url, clock
        self.statements = (api or own).statements if (api or own) else Statements()
        self._connect = connect or (lambda url: Database(url, statements=self.statements))
        self._by_url: dict[str, Database] = {_key(own.url): own} if own else {}
        self._cells: dict[str, Cell] = {}
        self._read_at: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_conf(cls, conf: Any) -> 'Databases':
        """The databases that the options [api_database] and [database] name."""
        statements = Statements()
        return cls(
            _from_group(conf.api_database, statements),
            _from_group(conf.database, statements),
            # Asked for late: the option is declared when the bus is first used.
            transport_url=lambda: getattr(conf, 'transport_url', None),
            connect=lambda url: Database(url, **_pool_options(conf.database), statements=statements),
        )

    @property
    def api(self) -> Database:
        if self._api is None:
            raise errors.ServiceDown('There is no API database here; set [api_database] connection.')
        return self._api

    @property
    def has_api(self) -> bool:
        return self._api is not None

    @property
    def own(self) -> Database:
        """The database of [database] connection."""
        if self._own is None:
            raise errors.ServiceDown('There is no cell database here; set [database] connection.')
        return self._own

    @property
    def own_cell_id(self) -> str | None:
        """The cell whose database is this process's own; None while it is not mapped."""
        if self._own_cell_id is None and self._own is not None and self._api is not None:
            mine = _key(self._own.url)
            for cell in self.cells(fresh=not self._knows(mine)):
                if self._url_key(cell) == mine:
                    self._own_cell_id = cell.id
        return self._own_cell_id

    @property
    def cell0(self) -> Database:
        return self.cell(CELL0_ID)

    def cell(self, cell_id: str | None) -> Database:
        """The database of a cell; of this process's own cell for its id, or when there is no API database to ask."""
        if self._own is not None and (self._api is None or (cell_id is not None and cell_id == self._own_cell_id)):
            return self._own
        return self._database(self.cell_mapping(cell_id))

    def cell_mapping(self, cell_id: str | None) -> Cell:
        """A cell's mapping, with its URLs filled in."""
        found = self._mappings().get(cell_id) or self._mappings(fresh=True).get(cell_id)
        if found is None:
            raise errors.NotFound(
                f'Cell {cell_id} is not mapped; `nova-manage cell_v2 list_cells` shows those that are.'
            )
        return found

    def transport_url(self, cell_id: str | None) -> str | None:
        """The bus of a cell; None for the bus that this process uses anyway."""
        if cell_id is None or cell_id == self._own_cell_id or self._api is None:
            return None
        url = self.cell_mapping(cell_id).transport_url
        return None if url == self._transport_url() else url

    def cells(self, enabled_only: bool = False, fresh: bool = False) -> tuple[Cell, ...]:
        """All cells, cell0 among them."""
        found = tuple(self._mappings(fresh).values())
        return tuple(cell for cell in found if not cell.disabled) if enabled_only else found

    def across_cells(
        self, work: Callable[[sa.Connection, Cell], T], timeout: float = 60.0, cells: Iterable[Cell] | None = None
    ) -> dict[Cell, T | Down]:
        """What `work` returns in each cell, all asked at once; `Down` for a cell that gave no answer within `timeout` seconds.

        `work` gets a reading transaction and the cell. Any other error that it raises is raised here.
        """
        asked = tuple(self.cells() if cells is None else cells)
        databases = {cell: self._database(cell) for cell in asked}
        if len(asked) == 1 or all(database.is_sqlite for database in databases.values()):
            # A file on this machine does not hang, and waiting for it in turn is faster than starting threads.
            return _in_turn(work, databases)
        return _at_once(work, databases, timeout)

    def prepare(self) -> None:
        """Load the drivers, for processes that are forked from this one to share. Connects to nothing."""
        for database in (self._api, self._own):
            if database is not None:
                database.url.get_dialect().import_dbapi()

    def check(self) -> None:
        """Raise ServiceDown unless the API database and this process's own answer and have their tables."""
        for database in (self._api, self._own):
            if database is not None:
                database.check()

    def forget(self) -> None:
        """Read the cell mappings anew when they are next needed."""
        with self._lock:
            self._read_at = None

    def close(self) -> None:
        with self._lock:
            for database in {*self._by_url.values(), *([self._api] if self._api else [])}:
                database.close()

    def _mappings(self, fresh: bool = False) -> dict[str | None, Cell]:
        if self._api is None:
            own = Cell(self._own_cell_id or '', None, self._transport_url() or '', _key(self.own.url))
            return {self._own_cell_id: own}
        now = self._clock()
        if not fresh and self._read_at is not None and now - self._read_at < MAPPING_AGE:
            return self._cells
        templates = self._api.read(cell_store.listing)
        local = self._own.url.render_as_string(hide_password=False) if self._own else None
        found = {
            cell.id: Cell(
                cell.id,
                cell.name,
                fill_template(cell.transport_url, self._transport_url()),
                fill_template(cell.database_connection, local),
                cell.disabled,
            )
            for cell in templates
        }
        with self._lock:
            self._cells, self._read_at = found, now
        return found

    def _database(self, cell: Cell) -> Database:
        key = self._url_key(cell)
        with self._lock:
            if key not in self._by_url:
                self._by_url[key] = self._connect(cell.database_connection)
            return self._by_url[key]

    def _knows(self, key: str) -> bool:
        return any(self._url_key(cell) == key for cell in self._cells.values())

    @staticmethod
    def _url_key(cell: Cell) -> str:
        return _key_of(cell.database_connection)


def _from_group(group: Any, statements: Statements) -> Database | None:
    return Database(group.connection, **_pool_options(group), statements=statements) if group.connection else None


def _pool_options(group: Any) -> dict[str, Any]:
    wanted = {
        'max_pool_size': 'pool_size',
        'max_overflow': 'max_overflow',
        'connection_recycle_time': 'recycle_seconds',
    }
    return {
        argument: value for option, argument in wanted.items() if (value := getattr(group, option, None)) is not None
    }


def _key(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@functools.cache
def _key_of(url: str) -> str:
    return _key(Database(url).url)


def _in_turn(work: Callable[[sa.Connection, Cell], T], databases: dict[Cell, Database]) -> dict[Cell, T | Down]:
    return {cell: _raised(_ask(work, cell, database)) for cell, database in databases.items()}


def _at_once(
    work: Callable[[sa.Connection, Cell], T], databases: dict[Cell, Database], timeout: float
) -> dict[Cell, T | Down]:
    answers: queue.SimpleQueue[tuple[Cell, Any]] = queue.SimpleQueue()
    for cell, database in databases.items():
        # Daemon threads: one that waits for a dead server must not keep the process from ending.
        threading.Thread(
            target=lambda cell=cell, database=database: answers.put((cell, _ask(work, cell, database))),
            name=f'cell-{cell.name}',
            daemon=True,
        ).start()
    found: dict[Cell, Any] = {}
    until = time.monotonic() + timeout
    while len(found) < len(databases):
        try:
            cell, answer = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[cell] = _raised(answer)
    late = f'The cell did not answer within {timeout:g} seconds.'
    return {cell: found.get(cell, Down(cell, late)) for cell in databases}


def _ask(work: Callable[[sa.Connection, Cell], T], cell: Cell, database: Database) -> Any:
    try:
        with database.reading() as tx:
            return work(tx, cell)
    except errors.ServiceDown as failure:
        return Down(cell, str(failure))
    except Exception as failure:
        return failure


def _raised(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer
