"""A server's way through the whole cloud, as its owner sees it, and what remains of it: nothing."""

import base64
import json

import pytest

from nova.db.stores import mappings, operations
from nova.domain.cell import CELL0_ID
from tests.functional.client import body_of
from tests.functional.cloud import PLENTY

NO_HOST = 'No valid host was found.'


@pytest.mark.every_database
def test_a_server_comes_and_goes(cloud):
    network = cloud.network.add_network('demo')
    api = cloud.api()
    server_id = api.create(networks=[{'uuid': network.id}])
    server = api.wait(server_id)
    assert (server['status'], server['OS-EXT-STS:vm_state'], server['OS-EXT-STS:power_state']) == (
        'ACTIVE',
        'active',
        1,
    )
    assert [address['addr'] for address in server['addresses']['private']] == ['10.0.0.3']
    assert [found['id'] for found in api.get('/servers')['servers']] == [server_id]
    assert [found['status'] for found in api.get('/servers/detail')['servers']] == ['ACTIVE']
    left = cloud.left()
    assert left['claims'] == left['noted guests'] == [server_id]
    assert len(left['ports']) == left['records'] == 1
    assert [server_id] in left['guests'].values()
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert api.get('/servers/detail')['servers'] == []
    assert cloud.left() == {}


def test_nobody_else_sees_it(cloud):
    server_id = cloud.api().create()
    stranger = cloud.api('stranger')
    assert stranger.server(server_id) is None
    assert stranger.fault('DELETE', f'/servers/{server_id}') == (404, f'Instance {server_id} could not be found.')
    assert stranger.get('/servers')['servers'] == []
    assert cloud.api('reader').wait(server_id)['status'] == 'ACTIVE'
    assert cloud.api('reader').fault('DELETE', f'/servers/{server_id}')[0] == 403


@pytest.mark.every_database
def test_several_are_made_together(cloud):
    api = cloud.api()
    answer = api.post('/servers', body_of(min_count=2, max_count=4, return_reservation_id=True), '2.37')
    cloud.settle()
    found = cloud.api('admin').get(f'/servers/detail?all_tenants=1&reservation_id={answer["reservation_id"]}')[
        'servers'
    ]
    assert sorted(server['name'] for server in found) == ['web-1', 'web-2', 'web-3', 'web-4']
    assert {server['status'] for server in found} == {'ACTIVE'}
    for server in found:
        api.delete(f'/servers/{server["id"]}')
    assert cloud.left() == {}


NETWORKS = {
    'no network': (lambda cloud, network: 'none', 0),
    'the only one there is': (lambda cloud, network: 'auto', 1),
    'a network': (lambda cloud, network: [{'uuid': network.id}], 1),
    'two interfaces': (lambda cloud, network: [{'uuid': network.id}, {'uuid': network.id}], 2),
    'an address': (lambda cloud, network: [{'uuid': network.id, 'fixed_ip': '10.0.0.77'}], 1),
    'a port': (lambda cloud, network: [{'port': cloud.network.add_port('demo', network.id)}], 1),
}


@pytest.mark.parametrize('kind_of_request', NETWORKS)
def test_networks(cloud, kind_of_request):
    network = cloud.network.add_network('demo')
    asked, count = NETWORKS[kind_of_request]
    networks = asked(cloud, network)
    kept = set(cloud.network.ports)
    api = cloud.api()
    server_id = api.create(networks=networks)
    server = api.wait(server_id)
    assert server['status'] == 'ACTIVE'
    addresses = [address['addr'] for address in server['addresses'].get('private', [])]
    assert len(set(addresses)) == len(cloud.left().get('ports', [])) == count
    if kind_of_request == 'an address':
        assert addresses == ['10.0.0.77']
    log = api.post(f'/servers/{server_id}/action', {'os-getConsoleOutput': {}}, status=200)['output']
    assert all(address in log for address in addresses)
    api.delete(f'/servers/{server_id}')
    assert cloud.left() == {}
    assert set(cloud.network.ports) == kept, "a port of the user's own stays, ours go"


