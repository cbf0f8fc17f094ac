"""Images of guests that have to be saved meanwhile: they go on, whatever happens."""

import pytest

from nova.domain.lifecycle import Power
from nova.virt.fake.trouble import FAIL
from tests.functional.client import running


@pytest.fixture
def cloud(make_cloud):
    made = make_cloud(host_names=('h1',))
    made.hosts['h1'].driver.live_snapshots = False
    return made


def act(api, server_id, name, arguments=None):
    return api.post(f'/servers/{server_id}/action', {name: arguments}, '2.93')


def power_of(cloud, server_id):
    return cloud.hosts['h1'].driver.observe(server_id).power


@pytest.mark.parametrize(
    ('before', 'status', 'power'),
    [((), 'ACTIVE', Power.RUNNING), (('pause',), 'PAUSED', Power.PAUSED), (('os-stop',), 'SHUTOFF', Power.SHUTDOWN)],
)
def test_a_guest_is_afterwards_as_it_was(cloud, before, status, power):
    api = cloud.api()
    server_id = running(api)
    for verb in before:
        act(api, server_id, verb)
        api.wait(server_id)
    with cloud.paused(cloud.hosts['h1'].driver, '_read_disk') as gate:
        act(api, server_id, 'createImage', {'name': 'copy'})
        gate.wait()
        assert power_of(cloud, server_id) is Power.SHUTDOWN
        gate.open()
    shown = api.wait(server_id)
    assert (shown['status'], shown['OS-EXT-STS:power_state']) == (status, power.value)
    assert power_of(cloud, server_id) is power


@pytest.mark.parametrize('before', [(), ('pause',)])
def test_a_guest_goes_on_after_its_daemon_was_killed(cloud, before):
    api = cloud.api()
    server_id = running(api)
    for verb in before:
        act(api, server_id, verb)
        api.wait(server_id)
    status, power = api.wait(server_id)['status'], power_of(cloud, server_id)
    with cloud.paused(cloud.hosts['h1'].driver, '_read_disk') as gate:
        act(api, server_id, 'createImage', {'name': 'copy'})
        gate.wait()
        gate.turn_away()
    cloud.stop_host('h1')
    assert power_of(cloud, server_id) is Power.SHUTDOWN
    cloud.restart_host('h1')
    assert power_of(cloud, server_id) is power
    assert api.wait(server_id)['status'] == status


def test_a_guest_that_could_not_be_let_go_at_once_is_before_anybody_takes_it_for_stopped(cloud):
    api = cloud.api()
    server_id = running(api)
    driver = cloud.hosts['h1'].driver
    driver._simulation.keep(driver._simulation.get(server_id), power=Power.SHUTDOWN, saved_as='RUNNING')
    cloud.stop_host('h1')
    driver.discard_all_snapshots = lambda: None
    cloud.start_host('h1')
    cloud.until(lambda: power_of(cloud, server_id) is Power.RUNNING)
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_an_image_that_cannot_be_made_leaves_the_guest_running(cloud):
    api = cloud.api()
    server_id = running(api, metadata={FAIL: 'take_snapshot'})
    act(api, server_id, 'createImage', {'name': 'copy'})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert power_of(cloud, server_id) is Power.RUNNING
    assert cloud.hosts['h1'].driver.saved_for_snapshots() == []
