"""Fresh databases for tests: SQLite files, and private MariaDB and PostgreSQL servers that live as long as the test session."""

import contextlib
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from nova import errors
from nova.db import migrations
from nova.db.database import Database
from nova.db.tables import metadata

START_SECONDS = 120
KINDS = ('sqlite', 'mariadb', 'postgresql')
# What `--database` calls them together.
ALL = 'all'
TABLES = {'api': metadata.api, 'cell': metadata.cell}


class Server:
    """A running database server of one kind; `url(name)` is that of a database on it."""

    def __init__(self, template: str, maintenance: str):
        self._template, self._maintenance = template, maintenance
        self._count = 0

    def url(self, name: str) -> str:
        return self._template.format(name=name)

    def create(self, name: str) -> str:
        """The URL of a new, empty database, which no other has the name of."""
        self._count += 1
        self.create_all(f'{name}_{self._count}')
        return self.url(f'{name}_{self._count}')

    def create_all(self, *names: str) -> None:
        """Make empty databases of these names."""
        engine = sa.create_engine(self.url(self._maintenance), isolation_level='AUTOCOMMIT')
        with engine.connect() as connection:
            for name in names:
                connection.exec_driver_sql(f'CREATE DATABASE {name}')
        engine.dispose()


class Files:
    """What a server is to the others, for SQLite: a directory."""

    def __init__(self, directory: pathlib.Path):
        self._directory = directory
        self._count = 0

    def create(self, name: str) -> str:
        self._count += 1
        return f'sqlite:///{self._directory}/{name}_{self._count}.db'


@contextlib.contextmanager
def server(kind: str, port: int | None = None) -> Iterator[Server | Files]:
    """A server of this kind, of its own; gone with its data at the end. Skips the test if it is not installed.

    With a `port` it can also be reached at that of 127.0.0.1: `prefix(kind, port)` and a name are a database's URL.
    """
    directory = pathlib.Path(tempfile.mkdtemp(prefix='nova-db-'))
    try:
        with {'sqlite': _files, 'mariadb': _mariadb, 'postgresql': _postgresql}[kind](directory, port) as running:
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def prefix(kind: str, port: int) -> str:
    user = {'mariadb': 'mysql+pymysql://root', 'postgresql': 'postgresql+psycopg://postgres'}[kind]
    return f'{user}@127.0.0.1:{port}/'


def migrated(where: Server | Files, kind: str) -> Database:
    """A new database with the tables of its kind (`api` or `cell`)."""
    database = Database(where.create(f'nova_{kind}'))
    migrations.upgrade(database, kind)
    return database


def file(kind: str, path: pathlib.Path) -> str:
    """Write a SQLite file with the tables of its kind (`api` or `cell`) and no rows; its URL."""
    path.write_bytes(_file_with_tables(kind))
    return f'sqlite:///{path}'


def empty(database: Database, kind: str) -> None:
    """Remove all rows, and count from 1 again. Most tables have none, which one question tells."""
    with database.writing() as tx:
        filled = set(tx.scalars(_filled(kind)))
        emptied = [table for table in reversed(TABLES[kind].sorted_tables) if table.name in filled]
        for table in emptied:
            tx.execute(sa.delete(table))
        for table in emptied:
            if table.autoincrement_column is not None:
                _count_from_1(tx, table)


def _count_from_1(tx: sa.Connection, table: sa.Table) -> None:
    if tx.dialect.name == 'postgresql':
        sequence = sa.func.pg_get_serial_sequence(table.name, table.autoincrement_column.name)
        tx.execute(sa.select(sa.func.setval(sequence, 1, False)))
    elif tx.dialect.name in ('mysql', 'mariadb'):
        tx.exec_driver_sql(f'ALTER TABLE {table.name} AUTO_INCREMENT = 1')


