import dataclasses

import pytest

from nova.db.stores import usage_audits
from nova.domain.usage_audit import DONE, UsageAudit, last_period
from tests.unit.api.cloud import NODE_ID
from tests.unit.api.servers.world import CELL_ID, NOW

PERIOD = last_period('month', NOW)
LOG = '/os-instance_usage_audit_log'


@pytest.fixture
def three(cloud):
    for number, host in enumerate(('compute', 'second', 'third')):
        cloud.host_reports(host=host, node=host, node_id=f'{NODE_ID[:-1]}{number}')
    return cloud


def audited(cloud, *audits):
    with cloud.databases.cell(CELL_ID).writing() as tx:
        usage_audits.begin(tx, [UsageAudit(audit.host, *PERIOD) for audit in audits])
        usage_audits.end(tx, audits)


def done(host, servers, errors=0):
    return UsageAudit(host, *PERIOD, DONE, servers, errors, f'Ran for {host}.')


def test_a_host_is_done_running_or_has_not_run(three):
    audited(three, done('compute', 2, 1), UsageAudit('second', *PERIOD))
    shown = three.get(LOG, token='admin')['instance_usage_audit_logs']
    assert shown == {
        'period_beginning': '2025-12-01 00:00:00',
        'period_ending': '2026-01-01 00:00:00',
        'num_hosts': 3,
        'num_hosts_done': 1,
        'num_hosts_running': 1,
        'num_hosts_not_run': 1,
        'hosts_not_run': ['third'],
        'total_instances': 2,
        'total_errors': 1,
        'overall_status': '1 of 3 hosts done. 1 errors.',
        'log': {
            'compute': {'state': 'DONE', 'instances': 2, 'errors': 1, 'message': 'Ran for compute.'},
            'second': {'state': 'RUNNING', 'instances': 0, 'errors': 0, 'message': ''},
        },
    }


def test_when_all_hosts_are_done_it_says_so(three):
    audited(three, *(done(host, 1) for host in ('compute', 'second', 'third')))
    shown = three.get(f'{LOG}/2026-01-31%2023:59:59', token='admin')['instance_usage_audit_log']
    assert (shown['overall_status'], shown['total_instances']) == ('ALL hosts done. 0 errors.', 3)
    earlier = three.get(f'{LOG}/2025-12-31%2023:59:59.5', token='admin')['instance_usage_audit_log']
    assert (earlier['period_ending'], earlier['num_hosts_not_run']) == ('2025-12-01 00:00:00', 3)


@pytest.mark.parametrize('moment', ['yesterday', '2026-01-31', '0001-01-01%2000:00:00', '2026-01-31T00:00:00'])
def test_a_moment_has_one_form(three, moment):
    status, message = three.fault('GET', f'{LOG}/{moment}', token='admin')
    assert status == 400
    assert message.startswith('Invalid timestamp for date')
    assert three.fault('GET', LOG, token='manager')[0] == 403


def test_an_audit_is_begun_once(three):
    with three.databases.cell(CELL_ID).writing() as tx:
        assert usage_audits.begin(tx, [UsageAudit('compute', *PERIOD)])
        assert not usage_audits.begin(tx, [UsageAudit('second', *PERIOD), UsageAudit('compute', *PERIOD)])
        assert usage_audits.listing(tx, *PERIOD) == [UsageAudit('compute', *PERIOD)]
        assert usage_audits.listing(tx, *last_period('day', NOW)) == []
        usage_audits.end(tx, [dataclasses.replace(done('compute', 1), message='')])
        assert usage_audits.restart(tx, NOW.replace(year=2999)) == 0
