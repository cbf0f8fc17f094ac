"""Guests wait until the network service has wired their ports, where agents on the hosts do that."""

import pytest

from nova.domain.lifecycle import Power

EVENTS = '/os-server-external-events'


@pytest.fixture
def cloud(make_cloud, request):
    made = make_cloud(host_names=())
    made.vif_plugging = getattr(request, 'param', (60, True))
    made.network.has_agents = True
    made.add_host('h1')
    made.project_network = made.network.add_network('demo')
    return made


def act(api, server_id, name, arguments=None):
    return api.post(f'/servers/{server_id}/action', {name: arguments}, '2.93')


def port_of(cloud, server_id):
    return next(port.id for port in cloud.network.ports.values() if port.server_id == server_id)


def is_held(cloud, server_id):
    seen = cloud.hosts['h1'].driver.observe(server_id)
    return seen is not None and seen.power is Power.PAUSED


def tell(cloud, server_id, name='network-vif-plugged', **fields):
    port_id = port_of(cloud, server_id)
    if name == 'network-vif-plugged' and fields.get('status') != 'failed':
        cloud.network.wired.add(port_id)
    else:
        cloud.network.wired.discard(port_id)
    event = {'name': name, 'server_uuid': server_id, 'tag': port_id, **fields}
    cloud.api('service').post(EVENTS, {'events': [event]}, '2.93', 200)


def begun(cloud, api):
    """A server whose guest is there, and waits."""
    server_id = api.create(networks=[{'uuid': cloud.project_network.id}])
    cloud.until(lambda: is_held(cloud, server_id))
    return server_id


def running(cloud, api):
    server_id = begun(cloud, api)
    tell(cloud, server_id)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    return server_id


def test_a_new_server_runs_when_its_port_is_wired(cloud):
    api = cloud.api()
    server_id = begun(cloud, api)
    assert api.server(server_id)['status'] == 'BUILD'
    tell(cloud, server_id)
    shown = api.wait(server_id)
    assert (shown['status'], shown['OS-EXT-STS:power_state']) == ('ACTIVE', Power.RUNNING.value)


@pytest.mark.parametrize(
    ('before', 'verb', 'arguments'),
    [
        (('os-stop',), 'os-start', None),
        (('suspend',), 'resume', None),
        (('os-stop',), 'reboot', {'type': 'HARD'}),
    ],
)
def test_a_guest_that_is_started_again_waits_again(cloud, before, verb, arguments):
    api = cloud.api()
    server_id = running(cloud, api)
    for name in before:
        act(api, server_id, name)
        api.wait(server_id)
    tell(cloud, server_id, 'network-vif-unplugged')
    act(api, server_id, verb, arguments)
    cloud.until(lambda: is_held(cloud, server_id))
    tell(cloud, server_id)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert cloud.hosts['h1'].driver.observe(server_id).power is Power.RUNNING


def test_a_port_that_works_is_not_waited_for_whatever_was_told_of_it(cloud):
    api = cloud.api()
    server_id = running(cloud, api)
    act(api, server_id, 'os-stop')
    api.wait(server_id)
    tell(cloud, server_id, 'network-vif-unplugged')
    cloud.network.wired.add(port_of(cloud, server_id))
    act(api, server_id, 'os-start')
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_a_server_whose_port_cannot_be_wired_is_undone(cloud):
    api = cloud.api()
    server_id = begun(cloud, api)
    tell(cloud, server_id, status='failed')
    shown = api.wait(server_id)
    assert shown['status'] == 'ERROR'
    assert shown['fault']['message'] == 'No valid host was found.'
    assert cloud.left() == {'counted': 1}


def test_a_start_that_is_not_wired_leaves_the_server_off_with_the_reason(cloud):
    api = cloud.api()
    server_id = running(cloud, api)
    act(api, server_id, 'os-stop')
    api.wait(server_id)
    tell(cloud, server_id, 'network-vif-unplugged')
    act(api, server_id, 'os-start')
    cloud.until(lambda: is_held(cloud, server_id))
    tell(cloud, server_id, status='failed')
    assert api.wait(server_id)['status'] == 'SHUTOFF'
    assert cloud.hosts['h1'].driver.observe(server_id).power is Power.SHUTDOWN
    (start, *_others) = cloud.api('admin').get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert (start['action'], start['message']) == ('start', 'Error')


@pytest.mark.parametrize('cloud', [(0.2, False)], indirect=True)
def test_where_it_is_not_fatal_a_server_runs_without(cloud):
    api = cloud.api()
    server_id = api.create(networks=[{'uuid': cloud.project_network.id}])
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_a_delete_does_not_wait_for_the_port(cloud):
    api = cloud.api()
    server_id = begun(cloud, api)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_delete_ends_the_wait_of_another_verb(cloud):
    api = cloud.api()
    server_id = running(cloud, api)
    act(api, server_id, 'os-stop')
    api.wait(server_id)
    tell(cloud, server_id, 'network-vif-unplugged')
    act(api, server_id, 'os-start')
    cloud.until(lambda: is_held(cloud, server_id))
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_what_was_told_while_the_daemon_was_away_is_not_waited_for_again(cloud):
    """The daemon is back before the conductor has lost its patience, however slow the machine is."""
    cloud.pauses = (3.0,)
    cloud.start_conductor()
    cloud.kill_conductor()
    api = cloud.api()
    server_id = begun(cloud, api)
    cloud.stop_host('h1')
    assert is_held(cloud, server_id)
    tell(cloud, server_id)
    cloud.start_host('h1')
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_a_conductor_that_takes_over_waits_on(cloud):
    api = cloud.api()
    server_id = begun(cloud, api)
    cloud.start_conductor()
    cloud.kill_conductor()
    tell(cloud, server_id)
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_ports_that_our_own_network_service_wires_are_not_waited_for(cloud):
    cloud.network.has_agents = False
    api = cloud.api()
    server_id = api.create(networks=[{'uuid': cloud.project_network.id}])
    assert api.wait(server_id)['status'] == 'ACTIVE'