def test_what_its_owner_gives_it_reaches_the_guest(cloud):
    given = []
    for host in cloud.hosts.values():
        host.driver.ensure = lambda guest, source, files, ensure=host.driver.ensure: (
            given.append(files) or ensure(guest, source, files)
        )
    api = cloud.api()
    key = api.post('/os-keypairs', {'keypair': {'name': 'mine', 'public_key': PUBLIC_KEY}}, status=200)
    user_data = base64.b64encode(b'#!/bin/sh\necho h\xc3\xa9llo\n').decode()
    server_id = api.create(
        name='Wéb 1', key_name='mine', user_data=user_data, metadata={'role': 'wéb'}, config_drive=True
    )
    assert api.wait(server_id)['status'] == 'ACTIVE'
    log = api.post(f'/servers/{server_id}/action', {'os-getConsoleOutput': {}}, status=200)['output']
    assert key['keypair']['public_key'] in log
    assert 'hostname: web-1' in log
    (files,) = given
    assert files['openstack/latest/user_data'] == base64.b64decode(user_data)
    assert json.loads(files['openstack/latest/meta_data.json'])['meta'] == {'role': 'wéb'}


PUBLIC_KEY = (
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO8n'
    'DPHw0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw=='
)


def test_what_is_over_quota_is_refused_whole(make_cloud):
    cloud = make_cloud(quotas=PLENTY | {'instances': 2})
    api = cloud.api()
    api.create(min_count=1, max_count=5)
    cloud.settle()
    assert cloud.left()['records'] == 2
    code, message = api.fault('POST', '/servers', body_of(), '2.37')
    assert (code, message) == (
        403,
        'Quota exceeded for instances: Requested 1, but already used 2 of 2 instances',
    )
    first = api.get('/servers')['servers'][0]['id']
    api.delete(f'/servers/{first}')
    assert api.wait(first) is None
    assert api.wait(api.create())['status'] == 'ACTIVE'


@pytest.mark.every_database
def test_a_server_that_fits_nowhere(cloud):
    api, admin = cloud.api(), cloud.api('admin')
    server_id = api.create(flavorRef='huge')
    shown = api.wait(server_id)
    assert (shown['status'], shown['fault']['message'], shown['fault']['code']) == ('ERROR', NO_HOST, 500)
    assert 'details' not in shown['fault']
    fault = admin.server(server_id)['fault']
    assert fault['message'] == NO_HOST
    assert 'h1' in fault['details']
    assert 'h2' in fault['details']
    with cloud.databases.api.reading() as tx:
        assert mappings.find(tx, server_id).cell_id == CELL0_ID
    assert [found['status'] for found in api.get('/servers/detail')['servers']] == ['ERROR']
    assert cloud.left() == {'counted': 1}
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None


def test_a_host_that_fails_is_left_for_another(cloud):
    admin = cloud.api('admin')
    for failing, good in (('h1', 'h2'), ('h2', 'h1')):
        server_id = cloud.api().create(metadata={'fake:fail': 'ensure', 'fake:fail_on': failing})
        admin.wait(server_id)
        server = admin.server(server_id)
        assert (server['status'], server['OS-EXT-SRV-ATTR:host']) == ('ACTIVE', good)
    with cloud.databases.api.reading() as tx:
        attempts = [operations.of_server(tx, found['id'])[0].attempt for found in _all(admin)]
    assert 2 in attempts, 'no host has failed'
    assert len(cloud.left()['claims']) == 2


def test_a_server_that_is_being_made_shows_how_far_it_is(cloud):
    server_id = cloud.api().create(metadata={'fake:delay': '2'})
    seen = []
    cloud.until(lambda: seen.append(cloud.api().server(server_id)['OS-EXT-STS:task_state']) or seen[-1] == 'spawning')
    assert cloud.api().wait(server_id)['status'] == 'ACTIVE'
    assert set(seen) <= {'scheduling', 'networking', 'spawning'}


def test_a_server_that_fails_everywhere_says_why(cloud):
    server_id = cloud.api().create(metadata={'fake:fail': 'ensure'})
    assert cloud.api().wait(server_id)['fault']['message'] == NO_HOST
    fault = cloud.api('admin').server(server_id)['fault']
    assert 'h1: The guest could not be made there. Guest ' in fault['details']
    assert cloud.left() == {'counted': 1}


def test_what_was_done_to_it_can_be_seen(cloud):
    api = cloud.api()
    server_id = api.create()
    api.wait(server_id)
    api.delete(f'/servers/{server_id}')
    cloud.settle()
    actions = api.get(f'/servers/{server_id}/os-instance-actions', '2.62')['instanceActions']
    assert [action['action'] for action in actions] == ['delete', 'create']
    created = api.get(f'/servers/{server_id}/os-instance-actions/{actions[1]["request_id"]}', '2.62')['instanceAction']
    steps = [event['event'] for event in created['events']]
    assert (steps[0], steps[-1]) == ('reserve_room', 'start_guest')
    assert {event['result'] for event in created['events']} == {'Success'}


def _all(admin):
    return admin.get('/servers/detail?all_tenants=1')['servers']
