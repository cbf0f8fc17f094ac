"""Daemons come and go: hosts are found, known again after a restart, and keep their guests."""

import datetime

import pytest

from nova import errors
from nova.db.stores import services
from nova.domain.lifecycle import Power


def daemons(cloud):
    """What is listed of daemons: (binary, host) and whether they are enabled and up."""
    found = cloud.api('admin').get('/os-services', '2.11')['services']
    return {(one['binary'], one['host']): (one['status'], one['state']) for one in found}


@pytest.mark.every_database
def test_every_daemon_is_listed_once_however_often_it_starts(cloud):
    expected = {('nova-compute', 'h1'), ('nova-compute', 'h2'), ('nova-conductor', 'controller1')}
    before = daemons(cloud)
    assert expected | {('nova-scheduler', 'controller')} == set(before)
    assert set(before.values()) == {('enabled', 'up')}
    cloud.restart_host('h1')
    cloud.stop_scheduler()
    cloud.start_scheduler()
    assert daemons(cloud) == before


@pytest.mark.every_database
def test_a_new_host_is_used_once_it_is_mapped_to_its_cell(make_cloud):
    cloud = make_cloud(host_names=())
    api, admin = cloud.api(), cloud.api('admin')
    before = api.create()
    assert api.wait(before)['status'] == 'ERROR'
    discover, cloud.discover = cloud.discover, lambda: None
    cloud.add_host('h1')
    assert ('nova-compute', 'h1') in daemons(cloud)
    unmapped = api.create()
    assert api.wait(unmapped)['status'] == 'ERROR'
    discover()
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert admin.server(server_id)['OS-EXT-SRV-ATTR:host'] == 'h1'
    hypervisors = admin.get('/os-hypervisors/detail', '2.53')['hypervisors']
    assert [(one['hypervisor_hostname'], one['id']) for one in hypervisors] == [('h1', cloud.node_id('h1'))]


@pytest.mark.every_database
def test_a_restarted_host_has_its_guests(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    host = admin.server(server_id)['OS-EXT-SRV-ATTR:host']
    cloud.restart_host(host)
    assert [guest.id for guest in cloud.hosts[host].driver.list()] == [server_id]
    log = api.post(f'/servers/{server_id}/action', {'os-getConsoleOutput': {}}, status=200)['output']
    assert 'hostname: web' in log
    assert cloud.left()['claims'] == [server_id]
    api.delete(f'/servers/{server_id}')
    assert cloud.left() == {}


def test_what_became_of_guests_while_their_daemon_was_away_is_told(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create()
    assert api.wait(server_id)['OS-EXT-STS:power_state'] == Power.RUNNING.value
    host = admin.server(server_id)['OS-EXT-SRV-ATTR:host']
    cloud.stop_host(host)
    cloud.hosts[host].driver.change_by_itself(server_id, Power.SHUTDOWN)
    cloud.start_host(host)
    cloud.hosts[host].service._guests.compare()
    cloud.until(lambda: admin.server(server_id)['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value)
    assert api.server(server_id)['status'] == 'SHUTOFF'


def test_a_console_of_a_host_that_is_away(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    api = cloud.api()
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    cloud.stop_host('h1')
    code, message = api.fault('POST', f'/servers/{server_id}/action', {'os-getConsoleOutput': {}})
    assert code == 503
    assert message.endswith('.')


def test_a_host_that_is_forgotten_comes_back_with_its_next_sign_of_life(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    with cloud.databases.own.writing() as tx:
        services.remove(tx, services.find(tx, 'h1', 'nova-compute').id)
    assert ('nova-compute', 'h1') not in daemons(cloud)
    cloud.hosts['h1'].reporter.beat()
    cloud.until(lambda: _known(cloud, 'h1'))
    assert daemons(cloud)[('nova-compute', 'h1')] == ('enabled', 'up')


def test_a_host_that_was_not_seen_for_long_gets_no_servers(make_cloud):
    cloud = make_cloud(host_names=('h1', 'h2'))
    admin = cloud.api('admin')
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    with cloud.databases.own.writing() as tx:
        services.alive(tx, 'h1', 'nova-compute', 'compute', at=long_ago)
    cloud.discover()
    assert daemons(cloud)[('nova-compute', 'h1')] == ('enabled', 'down')
    for _number in range(2):
        server_id = cloud.api().create()
        admin.wait(server_id)
        assert admin.server(server_id)['OS-EXT-SRV-ATTR:host'] == 'h2'


def test_a_host_that_is_disabled_gets_no_servers(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    api, admin = cloud.api(), cloud.api('admin')
    service_id = next(one['id'] for one in admin.get('/os-services', '2.53')['services'] if one['host'] == 'h1')
    admin.put(f'/os-services/{service_id}', {'status': 'disabled', 'disabled_reason': 'new fans'}, '2.53')
    cloud.discover()
    refused = api.create()
    assert api.wait(refused)['status'] == 'ERROR'
    assert 'disabled' in admin.server(refused)['fault']['details']
    admin.put(f'/os-services/{service_id}', {'status': 'enabled'}, '2.53')
    cloud.discover()
    assert api.wait(api.create())['status'] == 'ACTIVE'


@pytest.mark.every_database
def test_a_conductor_takes_up_what_all_conductors_left(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    api = cloud.api()
    kept = api.create()
    assert api.wait(kept)['status'] == 'ACTIVE'
    service, _life = cloud.conductors.pop(0)
    service.stop(5)
    made = [api.create() for _number in range(3)]
    api.delete(f'/servers/{kept}')
    assert {api.server(server_id)['status'] for server_id in made} == {'BUILD'}
    cloud.start_conductor()
    assert {api.wait(server_id)['status'] for server_id in made} == {'ACTIVE'}
    assert api.wait(kept) is None
    assert cloud.left()['claims'] == sorted(made)


def _known(cloud, host):
    try:
        return cloud.service_of(host) is not None
    except errors.NotFound:
        return False
