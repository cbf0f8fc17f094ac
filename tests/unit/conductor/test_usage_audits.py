import dataclasses
import datetime
from types import SimpleNamespace

import pytest

from nova.conductor.reconcilers import usage_audits as reconciler
from nova.db.database import Database
from nova.db.stores import hosts, servers, usage_audits
from nova.domain.cell import CELL0_ID, Cell
from nova.domain.lifecycle import State
from nova.domain.usage_audit import RUNNING, UsageAudit, last_period
from nova.rpc.notifier import Notifier
from tests.fakes import databases
from tests.unit.db.builders import NOON, a_report, a_server

PERIOD = last_period('month', NOON)


@dataclasses.dataclass
class OneCell:
    database: object

    def cells(self):
        return Cell(CELL0_ID, 'cell0', 'none:///', ''), Cell('one', 'cell1', '', '')

    def cell(self, cell_id):
        assert cell_id == 'one'
        return self.database


@pytest.fixture
def cell(tmp_path):
    made = Database(databases.file('cell', tmp_path / 'cell.db'))
    yield made
    made.close()


@pytest.fixture
def cloud(cell):
    with cell.writing() as tx:
        for host in ('h1', 'h2'):
            hosts.report(tx, a_report(host), NOON)
        hosts.report(tx, a_report('silent'), NOON - datetime.timedelta(minutes=2))
    told = []
    notifier = Notifier(told.append)
    made = SimpleNamespace(
        databases=OneCell(cell),
        now=lambda: NOON,
        usage_audit_period='month',
        notifier=notifier,
        service_down_time=60,
    )
    made.told = told
    return made


def audits(cloud):
    with cloud.databases.database.reading() as tx:
        return {audit.host: audit for audit in usage_audits.listing(tx, *PERIOD)}


def test_hosts_that_live_are_counted_once_a_period(cloud):
    beginning, ending = PERIOD
    day = datetime.timedelta(days=1)
    with cloud.databases.database.writing() as tx:
        servers.create(tx, a_server(1, host='h1', launched_at=beginning - day))
        gone = {'state': State.DELETED, 'terminated_at': beginning + day}
        servers.create(tx, a_server(2, host='h1', launched_at=beginning - day, **gone))
        servers.create(tx, a_server(3, host='h1', launched_at=ending + day))
        servers.create(tx, a_server(4, host='h2', launched_at=None))
    reconciler.repair(cloud)
    found = audits(cloud)
    assert {host: (audit.state, audit.servers) for host, audit in found.items()} == {
        'h1': ('DONE', 2),
        'h2': ('DONE', 0),
    }
    assert found['h1'].message.startswith('Instance usage audit ran for host h1, 2 instances in ')
    reconciler.repair(cloud)
    assert audits(cloud) == found


def test_the_world_is_told_of_each_server_that_there_was(cloud):
    beginning, ending = PERIOD
    with cloud.databases.database.writing() as tx:
        servers.create(tx, a_server(1, host='h1', launched_at=beginning))
        servers.create(tx, a_server(2, host='h2', launched_at=ending))
    reconciler.repair(cloud)
    reconciler.repair(cloud)
    assert cloud.notifier.flush(30)
    (told,) = cloud.told
    assert (told.event_type, told.publisher_id) == ('instance.exists', 'nova-compute:h1')
    assert told.payload['nova_object.data']['audit_period']['nova_object.data'] == {
        'audit_period_beginning': f'{beginning:%Y-%m-%dT%H:%M:%SZ}',
        'audit_period_ending': f'{ending:%Y-%m-%dT%H:%M:%SZ}',
    }


def test_a_run_that_another_conductor_has_begun_is_left_to_it(cloud):
    with cloud.databases.database.writing() as tx:
        usage_audits.begin(tx, [UsageAudit('h1', *PERIOD)])
    reconciler.repair(cloud)
    assert audits(cloud)['h1'].state == RUNNING
    assert audits(cloud)['h2'].state == 'DONE'


def test_a_run_whose_conductor_died_is_made_again(cloud):
    with cloud.databases.database.writing() as tx:
        usage_audits.begin(tx, [UsageAudit('h1', *PERIOD), UsageAudit('h2', *PERIOD)])
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    with cloud.databases.database.writing() as tx:
        assert usage_audits.restart(tx, later) == 2
    reconciler.repair(cloud)
    assert {audit.state for audit in audits(cloud).values()} == {'DONE'}


def test_nothing_is_counted_unless_an_operator_wants_it(cloud):
    cloud.usage_audit_period = None
    reconciler.repair(cloud)
    assert audits(cloud) == {}


@pytest.mark.parametrize(('down_time', 'counted'), [(119, False), (120, True), (3600, True)])
def test_a_host_lives_as_long_as_the_option_says(cloud, down_time, counted):
    cloud.service_down_time = down_time
    reconciler.repair(cloud)
    with cloud.databases.database.reading() as tx:
        hosts_counted = {audit.host for audit in usage_audits.listing(tx, *PERIOD)}
    assert ('silent' in hosts_counted) == counted
