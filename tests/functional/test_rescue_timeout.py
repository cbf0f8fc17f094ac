"""Servers that are rescued for too long are unrescued."""

import dataclasses
import datetime

import pytest
import sqlalchemy as sa

from nova.conductor.reconcilers import rescued_servers
from nova.db.tables.operations import cell_operations
from nova.domain.lifecycle import Power
from tests.functional.client import act


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


@pytest.fixture
def api(cloud):
    return cloud.api()


def rescued(api):
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    act(api, server_id, 'rescue', status=200)
    assert api.wait(server_id)['status'] == 'RESCUE'
    return server_id


def age(cloud, seconds):
    """Have all that was done so far been done so long ago."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)
    with cloud.databases.own.writing() as tx:
        tx.execute(sa.update(cell_operations).values(finished_at=then))


def look(cloud, timeout):
    rescued_servers.repair(dataclasses.replace(cloud.means, rescue_timeout=timeout))
    cloud.settle()


@pytest.mark.every_database
@pytest.mark.parametrize(
    ('timeout', 'rescued_for', 'status'),
    [(0, 1000, 'RESCUE'), (100, 50, 'RESCUE'), (100, 150, 'ACTIVE')],
)
def test_a_server_is_rescued_as_long_as_the_option_says(cloud, api, timeout, rescued_for, status):
    server_id = rescued(api)
    age(cloud, rescued_for)
    look(cloud, timeout)
    assert api.wait(server_id)['status'] == status
    assert cloud.hosts['h1'].driver.observe(server_id).power is Power.RUNNING
    look(cloud, timeout)
    assert api.wait(server_id)['status'] == status


def test_only_the_last_rescue_counts(cloud, api):
    server_id = rescued(api)
    act(api, server_id, 'unrescue')
    api.wait(server_id)
    age(cloud, 150)
    act(api, server_id, 'rescue', status=200)
    api.wait(server_id)
    look(cloud, 100)
    assert api.wait(server_id)['status'] == 'RESCUE'


def test_a_locked_server_is_unrescued_too(cloud, api):
    server_id = rescued(api)
    act(api, server_id, 'lock')
    age(cloud, 150)
    look(cloud, 100)
    assert api.wait(server_id)['status'] == 'ACTIVE'