def chosen(config: pytest.Config, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds that `--database` asks for; `otherwise` if nothing was said."""
    kind = config.getoption('--database')
    return {None: otherwise, ALL: KINDS}.get(kind, (kind,))


@functools.cache
def _file_with_tables(kind: str) -> bytes:
    """Made once in a process, since a migration takes longer than most tests."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, 'empty.db')
        database = Database(f'sqlite:///{path}')
        migrations.upgrade(database, kind)
        database.close()
        return path.read_bytes()


@functools.cache
def _filled(kind: str) -> sa.CompoundSelect:
    """Asks for the names of the tables that have rows."""
    tables = TABLES[kind].sorted_tables
    return sa.union_all(*(sa.select(sa.literal(table.name)).where(sa.exists().select_from(table)) for table in tables))


@contextlib.contextmanager
def _files(directory: pathlib.Path, _port: int | None) -> Iterator[Files]:
    yield Files(directory)


@contextlib.contextmanager
def _mariadb(directory: pathlib.Path, port: int | None) -> Iterator[Server]:
    install, daemon = _program('mariadb-install-db'), _program('mariadbd')
    data, socket = directory / 'data', directory / 'socket'
    user = ['--user=root'] if os.geteuid() == 0 else []
    subprocess.run(
        [
            install,
            '--no-defaults',
            f'--datadir={data}',
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
            *user,
        ],
        check=True,
        capture_output=True,
    )
    command = [
        daemon,
        '--no-defaults',
        f'--datadir={data}',
        f'--socket={socket}',
        f'--pid-file={directory}/pid',
        *(['--bind-address=127.0.0.1', f'--port={port}'] if port else ['--skip-networking']),
        '--skip-log-bin',
        '--innodb-flush-log-at-trx-commit=0',
        '--innodb-buffer-pool-size=64M',
        *user,
    ]
    address = Server(f'mysql+pymysql://root@localhost/{{name}}?unix_socket={socket}', 'mysql')
    with _running(command, address):
        yield address


@contextlib.contextmanager
def _postgresql(directory: pathlib.Path, port: int | None) -> Iterator[Server]:
    places = [str(path) for path in pathlib.Path('/usr/lib/postgresql').glob('*/bin')]
    initialize, daemon = _program('initdb', *places), _program('postgres', *places)
    data = directory / 'data'
    become = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        become = [_program('setpriv'), '--reuid=postgres', '--regid=postgres', '--init-groups']
        shutil.chown(directory, 'postgres', 'postgres')
    subprocess.run(
        [
            *become,
            initialize,
            '-D',
            str(data),
            '-U',
            'postgres',
            '-A',
            'trust',
            '-E',
            'UTF8',
            '--locale=C.UTF-8',
            '--no-sync',
        ],
        check=True,
        capture_output=True,
        cwd=directory,
    )
    settings = [
        'fsync=off',
        'synchronous_commit=off',
        'full_page_writes=off',
        *(['listen_addresses=127.0.0.1', f'port={port}'] if port else ['listen_addresses=']),
        'shared_buffers=64MB',
    ]
    command = [*become, daemon, '-D', str(data), '-k', str(directory)]
    for setting in settings:
        command += ['-c', setting]
    address = Server(f'postgresql+psycopg://postgres@/{{name}}?host={directory}&port={port or 5432}', 'postgres')
    with _running(command, address):
        yield address


@contextlib.contextmanager
def _running(command: list[str], address: Server) -> Iterator[None]:
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, after the process
    # Should the tests be killed, the server goes with them.
    bound = [_program('setpriv'), '--pdeathsig=TERM'] if shutil.which('setpriv') else []
    # In a chain of setpriv the last one decides, so the one that changes the user has to carry the option.
    if command[0].endswith('setpriv'):
        command, bound = [command[0], '--pdeathsig=INT', *command[1:]], []
    process = subprocess.Popen([*bound, *command], stdout=log, stderr=subprocess.STDOUT, cwd='/')
    try:
        _wait(process, address, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _wait(process: subprocess.Popen, address: Server, log) -> None:
    database = Database(address.url(address._maintenance))
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with database.reading() as tx:
                tx.exec_driver_sql('SELECT 1')
            database.close()
            return
        except errors.ServiceDown:
            if process.poll() is not None or time.monotonic() > until:
                log.seek(0)
                raise RuntimeError(f'The database server did not start: {log.read().decode()}') from None
            time.sleep(0.1)


def _program(name: str, *places: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get('PATH', ''), '/usr/sbin']))
    if found is None:
        pytest.skip(f'{name} is not installed.')
    return found
