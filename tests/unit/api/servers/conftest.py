"""A fresh small cloud for each test."""

import pytest

from tests.unit.api.servers.world import World, make_template


@pytest.fixture(scope='session')
def template(tmp_path_factory):
    return make_template(tmp_path_factory.mktemp('databases'))


@pytest.fixture
def world(tmp_path, template):
    made = World(tmp_path, template)
    yield made
    made.databases.close()
