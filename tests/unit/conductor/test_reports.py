"""What the conductor keeps of hosts that report themselves."""

import shutil

import pytest

from nova.conductor.service import ConductorService
from nova.context import admin_context
from nova.db import migrations
from nova.db.database import Database
from nova.db.engine import Databases
from nova.db.stores import services
from nova.operations.cloud import Cloud
from tests.unit.api.cloud import report


@pytest.fixture(scope='session')
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp('template') / 'cell.db'
    database = Database(f'sqlite:///{path}')
    migrations.upgrade(database, 'cell')
    database.close()
    return path


@pytest.fixture
def databases(tmp_path, template):
    shutil.copy(template, tmp_path / 'cell.db')
    made = Databases(None, Database(f'sqlite:///{tmp_path}/cell.db'))
    yield made
    made.close()


def conductor(databases, **options):
    return ConductorService(Cloud(databases, None, None, None, None), 'controller', runner=None, **options)


@pytest.mark.parametrize('enabled', [True, False])
def test_a_new_host_may_be_used_at_once_if_the_option_says_so(databases, enabled):
    assert conductor(databases, enable_new_services=enabled).report_host(admin_context(), report()) is enabled


@pytest.mark.parametrize('enabled', [True, False])
def test_a_host_that_is_known_stays_as_it_was_set(databases, enabled):
    conductor(databases).report_host(admin_context(), report())
    with databases.own.writing() as tx:
        services.change(tx, services.find(tx, 'compute', 'nova-compute').uuid, enabled=enabled)
    again = conductor(databases, enable_new_services=not enabled)
    assert again.report_host(admin_context(), report()) is enabled
