"""Open transactions on the API database and on the cells' databases, whichever server holds them."""

import contextlib
import functools
import logging
import os
import random
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors

LOG = logging.getLogger(__name__)

T = TypeVar('T')

BUSY_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT = 5
ANSWER_TIMEOUT = 60
WRITE_ATTEMPTS = 8
# A connection that lay idle for longer is tried before it is used, because the server may have been restarted meanwhile.
IDLE_SECONDS = 2.0

# Deadlock, lock wait timeout, record changed since last read (Galera), serialization failure.
_GAVE_WAY = {1205, 1213, 1020, 3572, '40001', '40P01', '55P03'}
_NO_TABLE = {1146, '42P01'}
# A regular expression that this server does not understand, or gives up on: MariaDB, MySQL, PostgreSQL.
_BAD_PATTERN = {1139, 3685, 3686, 3687, 3688, 3689, 3690, 3691, 3692, 3693, 3694, 3695, 3696, 3697, 3698, 3699, '2201B'}
_DRIVERS = {
    'mysql': 'mysql+pymysql',
    'mysql+mysqldb': 'mysql+pymysql',
    'mariadb': 'mariadb+pymysql',
    'postgres': 'postgresql+psycopg',
    'postgresql': 'postgresql+psycopg',
    'postgresql+psycopg2': 'postgresql+psycopg',
}
_KINDS = ('sqlite', 'mysql', 'mariadb', 'postgresql')


class GaveWay(errors.ServiceDown):
    """The database undid the transaction in favour of another one; the same again is likely to succeed."""


class Statements:
    """Counts the statements that this process has sent."""

    def __init__(self):
        self.value = 0
        self._lock = threading.Lock()

    def inc(self) -> None:
        with self._lock:
            self.value += 1


