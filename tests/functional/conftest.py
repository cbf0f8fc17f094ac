"""Database servers for the session, and a fresh cloud for each test.

Clouds are on SQLite, those of tests that are marked `every_database` on each kind. `--database` puts all of them on one
kind, or on all.
"""

import contextlib
import shutil

import pytest

from tests.fakes import databases
from tests.functional.client import IMAGE_ID, OTHER_IMAGE_ID
from tests.functional.cloud import Cloud, Urls

PARTS = {'api': 'api', 'cell0': 'cell', 'cell1': 'cell'}


def pytest_configure(config):
    config.addinivalue_line(
        'markers', 'every_database: runs on each kind of database; other tests of a cloud on SQLite'
    )


def pytest_generate_tests(metafunc):
    if 'database_kind' in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker('every_database')
        kinds = databases.chosen(metafunc.config, databases.KINDS if marked else ('sqlite',))
        metafunc.parametrize('database_kind', kinds, scope='session')


@pytest.fixture(scope='session')
def running_servers():
    """Gives a database server of a kind, which is started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        running = {}

        def get(kind):
            if kind not in running:
                running[kind] = stack.enter_context(databases.server(kind))
            return running[kind]

        yield get


@pytest.fixture(scope='session')
def templates(running_servers):
    """Gives the databases of a cloud with all their tables, made once for each kind."""
    made = {}

    def get(kind):
        if kind not in made:
            where = running_servers(kind)
            made[kind] = {name: databases.migrated(where, part) for name, part in PARTS.items()}
        return made[kind]

    yield get
    for parts in made.values():
        for database in parts.values():
            database.close()


@pytest.fixture(scope='session')
def fresh(database_kind, templates):
    """Gives the databases of a cloud without a row: files in a directory, or tables that are emptied."""

    def get(directory):
        parts = templates(database_kind)
        if database_kind == 'sqlite':
            for name, database in parts.items():
                database.close()
                shutil.copy(database.url.database, directory / f'{name}.db')
            return Urls(**{name: f'sqlite:///{directory}/{name}.db' for name in PARTS})
        for name, database in parts.items():
            databases.empty(database, PARTS[name])
        return Urls(**{name: database.url.render_as_string(hide_password=False) for name, database in parts.items()})

    return get


@pytest.fixture
def urls(fresh, tmp_path):
    return fresh(tmp_path)


@pytest.fixture
def make_cloud(urls, tmp_path):
    """Makes a cloud with settings of the test's choice."""
    made = []

    def make(**options):
        made.append(Cloud(urls, tmp_path, **options))
        made[-1].start()
        return made[-1]

    yield make
    for cloud in made:
        cloud.stop()


@pytest.fixture
def cloud(make_cloud):
    return make_cloud()


@pytest.fixture
def cloud_of_images(make_cloud):
    """One with one host, the image that servers are made from, and another one; both with data."""
    made = make_cloud(host_names=('h1',))
    made.glance.add(b'tiny', id=IMAGE_ID, name='tiny')
    made.glance.add(b'other', id=OTHER_IMAGE_ID, name='other')
    return made


@pytest.fixture
def driver(cloud):
    """Of the guests on the cloud's first host."""
    return cloud.hosts['h1'].driver
