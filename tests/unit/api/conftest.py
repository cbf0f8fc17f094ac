"""A small cloud with flavors, hosts, daemons and key pairs, for each test."""

import pytest

from tests.unit.api.cloud import Cloud
from tests.unit.api.servers.world import make_template


@pytest.fixture(scope='session')
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp('databases'))


@pytest.fixture
def cloud(tmp_path, template):
    made = Cloud(tmp_path, template)
    yield made
    made.databases.close()