class Database:
    """One database. `reading` and `writing` give a transaction; `write` repeats one that had to give way to another."""

    def __init__(
        self,
        url: str,
        pool_size: int = 5,
        max_overflow: int = 50,
        recycle_seconds: int = 3600,
        statements: Statements | None = None,
    ):
        self.url = _with_our_driver(url)
        self.statements = statements or Statements()
        self._pool = {'pool_size': pool_size, 'max_overflow': max_overflow, 'pool_recycle': recycle_seconds}
        self._engine: sa.Engine | None = None
        self._writer: sa.Engine | None = None
        self._process: int | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f'Database({self.url.render_as_string(hide_password=True)})'

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == 'sqlite'

    @property
    def engine(self) -> sa.Engine:
        """This process's engine: a forked worker must not use its parent's connections."""
        if self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    if self._engine is not None:
                        self._engine.dispose(close=False)
                    self._engine = self._make_engine()
                    self._writer = self._engine.execution_options(nova_writes=True)
                    self._process = os.getpid()
        return self._engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        with self._answered(), self.engine.begin() as tx:
            yield tx

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that may write; committed at the end of the block, undone if it raises."""
        _made = self.engine
        with self._answered(), self._writer.begin() as tx:
            yield tx

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, in a reading transaction."""
        with self.reading() as tx:
            return work(tx)

    def write(self, work: Callable[[sa.Connection], T], attempts: int = WRITE_ATTEMPTS) -> T:
        """Run `work` in a writing transaction, again if the database let another one win. `work` must bear to be run again."""
        for attempts_left in reversed(range(attempts)):
            try:
                with self.writing() as tx:
                    return work(tx)
            except GaveWay as failure:
                if not attempts_left:
                    raise
                LOG.debug('A transaction on %r had to give way and is tried again: %s', self, failure)
                time.sleep(random.uniform(0.01, 0.05) * (attempts - attempts_left))
        raise AssertionError('unreachable')

    def check(self) -> None:
        """Raise ServiceDown unless the database answers and has been given its tables."""
        with self.reading() as tx:
            if tx.exec_driver_sql('SELECT version_num FROM alembic_version').scalar() is None:
                raise errors.ServiceDown(_without_tables(self.url))

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.dispose(close=self._process == os.getpid())
            self._engine = self._writer = self._process = None

    def _make_engine(self) -> sa.Engine:
        options = {} if self.is_sqlite and not self.url.database else self._pool
        engine = sa.create_engine(
            self.url,
            connect_args=_connect_arguments(self.url),
            # Every transaction is ended by reading() or writing(); another ROLLBACK on return would be a wasted round trip.
            pool_reset_on_return=None,
            query_cache_size=1000,
            **({'isolation_level': 'READ COMMITTED'} if self.url.get_backend_name() in ('mysql', 'mariadb') else {}),
            **options,
        )
        if self.is_sqlite:
            self._make_directory()
            sa.event.listen(engine, 'connect', _configure_sqlite)
            sa.event.listen(engine, 'begin', _begin_sqlite)
        else:
            if self.url.get_backend_name() in ('mysql', 'mariadb'):
                sa.event.listen(engine, 'do_connect', _connect_to_mariadb)
            sa.event.listen(engine.pool, 'checkin', _note_return)
            sa.event.listen(engine.pool, 'checkout', _drop_dead_connection(engine))
        statements = self.statements
        sa.event.listen(engine, 'before_cursor_execute', lambda *_arguments: statements.inc())
        return engine

    def _make_directory(self) -> None:
        try:
            os.makedirs(os.path.dirname(self.url.database or '') or '.', exist_ok=True)
        except OSError as failure:
            raise errors.ServiceDown(f'{_place(self.url)} cannot be made: {failure}') from failure

    @contextlib.contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except (
            sqlalchemy.exc.OperationalError,
            sqlalchemy.exc.InterfaceError,
            sqlalchemy.exc.ProgrammingError,
            sqlalchemy.exc.DataError,
            sqlalchemy.exc.InternalError,
        ) as failure:
            raise _in_our_words(self.url, failure) from failure
        except sqlalchemy.exc.DatabaseError as failure:
            # Its other kinds say what was wrong with a statement; this one that a file is no database, or is damaged.
            if type(failure) is not sqlalchemy.exc.DatabaseError:
                raise
            raise errors.ServiceDown(f'{_place(self.url)} cannot be used: {_said(failure.orig)}') from failure
        except sqlalchemy.exc.TimeoutError as failure:
            raise errors.ServiceDown(f'All connections to {_place(self.url)} are in use; try again later.') from failure


def beside(url: str, suffix: str) -> str:
    """The URL of the database whose name has the suffix: where cell0 is kept unless it is said."""
    parsed = sa.make_url(url)
    name = parsed.database or ''
    stem, dot, extension = name.rpartition('.') if parsed.get_backend_name() == 'sqlite' else (name, '', '')
    renamed = f'{stem}{suffix}{dot}{extension}' if stem else f'{name}{suffix}'
    return parsed.set(database=renamed).render_as_string(hide_password=False)


def refuse_bad_url(url: str) -> None:
    """Raise Invalid unless this can be the URL of a database that we can use."""
    _with_our_driver(url)


