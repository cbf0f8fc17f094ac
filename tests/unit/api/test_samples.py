"""Answers have the form of the published samples, at every version that changed it."""

import re

import pytest

from nova.api import routes
from tests.published import differences, sample
from tests.unit.api.cloud import NODE_ID, PUBLIC_KEY

# Keys that users or operators choose, and swap, which is a number or an empty string.
FREE = frozenset({'extra_specs', 'cpu_info', 'hosts', 'log', 'swap'})
FLAVOR = {'name': 'test_flavor', 'ram': 1024, 'vcpus': 2, 'disk': 10, 'id': '10', 'rxtx_factor': 2.0}
KEY = {'name': 'mine', 'public_key': PUBLIC_KEY}
AGGREGATE = {'name': 'name', 'availability_zone': 'london'}
GROUP = {'name': 'test', 'policies': ['anti-affinity']}
RULED_GROUP = {'name': 'test', 'policy': 'anti-affinity', 'rules': {'max_server_per_host': 3}}
WHICH = {'host': 'compute', 'binary': 'nova-compute'}
OWN = '/os-quota-sets/demo'
SPAN = 'start=2026-01-01T00:00:00&end=2026-01-03T00:00:00&limit=1'

# Sample without its version's folder, the call that answers it, the body sent.
CALLS = {
    'flavors/flavors-list-resp.json': ('GET', '/flavors', None),
    'flavors/flavors-detail-resp.json': ('GET', '/flavors/detail', None),
    'flavors/flavor-get-resp.json': ('GET', '/flavors/1', None),
    'flavor-manage/flavor-create-post-resp.json': ('POST', '/flavors', {'flavor': FLAVOR}),
    'flavor-manage/flavor-update-resp.json': ('PUT', '/flavors/1', {'flavor': {'description': 'updated'}}),
    'flavor-access/flavor-access-list-resp.json': ('GET', '/flavors/secret/os-flavor-access', None),
    'flavor-access/flavor-access-add-tenant-resp.json': (
        'POST',
        '/flavors/secret/action',
        {'addTenantAccess': {'tenant': 'other'}},
    ),
    'flavor-access/flavor-access-remove-tenant-resp.json': (
        'POST',
        '/flavors/secret/action',
        {'removeTenantAccess': {'tenant': 'demo'}},
    ),
    'flavor-extra-specs/flavor-extra-specs-list-resp.json': ('GET', '/flavors/1/os-extra_specs', None),
    'flavor-extra-specs/flavor-extra-specs-create-resp.json': (
        'POST',
        '/flavors/1/os-extra_specs',
        {'extra_specs': {'hw:cpu_policy': 'shared'}},
    ),
    'flavor-extra-specs/flavor-extra-specs-get-resp.json': ('GET', '/flavors/1/os-extra_specs/hw:numa_nodes', None),
    'flavor-extra-specs/flavor-extra-specs-update-resp.json': (
        'PUT',
        '/flavors/1/os-extra_specs/hw:numa_nodes',
        {'hw:numa_nodes': '2'},
    ),
    'os-keypairs/keypairs-list-resp.json': ('GET', '/os-keypairs?limit=1', None),
    'os-keypairs/keypairs-get-resp.json': ('GET', '/os-keypairs/admins', None),
    'os-keypairs/keypairs-import-post-resp.json': ('POST', '/os-keypairs', {'keypair': KEY}),
    'versions/v2-version-get-resp.json': ('GET', '/versions/v2.0', None),
    'versions/v21-version-get-resp.json': ('GET', '/versions/v2.1', None),
    'limits/limit-get-resp.json': ('GET', '/limits', None),
    'os-availability-zone/availability-zone-list-resp.json': ('GET', '/os-availability-zone', None),
    'os-availability-zone/availability-zone-detail-resp.json': ('GET', '/os-availability-zone/detail', None),
    'os-aggregates/aggregates-list-get-resp.json': ('GET', '/os-aggregates', None),
    'os-aggregates/aggregates-get-resp.json': ('GET', '/os-aggregates/1', None),
    'os-aggregates/aggregate-post-resp.json': ('POST', '/os-aggregates', {'aggregate': AGGREGATE}),
    'os-aggregates/aggregate-update-post-resp.json': ('PUT', '/os-aggregates/1', {'aggregate': {'name': 'newname'}}),
    'os-aggregates/aggregates-metadata-post-resp.json': (
        'POST',
        '/os-aggregates/1/action',
        {'set_metadata': {'metadata': {'key': 'value'}}},
    ),
    'os-aggregates/aggregates-add-host-post-resp.json': (
        'POST',
        '/os-aggregates/1/action',
        {'add_host': {'host': 'other'}},
    ),
    'os-aggregates/aggregates-remove-host-post-resp.json': (
        'POST',
        '/os-aggregates/1/action',
        {'remove_host': {'host': 'compute'}},
    ),
    'os-server-groups/server-groups-list-resp.json': ('GET', '/os-server-groups', None),
    'os-server-groups/server-groups-get-resp.json': ('GET', '/os-server-groups/{group}', None),
    'os-server-groups/server-groups-post-resp.json': ('POST', '/os-server-groups', {'server_group': GROUP}),
    'extension-info/extensions-list-resp.json': ('GET', '/extensions', None),
    'extension-info/extensions-get-resp.json': ('GET', '/extensions/os-agents', None),
    'os-hypervisors/hypervisors-list-resp.json': ('GET', '/os-hypervisors?limit=1', None),
    'os-hypervisors/hypervisors-detail-resp.json': ('GET', '/os-hypervisors/detail?limit=1', None),
    'os-hypervisors/hypervisors-show-resp.json': ('GET', '/os-hypervisors/{host}', None),
    'os-hypervisors/hypervisors-statistics-resp.json': ('GET', '/os-hypervisors/statistics', None),
    'os-hypervisors/hypervisors-uptime-resp.json': ('GET', '/os-hypervisors/{host}/uptime', None),
    'os-hypervisors/hypervisors-search-resp.json': ('GET', '/os-hypervisors/fake/search', None),
    'os-hypervisors/hypervisors-with-servers-resp.json': ('GET', '/os-hypervisors/fake/servers', None),
    'os-quota-sets/user-quotas-show-get-resp.json': ('GET', f'{OWN}?user_id=alice', None),
    'os-quota-sets/quotas-show-detail-get-resp.json': ('GET', f'{OWN}/detail', None),
    'os-quota-sets/quotas-show-defaults-get-resp.json': ('GET', f'{OWN}/defaults', None),
    'os-quota-sets/quotas-update-post-resp.json': ('PUT', OWN, {'quota_set': {'cores': 45}}),
    'os-quota-class-sets/quota-classes-show-get-resp.json': ('GET', '/os-quota-class-sets/default', None),
    'os-quota-class-sets/quota-classes-update-post-resp.json': (
        'PUT',
        '/os-quota-class-sets/default',
        {'quota_class_set': {'cores': 50}},
    ),
    'os-services/services-list-get-resp.json': ('GET', '/os-services', None),
    'os-services/service-enable-put-resp.json': ('PUT', '/os-services/{enable}', WHICH),
    'os-services/service-disable-put-resp.json': ('PUT', '/os-services/{disable}', WHICH),
    'os-services/service-disable-log-put-resp.json': (
        'PUT',
        '/os-services/{disable-log-reason}',
        WHICH | {'disabled_reason': 'maintenance'},
    ),
    'os-services/service-force-down-put-resp.json': ('PUT', '/os-services/{force-down}', WHICH | {'forced_down': True}),
    'os-migrations/migrations-get.json': ('GET', '/os-migrations', None),
    'os-hosts/hosts-list-resp.json': ('GET', '/os-hosts', None),
    'os-hosts/host-get-resp.json': ('GET', '/os-hosts/compute', None),
    'os-simple-tenant-usage/simple-tenant-usage-get.json': ('GET', f'/os-simple-tenant-usage?{SPAN}', None),
    'os-simple-tenant-usage/simple-tenant-usage-get-detail.json': (
        'GET',
        f'/os-simple-tenant-usage?{SPAN}&detailed=1',
        None,
    ),
    'os-simple-tenant-usage/simple-tenant-usage-get-specific.json': (
        'GET',
        f'/os-simple-tenant-usage/demo?{SPAN}',
        None,
    ),
    'os-instance-usage-audit-log/inst-usage-audit-log-index-get-resp.json': (
        'GET',
        '/os-instance_usage_audit_log',
        None,
    ),
    'os-instance-usage-audit-log/inst-usage-audit-log-show-get-resp.json': (
        'GET',
        '/os-instance_usage_audit_log/2026-01-02%2003:04:05',
        None,
    ),
    'os-server-external-events/event-create-resp.json': (
        'POST',
        '/os-server-external-events',
        {
            'events': [
                {
                    'name': 'network-changed',
                    'server_uuid': '00000000-0000-4000-8000-000000000001',
                    'status': 'completed',
                    'tag': 'foo',
                }
            ]
        },
    ),
    'os-console-auth-tokens/get-console-connect-info-get-resp.json': (
        'GET',
        '/os-console-auth-tokens/a-token',
        None,
    ),
}
# What the calls above send from 2.53 on.
BY_UUID = {
    'enable': {'status': 'enabled'},
    'disable-log-reason': {'status': 'disabled', 'disabled_reason': 'maintenance'},
    'force-down': {'forced_down': True},
}
SAMPLES = sorted(
    {name for entry in routes.collect() if entry.handler.__module__.count('.') == 3 for name in entry.samples}
)


