"""What the conductor keeps of hosts that report themselves."""

import pytest

from nova.conductor.service import ConductorService
from nova.context import admin_context
from nova.db.database import Database
from nova.db.engine import Databases
from nova.db.stores import services
from nova.operations.cloud import Cloud
from tests.fakes.databases import file
from tests.unit.api.cloud import report


@pytest.fixture
def databases(tmp_path):
    made = Databases(None, Database(file('cell', tmp_path / 'cell.db')))
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


def service_of(databases):
    with databases.own.reading() as tx:
        return services.find(tx, 'compute', 'nova-compute')


def test_a_host_in_trouble_is_disabled_until_it_is_well_again(databases):
    made = conductor(databases)
    made.report_host(admin_context(), report())
    assert made.report_host(admin_context(), report(trouble='libvirt cannot be reached.')) is False
    assert service_of(databases).disabled_reason == 'AUTO: libvirt cannot be reached.'
    assert made.report_host(admin_context(), report(trouble='Another trouble. ' * 50)) is False
    assert made.report_host(admin_context(), report()) is True
    assert service_of(databases).disabled_reason is None


def test_a_trouble_of_many_words_is_cut_to_what_a_reason_may_have(databases):
    conductor(databases).report_host(admin_context(), report(trouble='words ' * 100))
    assert len(service_of(databases).disabled_reason) == 255


@pytest.mark.parametrize('reason', ['Maintenance', None])
def test_what_an_administrator_disabled_stays_so_after_a_trouble(databases, reason):
    made = conductor(databases)
    made.report_host(admin_context(), report())
    with databases.own.writing() as tx:
        services.change(tx, service_of(databases).uuid, enabled=False, disabled_reason=reason)
    for trouble in ('libvirt cannot be reached.', None):
        assert made.report_host(admin_context(), report(trouble=trouble)) is False
        assert service_of(databases).disabled_reason == reason
