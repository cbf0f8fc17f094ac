"""The network service behaves alike on MariaDB and PostgreSQL: its tests of API and database, on each of them."""

import pytest
import sqlalchemy as sa

from nova.network.tables import metadata
from tests.fakes import databases
from tests.unit.network.cloud import ALICE, NetworkCloud
from tests.unit.network.test_api import *  # noqa: F403
from tests.unit.network.test_database import *  # noqa: F403
from tests.unit.network.test_floating_ips import *  # noqa: F403


@pytest.fixture(scope='module', params=['mariadb', 'postgresql'])
def made(request):
    """A network service on a server of each kind."""
    with databases.server(request.param) as where:
        cloud = NetworkCloud(where.create('nova_network'))
        yield cloud
        cloud.database.close()


@pytest.fixture
def cloud(made):
    with made.database.writing() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(sa.delete(table))
    made.changes = 0
    return made


@pytest.mark.parametrize('query', ['name=BLUE', 'name=bl%C3%BCe'])
def test_names_are_compared_letter_by_letter(cloud, query):
    cloud.make('network', ALICE, name='blue')
    assert cloud.get(f'networks?{query}')['networks'] == []