@pytest.fixture
def full(cloud):
    cloud.host_reports()
    cloud.server()
    cloud.extra_specs()
    cloud.extra_specs('big')
    for flavor_id in ('none', 'secret'):
        cloud.extra_specs(flavor_id)
    cloud.send('POST', '/flavors/secret/action', {'addTenantAccess': {'tenant': 'demo'}}, token='admin', status=200)
    cloud.send('POST', '/os-keypairs', {'keypair': {'name': 'admins', 'public_key': PUBLIC_KEY}}, token='admin')
    return cloud


@pytest.mark.parametrize('name', SAMPLES)
def test_answer_has_the_form_of_its_sample(full, name):
    version, call = _version(name), re.sub(r'/v2\.\d+/', '/', name)
    method, path, body = CALLS[call]
    path, body = _by_version(full, path, body, version)
    if 'zone-detail' in name or 'services-list' in name or 'hosts-list' in name:
        full.daemons()
    if 'aggregate' in name:
        prepare_aggregate(full, name)
    if 'server-groups' in name:
        path, body = prepare_group(full, name, version, path, body)
    if 'os-migrations' in name:
        # The first of the published list is under way at 2.23 only.
        full.migration(status='running' if '2.23' in name else 'error')
    if 'auth-tokens' in name:
        full.console_token('a-token')
    answer = full.send(method, path, body, str(version), token='admin')
    assert differences(answer, sample(name), FREE) == []


