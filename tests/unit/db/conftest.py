import pytest

from nova.db.database import Database
from tests.fakes import databases


@pytest.fixture
def api(tmp_path):
    """An API database with its tables and nothing in them."""
    return Database(databases.file('api', tmp_path / 'api.db'))


@pytest.fixture
def cell(tmp_path):
    """A cell's database with its tables and nothing in them."""
    return Database(databases.file('cell', tmp_path / 'cell.db'))
