import os
import threading
import time

import pytest
import sqlalchemy as sa

from nova import errors
from nova.db import migrations
from nova.db.database import Database, GaveWay, beside
from nova.db.engine import Databases
from nova.db.stores import cells
from nova.domain.cell import CELL0_ID, Down
from tests.unit.db.builders import an_id

ONE, TWO = an_id(1), an_id(2)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def databases(api, cell, tmp_path, clock):
    """An API database, cell0, this process's own cell one, and cell two."""
    with api.writing() as tx:
        cells.create(tx, 'cell0', 'none:///', f'sqlite:///{tmp_path}/zero.db', cell_id=CELL0_ID)
        cells.create(tx, 'one', 'rabbit://one', str(cell.url), cell_id=ONE)
        cells.create(tx, 'two', 'rabbit://two', f'sqlite:///{tmp_path}/two.db', disabled=True, cell_id=TWO)
    made = Databases(api, cell, transport_url=lambda: 'rabbit://one', clock=clock)
    yield made
    made.close()


def test_a_cell_has_its_database(databases, cell, tmp_path):
    assert databases.cell(ONE) is cell is databases.own
    assert databases.own_cell_id == ONE
    assert databases.cell(TWO) is databases.cell(TWO)
    assert databases.cell(TWO).url.database == f'{tmp_path}/two.db'
    assert databases.cell0.url.database == f'{tmp_path}/zero.db'


def test_a_cell_has_its_bus(databases):
    assert databases.own_cell_id == ONE
    assert [databases.transport_url(which) for which in (None, ONE, TWO)] == [None, None, 'rabbit://two']


def test_all_cells_or_those_in_use(databases):
    assert [cell.id for cell in databases.cells()] == [CELL0_ID, ONE, TWO]
    assert [cell.id for cell in databases.cells(enabled_only=True)] == [CELL0_ID, ONE]


def test_an_unknown_cell_is_looked_for_at_once_and_a_changed_one_in_time(databases, api, clock):
    databases.cells()
    with pytest.raises(errors.NotFound, match=an_id(3)):
        databases.cell(an_id(3))
    with api.writing() as tx:
        cells.create(tx, 'three', 'rabbit://three', 'sqlite://', cell_id=an_id(3))
        cells.change(tx, TWO, name='new')
    assert databases.cell_mapping(an_id(3)).name == 'three'
    with api.writing() as tx:
        cells.change(tx, TWO, name='newer')
    assert databases.cell_mapping(TWO).name == 'new'
    clock.now += 61
    assert databases.cell_mapping(TWO).name == 'newer'


def test_mappings_are_not_read_for_each_question(databases):
    databases.cells()
    before = databases.statements.value
    for _ in range(5):
        databases.cells()
        databases.cell(TWO)
    assert databases.statements.value == before


def test_a_daemon_in_a_cell_needs_no_api_database(cell):
    databases = Databases(None, cell)
    assert databases.cell('whichever') is cell
    assert [databases.transport_url('whichever'), databases.own_cell_id] == [None, None]
    assert len(databases.cells()) == 1
    databases.check()
    with pytest.raises(errors.ServiceDown, match='api_database'):
        databases.api  # noqa: B018 - asking is what fails


def test_a_daemon_without_a_cell_says_so(api):
    with pytest.raises(errors.ServiceDown, match='connection'):
        Databases(api).own  # noqa: B018 - asking is what fails


def test_templates_in_mappings_are_filled_from_our_own_urls(api, cell):
    with api.writing() as tx:
        cells.create(tx, 'three', 'rabbit://{username}:{password}@far/', 'sqlite:////{path}', cell_id=an_id(3))
    databases = Databases(api, cell, transport_url=lambda: 'rabbit://me:secret@near/')
    mapping = databases.cell_mapping(an_id(3))
    assert mapping.transport_url == 'rabbit://me:secret@far/'
    assert mapping.database_connection == f'sqlite:///{cell.url.database}'


class Remote(Database):
    """A database that is far away: it answers, refuses, or says nothing until it is let go."""

    is_sqlite = False

    def __init__(self, url, manner, gate):
        super().__init__(url)
        self.manner, self.gate = manner, gate

    def reading(self):
        if self.manner == 'silent':
            self.gate.wait(60)
        if self.manner == 'refuses':
            raise errors.ServiceDown('refused')
        return super().reading()


