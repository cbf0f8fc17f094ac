"""A server can be deleted at any moment, and then nothing of it is left."""

import contextlib

import pytest

from nova import errors
from nova.conductor.reconcilers.abandoned_guests import ABANDONED_GUESTS

# Where a creation is held: the thing and its method.
CREATING = {
    'while a host is sought': lambda cloud: [(cloud.placement, 'request')],
    'while its ports are made': lambda cloud: [(cloud.network, 'ensure_ports')],
    'while its guest is made': lambda cloud: [(host.driver, 'ensure') for host in cloud.hosts.values()],
}


@pytest.fixture
def one_host(make_cloud):
    cloud = make_cloud(host_names=('h1',))
    cloud.network.add_network('demo')
    return cloud


@contextlib.contextmanager
def held(cloud, place):
    """The gate before which the creation of a server stands."""
    with contextlib.ExitStack() as stack:
        (gate,) = [stack.enter_context(cloud.paused(*where)) for where in place(cloud)]
        yield gate


@pytest.mark.every_database
@pytest.mark.parametrize('moment', CREATING)
def test_a_server_that_is_being_made(one_host, moment):
    api = one_host.api()
    with held(one_host, CREATING[moment]) as gate:
        server_id = api.create(networks='auto')
        gate.wait()
        assert api.server(server_id)['status'] == 'BUILD'
        api.delete(f'/servers/{server_id}')
        assert api.server(server_id)['OS-EXT-STS:task_state'] == 'deleting'
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert api.fault('DELETE', f'/servers/{server_id}')[0] == 404
    assert one_host.left() == {}


def test_a_server_that_nobody_has_begun_to_make(one_host):
    api = one_host.api()
    one_host.away.add('bus')
    one_host.kill_conductor()
    server_id = api.create(networks='auto')
    api.delete(f'/servers/{server_id}')
    one_host.away.clear()
    one_host.start_conductor()
    assert api.wait(server_id) is None
    assert one_host.left() == {}


def test_one_of_several_that_are_being_made(cloud):
    api = cloud.api()
    with cloud.paused(cloud.placement, 'request') as gate:
        api.create(min_count=3)
        gate.wait()
        first, *others = [server['id'] for server in api.get('/servers')['servers']]
        api.delete(f'/servers/{first}')
    assert api.wait(first) is None
    assert {api.wait(server_id)['status'] for server_id in others} == {'ACTIVE'}
    assert cloud.left()['claims'] == sorted(others)


def test_twice(cloud):
    api = cloud.api()
    server_id = api.create()
    assert api.wait(server_id)['status'] == 'ACTIVE'
    with contextlib.ExitStack() as stack:
        for host in cloud.hosts.values():
            stack.enter_context(cloud.paused(host.driver, 'remove'))
        api.delete(f'/servers/{server_id}')
        assert api.server(server_id)['OS-EXT-STS:task_state'] == 'deleting'
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert api.fault('DELETE', f'/servers/{server_id}') == (404, f'Instance {server_id} could not be found.')
    assert cloud.left() == {}


def test_a_server_whose_deletion_failed_can_be_deleted_again(cloud):
    api = cloud.api()
    server_id = api.create(metadata={'fake:fail': 'remove'})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    api.delete(f'/servers/{server_id}')
    cloud.settle()
    assert api.server(server_id)['status'] == 'ERROR'
    assert api.server(server_id)['fault']['code'] == 500
    for host in cloud.hosts.values():
        host.driver.end_trouble()
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


@pytest.mark.every_database
def test_a_server_whose_host_is_down(one_host):
    api = one_host.api()
    server_id = api.create(networks='auto')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    one_host.stop_host('h1')
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert one_host.left() == {'guests': {'h1': [server_id]}, 'noted guests': [server_id]}
    ABANDONED_GUESTS.repair(one_host.means)
    assert one_host.left()['guests'] == {'h1': [server_id]}, 'the host has not been seen since'
    one_host.restart_host('h1')
    ABANDONED_GUESTS.repair(one_host.means)
    assert one_host.left() == {}


def _raise(*_arguments, **_options):
    raise errors.HostFailed('The hypervisor has gone mad.')


@pytest.mark.every_database
def test_a_server_that_can_neither_be_made_nor_undone(one_host, monkeypatch):
    """It shows so, and holds on to what it has, until its host is mended and it is deleted."""
    api = one_host.api()
    driver = one_host.hosts['h1'].driver
    with monkeypatch.context() as broken:
        broken.setattr(driver, 'ensure', _raise)
        broken.setattr(driver, 'remove', _raise)
        server_id = api.create(networks='auto')
        one_host.until(lambda: api.server(server_id)['status'] == 'ERROR')
        shown = api.server(server_id)
        assert shown['OS-EXT-STS:task_state'] is None
        assert shown['fault']['message'] == 'This could not be undone; an operator has to look at it.'
        assert one_host.network.ports, 'what may still be in use is kept'
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert one_host.left() == {}


def _refuse(*_arguments, **_options):
    raise errors.ImageUnacceptable('The image is not what it claims to be.')


@pytest.mark.every_database
def test_a_server_whose_creation_is_being_undone(one_host, monkeypatch):
    api = one_host.api()
    monkeypatch.setattr(one_host.hosts['h1'].driver, 'ensure', _refuse)
    with one_host.paused(one_host.network, 'release_ports') as gate:
        server_id = api.create(networks='auto')
        gate.wait()
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert one_host.left() == {}
