"""What administrators and other services see of, and tell, a whole cloud."""

import dataclasses
import datetime
import uuid

import pytest

from nova.conductor.reconcilers import usage_audits
from nova.db.stores import host_mappings, migrations, servers
from nova.domain.lifecycle import Power
from nova.domain.migration import Migration
from nova.domain.usage_audit import last_period
from tests.functional.cloud import CELL_ID

NEWEST = '2.96'
EVENTS = '/os-server-external-events'


def tell(cloud, name, server_id, tag=None, status=200):
    event = {'name': name, 'server_uuid': server_id} | ({'tag': tag} if tag else {})
    return cloud.api('service').post(EVENTS, {'events': [event]}, NEWEST, status)


def addresses(api, server_id):
    return [address['addr'] for found in api.server(server_id)['addresses'].values() for address in found]


@pytest.fixture
def connected(cloud):
    """A server with two ports."""
    networks = [cloud.network.add_network('demo', label) for label in ('front', 'back')]
    server_id = cloud.api().create(networks=[{'uuid': network.id} for network in networks])
    assert cloud.api().wait(server_id)['status'] == 'ACTIVE'
    return server_id


@pytest.mark.every_database
def test_addresses_follow_the_network_service(cloud, connected):
    api = cloud.api()
    assert addresses(api, connected) == ['10.0.0.3', '10.0.0.3']
    front = next(port for port in cloud.network.ports.values() if port.server_id == connected)
    front.addresses = tuple(dataclasses.replace(ip, address='10.0.0.77') for ip in front.addresses)
    tell(cloud, 'network-changed', connected)
    cloud.until(lambda: addresses(api, connected) == ['10.0.0.77', '10.0.0.3'])
    found = api.get('/servers?ip=10.0.0.77')['servers']
    assert [server['id'] for server in found] == [connected]


def test_a_port_that_was_deleted_is_not_shown_any_more(cloud, connected):
    api = cloud.api()
    front = next(port for port in cloud.network.ports.values() if port.server_id == connected)
    tell(cloud, 'network-vif-deleted', connected, front.id)
    cloud.until(lambda: list(api.server(connected)['addresses']) == ['back'])


def test_addresses_stay_when_the_network_service_does_not_answer(cloud, connected):
    api = cloud.api()
    cloud.away.add('network')
    tell(cloud, 'network-changed', connected)
    cloud.until(lambda: ('conductor', 'external_events', 'cast') in cloud.outside.sent)
    cloud.away.clear()
    assert addresses(api, connected) == ['10.0.0.3', '10.0.0.3']


def test_a_power_update_makes_the_host_look(cloud):
    api = cloud.api()
    server_id = api.create()
    host = cloud.hosts[api.wait(server_id) and cloud.api('admin').server(server_id)['OS-EXT-SRV-ATTR:host']]
    silent, host.driver._listener = host.driver._listener, None
    host.driver.change_by_itself(server_id, Power.SHUTDOWN)
    host.driver._listener = silent
    assert api.server(server_id)['status'] == 'ACTIVE'
    tell(cloud, 'power-update', server_id, 'POWER_OFF')
    cloud.until(lambda: api.server(server_id)['status'] == 'SHUTOFF')


