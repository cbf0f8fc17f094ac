import shutil

import pytest

from nova.db import migrations
from nova.db.database import Database


@pytest.fixture(scope='session')
def templates(tmp_path_factory):
    """A migrated SQLite file of each kind, to be copied."""
    directory = tmp_path_factory.mktemp('templates')
    for kind in ('api', 'cell'):
        database = Database(f'sqlite:///{directory}/{kind}.db')
        migrations.upgrade(database, kind)
        database.close()
    return directory


@pytest.fixture
def api(templates, tmp_path):
    """An API database with its tables and nothing in them."""
    return _copy(templates, tmp_path, 'api')


@pytest.fixture
def cell(templates, tmp_path):
    """A cell's database with its tables and nothing in them."""
    return _copy(templates, tmp_path, 'cell')


def _copy(templates, directory, kind):
    shutil.copy(templates / f'{kind}.db', directory / f'{kind}.db')
    return Database(f'sqlite:///{directory}/{kind}.db')