@pytest.mark.parametrize(
    ('manners', 'down'),
    [
        (('answers', 'answers', 'answers'), {}),
        (('answers', 'refuses', 'answers'), {ONE: 'refused'}),
        (('answers', 'answers', 'silent'), {TWO: 'did not answer'}),
        (('refuses', 'refuses', 'refuses'), {CELL0_ID: 'refused', ONE: 'refused', TWO: 'refused'}),
    ],
)
def test_a_cell_that_is_down_is_told_apart(databases, api, manners, down):
    gate = threading.Event()
    waiting = iter(manners)
    far = Databases(api, connect=lambda url: Remote(url, next(waiting), gate))
    try:
        found = far.across_cells(lambda tx, cell: tx.execute(sa.text('SELECT 1')).scalar(), timeout=1)
    finally:
        gate.set()
    assert [cell.id for cell in found] == [CELL0_ID, ONE, TWO]
    for cell, answer in found.items():
        if cell.id in down:
            assert isinstance(answer, Down)
            assert down[cell.id] in answer.reason
        else:
            assert answer == 1


@pytest.mark.parametrize('remote', [True, False])
def test_a_mistake_in_the_question_is_raised(databases, api, remote):
    asked = Databases(api, connect=lambda url: Remote(url, 'answers', None)) if remote else databases

    def mistaken(tx, cell):
        raise errors.Invalid('so not')

    with pytest.raises(errors.Invalid, match='so not'):
        asked.across_cells(mistaken)


def test_check_tells_what_is_missing(databases, tmp_path):
    databases.check()
    without_tables = Databases(databases.api, Database(f'sqlite:///{tmp_path}/fresh.db'))
    with pytest.raises(errors.ServiceDown, match='nova-manage db sync'):
        without_tables.check()


@pytest.mark.parametrize(
    'url', ['mysql://u:p@127.0.0.1:1/d', 'postgresql://u:p@127.0.0.1:1/d', 'sqlite:////proc/nothing/here.db']
)
def test_a_database_that_is_away_is_a_service_that_is_down(url):
    with pytest.raises(errors.ServiceDown):
        Database(url).check()


@pytest.mark.parametrize(
    ('given', 'used'),
    [
        ('mysql://h/d', 'mysql+pymysql://h/d?charset=utf8mb4'),
        ('mysql+pymysql://h/d?charset=utf8', 'mysql+pymysql://h/d?charset=utf8mb4'),
        ('mariadb://h/d', 'mariadb+pymysql://h/d?charset=utf8mb4'),
        ('postgres://h/d', 'postgresql+psycopg://h/d'),
        ('postgresql+psycopg2://h/d', 'postgresql+psycopg://h/d'),
        ('sqlite:////x', 'sqlite:////x'),
    ],
)
def test_urls_of_other_drivers_are_understood(given, used):
    assert str(Database(given).url) == used


@pytest.mark.parametrize(
    ('url', 'expected'),
    [
        ('sqlite:////var/nova.db', 'sqlite:////var/nova_cell0.db'),
        ('sqlite:////var/nova', 'sqlite:////var/nova_cell0'),
        ('mysql+pymysql://u:p@h/nova?x=1', 'mysql+pymysql://u:p@h/nova_cell0?x=1'),
    ],
)
def test_cell0_is_beside_the_main_database(url, expected):
    assert beside(url, '_cell0') == expected


def test_passwords_are_not_shown(cell):
    assert 'secret' not in repr(Database('mysql://u:secret@h/d'))


def test_a_transaction_that_had_to_give_way_is_run_again(cell):
    tries = []

    def work(tx):
        tries.append(None)
        if len(tries) < 3:
            raise GaveWay('busy')
        return len(tries)

    assert cell.write(work) == 3


def test_writers_wait_for_each_other(cell):
    """Both read first; neither is refused when it turns to writing."""
    with cell.writing() as tx:
        tx.exec_driver_sql('CREATE TABLE counter (n INTEGER)')
        tx.exec_driver_sql('INSERT INTO counter VALUES (0)')

    def count():
        for _ in range(20):
            with cell.writing() as tx:
                n = tx.exec_driver_sql('SELECT n FROM counter').scalar()
                time.sleep(0.0005)
                tx.exec_driver_sql('UPDATE counter SET n = ?', (n + 1,))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with cell.reading() as tx:
        assert tx.exec_driver_sql('SELECT n FROM counter').scalar() == 80


def test_a_forked_process_has_connections_of_its_own(cell):
    with cell.reading() as tx:
        tx.exec_driver_sql('SELECT 1')
    parents = cell.engine
    child = os.fork()
    if child == 0:
        with cell.reading() as tx:
            fine = tx.exec_driver_sql('SELECT 1').scalar() == 1 and cell.engine is not parents
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cell.engine is parents


def test_statements_are_counted(cell):
    before = cell.statements.value
    with cell.reading() as tx:
        tx.exec_driver_sql('SELECT 1')
        tx.exec_driver_sql('SELECT 1')
    assert cell.statements.value - before == 2


def test_there_are_two_kinds_of_tables(cell):
    with pytest.raises(ValueError, match='third'):
        migrations.upgrade(cell, 'third')