def prepare_aggregate(cloud, name):
    if 'aggregate-post' in name:
        return
    empty = 'add-host' in name or 'aggregates-get' in name or 'metadata' in name or 'update' in name
    cloud.zone('london', *(() if empty else ('compute',)))
    if 'remove-host' in name:
        # A host with servers would stay.
        cloud.vacate()
    if 'add-host' in name:
        cloud.map_host('other')


def prepare_group(cloud, name, version, path, body):
    group = RULED_GROUP if version == '2.64' else GROUP
    made = cloud.send('POST', '/os-server-groups', {'server_group': group}, version, token='admin', status=200)
    return path.replace('{group}', made['server_group']['id']), body and {'server_group': group}


def test_every_sample_is_called():
    assert {re.sub(r'/v2\.\d+/', '/', name) for name in SAMPLES} == set(CALLS)


def _version(name):
    found = re.search(r'/v2\.(\d+)/', name)
    return f'2.{found[1]}' if found else '2.1'


def _by_version(cloud, path, body, version):
    old = int(version.partition('.')[2]) < 53
    path = path.replace('{host}', '1' if old else NODE_ID)
    action = re.search(r'\{([a-z-]+)\}', path)
    if not action or action[1] == 'group':
        return path, body
    if old:
        return path.replace(action[0], action[1]), body
    return path.replace(action[0], cloud.service().uuid), BY_UUID[action[1]]