def _with_our_driver(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        parsed.get_dialect()
    except (sqlalchemy.exc.ArgumentError, sqlalchemy.exc.NoSuchModuleError) as failure:
        # The URL itself is not repeated: it has a password in it.
        raise errors.Invalid(
            f'This is not the URL of a database, like mysql+pymysql://user:password@host/nova: {failure}'
        ) from failure
    if parsed.get_backend_name() not in _KINDS:
        raise errors.Invalid(f'{parsed.get_backend_name()} is none of the kinds of database: {", ".join(_KINDS)}.')
    if parsed.get_backend_name() in ('mysql', 'mariadb'):
        # An old `charset=utf8` would lose the characters beyond the first plane.
        return parsed.difference_update_query(['charset']).update_query_dict({'charset': 'utf8mb4'})
    return parsed


def _connect_arguments(url: sa.URL) -> dict[str, Any]:
    backend = url.get_backend_name()
    if backend in ('mysql', 'mariadb'):
        return {
            'connect_timeout': CONNECT_TIMEOUT,
            'read_timeout': ANSWER_TIMEOUT,
            'write_timeout': ANSWER_TIMEOUT,
            'sql_mode': 'TRADITIONAL',
        }
    if backend == 'postgresql':
        return {
            'connect_timeout': CONNECT_TIMEOUT,
            'keepalives_idle': 10,
            'keepalives_interval': 5,
            'keepalives_count': 3,
            'tcp_user_timeout': ANSWER_TIMEOUT * 1000,
        }
    return {'timeout': BUSY_TIMEOUT_MS / 1000}


def _connect_to_mariadb(dialect: sa.Dialect, _record: Any, arguments: tuple, options: dict[str, Any]) -> Any:
    return _mariadb_connection(dialect.loaded_dbapi)(*arguments, **options)


@functools.cache
def _mariadb_connection(pymysql: ModuleType) -> type:
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE

    class Connection(pymysql.connections.Connection):
        """Encrypts where the server can, as the driver does; where nothing is to be checked, no certificates are read for it."""

        def _create_ssl_ctx(self, options: Any) -> ssl.SSLContext:
            # Reading all of the system's authorities, at each connection, took 30 ms of processor time.
            return super()._create_ssl_ctx(options) if options else unchecked

    return Connection


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own transactions would begin too late, and as readers; see _begin_sqlite.
    connection.isolation_level = None
    for pragma in ('journal_mode=WAL', 'synchronous=NORMAL', 'foreign_keys=ON', f'busy_timeout={BUSY_TIMEOUT_MS}'):
        connection.execute(f'PRAGMA {pragma}')


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer that begins as a reader can be refused when it turns writer; one that begins as a writer only waits.
    writes = connection.get_execution_options().get('nova_writes')
    connection.connection.dbapi_connection.execute('BEGIN IMMEDIATE' if writes else 'BEGIN')


def _note_return(_connection: Any, record: Any) -> None:
    record.info['returned_at'] = time.monotonic()


def _drop_dead_connection(engine: sa.Engine) -> Callable[..., None]:
    def try_connection(connection: Any, record: Any, _proxy: Any) -> None:
        returned_at = record.info.get('returned_at')
        if returned_at is None or time.monotonic() - returned_at < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
            connection.rollback()
        except engine.dialect.loaded_dbapi.Error as failure:
            raise sqlalchemy.exc.DisconnectionError(str(failure)) from failure

    return try_connection


def _in_our_words(url: sa.URL, failure: sqlalchemy.exc.DBAPIError) -> Exception:
    original = failure.orig
    codes = {getattr(original, 'sqlstate', None), *getattr(original, 'args', ())[:1]}
    text = _said(original)
    if codes & _GAVE_WAY or 'database is locked' in text or 'database table is locked' in text:
        return GaveWay(f'{_place(url)} is busy with other changes: {text}')
    if codes & _BAD_PATTERN:
        return errors.Invalid(f'The database cannot match this regular expression: {text}')
    if isinstance(failure, sqlalchemy.exc.DataError) and 'NUL' in text:
        return errors.Invalid('Texts must not contain null characters.')
    if codes & _NO_TABLE or 'no such table' in text:
        return errors.ServiceDown(_without_tables(url))
    if isinstance(failure, sqlalchemy.exc.ProgrammingError | sqlalchemy.exc.DataError | sqlalchemy.exc.InternalError):
        return failure
    return errors.ServiceDown(f'{_place(url)} does not answer: {text}')


def _said(failure: Any) -> str:
    """What the server or its driver says, in one line and without the number before it."""
    words = failure.args[-1] if getattr(failure, 'args', ()) else failure
    return ' '.join(str(words).split())


def _without_tables(url: sa.URL) -> str:
    return f'{_place(url)} has not got its tables yet; run `nova-manage api_db sync` and `nova-manage db sync`.'


def _place(url: sa.URL) -> str:
    where = f' on {url.host}' if url.host else ''
    return f'The database {url.database}{where}'
