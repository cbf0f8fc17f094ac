"""The stores behave alike on SQLite, MariaDB and PostgreSQL: the tests of tests/unit/db, on each of them."""

import threading

import alembic.autogenerate
import alembic.migration
import pytest
import sqlalchemy as sa

from nova import errors
from nova.db import migrations
from nova.db.database import Database, GaveWay
from nova.db.stores import flavors, keypairs, operations, servers
from nova.domain.keypair import KeyPair
from nova.domain.lifecycle import TRANSITIONS
from tests.fakes import databases
from tests.unit.db.builders import NOON, SMALL, a_server, an_id, an_operation, later
from tests.unit.db.test_catalogue import *  # noqa: F403
from tests.unit.db.test_hosts import *  # noqa: F403
from tests.unit.db.test_operations import *  # noqa: F403
from tests.unit.db.test_server_listing import *  # noqa: F403
from tests.unit.db.test_servers import *  # noqa: F403

DELETE = TRANSITIONS['delete']


pytestmark = pytest.mark.every_database


@pytest.fixture(scope='session')
def where(database_kind, running_servers):
    """A server of each kind, for the whole session."""
    return running_servers(database_kind)


@pytest.fixture(scope='session')
def both(where):
    """An API database and a cell's, made once for each server."""
    made = {kind: databases.migrated(where, kind) for kind in ('api', 'cell')}
    yield made
    for database in made.values():
        database.close()


@pytest.fixture
def api(both):
    databases.empty(both['api'], 'api')
    return both['api']


@pytest.fixture
def cell(both):
    databases.empty(both['cell'], 'cell')
    return both['cell']


@pytest.mark.parametrize('kind', migrations.KINDS)
def test_migrations_make_the_declared_tables(where, kind):
    database = Database(where.create('fresh'))
    assert migrations.version(database, kind) is None
    with pytest.raises(errors.ServiceDown, match='nova-manage'):
        database.check()
    assert migrations.upgrade(database, kind) == migrations.head(kind) == migrations.version(database, kind)
    assert migrations.upgrade(database, kind) == migrations.head(kind)
    database.check()
    with database.reading() as tx:
        context = alembic.migration.MigrationContext.configure(
            tx, opts={'compare_type': True, 'target_metadata': databases.TABLES[kind]}
        )
        assert alembic.autogenerate.compare_metadata(context, databases.TABLES[kind]) == []
    database.close()


def test_an_unknown_revision_is_refused(where):
    database = Database(where.create('fresh'))
    with pytest.raises(errors.Invalid, match='nothing'):
        migrations.upgrade(database, 'api', 'nothing')
    database.close()


def at_once(count, work):
    """Run `work(number)` in `count` threads that start together; what each returned, or the error that it raised."""
    barrier, answers = threading.Barrier(count), [None] * count

    def run(number):
        barrier.wait()
        try:
            answers[number] = work(number)
        except Exception as failure:
            answers[number] = failure

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_who_claim_a_server_one_wins(cell):
    with cell.writing() as tx:
        servers.create(tx, a_server())
    answers = at_once(8, lambda n: cell.write(lambda tx: servers.begin(tx, an_id(1), DELETE, an_id(100 + n))))
    assert answers.count(None) == 1
    assert all(answer is None or isinstance(answer, errors.Conflict) for answer in answers)
    with cell.reading() as tx:
        assert servers.get(tx, an_id(1)).operation_id == an_id(100 + answers.index(None))


def test_of_many_conductors_one_gets_an_operation(cell):
    with cell.writing() as tx:
        operations.start(tx, an_operation())
    row = an_operation().id
    answers = at_once(8, lambda n: cell.write(lambda tx: operations.claim(tx, row, f'c{n}', later(60), NOON)))
    (won,) = [answer for answer in answers if answer is not None]
    with cell.reading() as tx:
        assert operations.get(tx, row).owner == won.owner


def test_of_many_who_take_a_name_one_gets_it(api):
    pair = KeyPair('k', 'u', 'key', 'fp')
    answers = at_once(6, lambda n: api.write(lambda tx: keypairs.create(tx, pair)))
    assert sorted(type(answer).__name__ for answer in answers) == ['Conflict'] * 5 + ['KeyPair']


def test_extra_specs_that_are_set_at_once_are_all_kept(api):
    with api.writing() as tx:
        flavors.create(tx, SMALL)
    at_once(6, lambda n: api.write(lambda tx: flavors.set_extra_specs(tx, '1', {f'k{n}': 'v'})))
    with api.reading() as tx:
        assert sorted(flavors.get(tx, '1').extra_specs) == [f'k{n}' for n in range(6)]


def test_transactions_that_block_each_other_both_end(cell):
    """The one that the database sacrifices is run again."""
    with cell.writing() as tx:
        for number in (1, 2):
            servers.create(tx, a_server(number))
    met = threading.Barrier(2)
    tries = []

    def rename(number):
        first, second = (an_id(1), an_id(2)) if number else (an_id(2), an_id(1))

        def work(tx):
            tries.append(number)
            servers.change(tx, first, name=f'n{number}')
            if not cell.is_sqlite and len(tries) <= 2:
                met.wait(20)
            servers.change(tx, second, name=f'n{number}')

        cell.write(work)

    assert at_once(2, rename) == [None, None]
    with cell.reading() as tx:
        assert servers.get(tx, an_id(1)).name == servers.get(tx, an_id(2)).name


def test_what_fails_leaves_nothing(cell):
    with pytest.raises(RuntimeError), cell.writing() as tx:
        servers.create(tx, a_server())
        raise RuntimeError
    with cell.reading() as tx:
        assert servers.find(tx, an_id(1)) is None


def test_a_writer_gives_up_in_the_end(cell):
    def work(tx):
        raise GaveWay('busy')

    with pytest.raises(errors.ServiceDown, match='busy'):
        cell.write(work, attempts=2)


def test_a_lost_connection_is_replaced(cell):
    with cell.reading() as tx:
        tx.exec_driver_sql('SELECT 1')
    if cell.is_sqlite:
        pytest.skip('A file has no connection to lose.')
    # As after a restart of the server: the pool's connections are dead, and have been idle for a while.
    pool = cell.engine.pool
    held = [pool.connect() for _ in range(pool.checkedin())]
    for connection in held:
        _kill(cell, connection)
        connection.close()
    for connection in held:
        assert connection.is_valid is False
    for record in _records(pool):
        record.info['returned_at'] -= 60
    with cell.reading() as tx:
        assert tx.execute(sa.text('SELECT 1')).scalar() == 1


def _kill(cell, connection):
    mysql = cell.engine.dialect.name in ('mysql', 'mariadb')
    cursor = connection.cursor()
    cursor.execute('SELECT connection_id()' if mysql else 'SELECT pg_backend_pid()')
    (number,) = cursor.fetchone()
    connection.rollback()
    other = sa.create_engine(cell.url, isolation_level='AUTOCOMMIT')
    with other.connect() as killer:
        killer.exec_driver_sql(f'KILL {number}' if mysql else f'SELECT pg_terminate_backend({number})')
    other.dispose()


def _records(pool):
    return list(pool._pool.queue)