@pytest.mark.every_database
def test_migrations_are_recorded_filtered_and_paged(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    api.wait(server_id)
    began = datetime.datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
    ids = [str(uuid.UUID(int=number)) for number in range(1, 6)]
    with cloud.databases.own.writing() as tx:
        for number, migration_id in enumerate(ids):
            migration = Migration(
                migration_id,
                server_id,
                'live-migration',
                'running',
                source_compute='h1',
                dest_compute='h2',
                old_flavor_id='small',
                new_flavor_id='small',
                user_id='alice',
                project_id='demo',
                created_at=began + datetime.timedelta(seconds=number // 2),
            )
            made = migrations.record(tx, migration)
            assert migrations.record(tx, migration) == made == migrations.get(tx, server_id, made.number)
        migrations.set_progress(tx, ids[0], memory_total=1 << 40, memory_remaining=1)
        migrations.set_status(tx, ids[1], 'completed', dest_node='n2')
        assert migrations.under_way(tx, 'h2')
        assert migrations.find(tx, ids[0]).memory_total == 1 << 40
        running = migrations.of_server(tx, server_id, kinds=('live-migration',), statuses=('running',))
        assert [migration.id for migration in running] == [ids[4], ids[3], ids[2], ids[0]]
    seen, path = [], '/os-migrations?limit=2&host=h2'
    while path:
        page = admin.get(path, NEWEST)
        seen += [entry['uuid'] for entry in page['migrations']]
        path = page['migrations_links'][0]['href'].partition('/v2.1')[2] if 'migrations_links' in page else None
    assert seen == ids[::-1]
    assert len(admin.get('/os-migrations?status=completed&hidden=0', NEWEST)['migrations']) == 1
    assert len(admin.get('/os-migrations?changes-before=2030-01-02T03:04:05.678901Z', NEWEST)['migrations']) == 2
    shown = api.fault('GET', '/os-migrations', version=NEWEST), cloud.api('manager').get('/os-migrations', NEWEST)
    assert (shown[0][0], len(shown[1]['migrations'])) == (403, 5)


@pytest.mark.every_database
def test_usage_is_that_of_living_and_deleted_servers(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    kept, deleted = api.create(), api.create()
    for server_id in (kept, deleted):
        api.wait(server_id)
    api.delete(f'/servers/{deleted}')
    assert api.wait(deleted) is None
    noon = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)
    with cloud.databases.own.writing() as tx:
        servers.change(tx, kept, launched_at=noon)
    usage = admin.get('/os-simple-tenant-usage/demo?start=2020-01-01T00:00:00&end=2020-01-02T00:00:00', NEWEST)
    assert usage['tenant_usage']['total_hours'] == 12
    assert usage['tenant_usage']['total_memory_mb_usage'] == 12 * 128
    ever = admin.get('/os-simple-tenant-usage?start=2020-01-01T00:00:00&end=2100-01-01T00:00:00&detailed=1', NEWEST)
    (project,) = ever['tenant_usages']
    states = {server['instance_id']: server['state'] for server in project['server_usages']}
    assert states == {kept: 'active', deleted: 'terminated'}
    page = admin.get('/os-simple-tenant-usage/demo?start=2020-01-01T00:00:00&end=2100-01-01T00:00:00&limit=1', NEWEST)
    path = page['tenant_usage_links'][0]['href'].partition('/v2.1')[2]
    both = [page, admin.get(path, NEWEST)]
    seen = [server['instance_id'] for one in both for server in one['tenant_usage']['server_usages']]
    assert seen == sorted([kept, deleted])


@pytest.mark.every_database
def test_the_usage_of_each_host_is_audited(cloud):
    admin = cloud.api('admin')
    means = dataclasses.replace(cloud.means, usage_audit_period='month')
    before = admin.get('/os-instance_usage_audit_log')['instance_usage_audit_logs']
    assert (before['num_hosts'], before['hosts_not_run']) == (2, ['h1', 'h2'])
    usage_audits.repair(means)
    usage_audits.repair(means)
    after = admin.get('/os-instance_usage_audit_log')['instance_usage_audit_logs']
    assert after['overall_status'] == 'ALL hosts done. 0 errors.'
    assert set(after['log']) == {'h1', 'h2'}
    beginning, _ending = last_period('month', means.now())
    assert after['period_beginning'] == beginning.strftime('%Y-%m-%d %H:%M:%S')


@pytest.mark.every_database
def test_hypervisors_are_paged_and_searched_with_their_servers(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    name = api.wait(server_id)['name']
    seen, path = [], '/os-hypervisors?limit=1&with_servers=1'
    while path:
        page = admin.get(path, NEWEST)
        seen += page['hypervisors']
        path = page['hypervisors_links'][0]['href'].partition('/v2.1')[2] if 'hypervisors_links' in page else None
    assert len(seen) == 2
    assert [server for entry in seen for server in entry['servers']] == [{'name': name, 'uuid': server_id}]
    assert admin.fault('GET', '/os-hypervisors?hypervisor_hostname_pattern=%25', version=NEWEST)[0] == 404
    node = seen[0]['hypervisor_hostname']
    assert len(admin.get(f'/os-hypervisors?hypervisor_hostname_pattern={node}', NEWEST)['hypervisors']) == 1
    rows = admin.get('/os-hosts/h1', '2.42')['host'] + admin.get('/os-hosts/h2', '2.42')['host']
    assert [row['resource']['memory_mb'] for row in rows if row['resource']['project'] == 'demo'] == [128]


def test_a_host_is_forgotten_once_it_has_no_servers(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    api.wait(server_id)
    host = admin.server(server_id)['OS-EXT-SRV-ATTR:host']
    (service,) = admin.get(f'/os-services?host={host}&binary=nova-compute', NEWEST)['services']
    status, message = admin.fault('DELETE', f'/os-services/{service["id"]}', version=NEWEST)
    assert (status, 'hosting instances' in message) == (409, True)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    cloud.settle()
    cloud.stop_host(host)
    admin.delete(f'/os-services/{service["id"]}', NEWEST)
    assert admin.get(f'/os-services?host={host}', NEWEST)['services'] == []
    assert cloud.node_id(host) not in cloud.placement.providers
    with cloud.databases.api.reading() as tx:
        assert host not in dict(host_mappings.listing(tx, CELL_ID))
