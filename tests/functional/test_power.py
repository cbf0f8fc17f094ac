"""Switch servers on and off, hold them, and interrupt what is being done to them."""

import pytest

from nova.domain.lifecycle import Power
from nova.virt.fake.trouble import DELAY, FAIL
from tests.functional.client import act, running


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


def power_of(cloud, server_id):
    return cloud.hosts['h1'].driver.observe(server_id).power


# From where, by which call, to what status and power.
VERBS = (
    ((), 'os-stop', None, 'SHUTOFF', Power.SHUTDOWN),
    (('os-stop',), 'os-start', None, 'ACTIVE', Power.RUNNING),
    ((), 'reboot', {'type': 'SOFT'}, 'ACTIVE', Power.RUNNING),
    ((), 'reboot', {'type': 'HARD'}, 'ACTIVE', Power.RUNNING),
    (('os-stop',), 'reboot', {'type': 'HARD'}, 'ACTIVE', Power.RUNNING),
    ((), 'pause', None, 'PAUSED', Power.PAUSED),
    (('pause',), 'unpause', None, 'ACTIVE', Power.RUNNING),
    (('pause',), 'reboot', {'type': 'HARD'}, 'ACTIVE', Power.RUNNING),
    ((), 'suspend', None, 'SUSPENDED', Power.SHUTDOWN),
    (('suspend',), 'resume', None, 'ACTIVE', Power.RUNNING),
    ((), 'trigger_crash_dump', None, 'ACTIVE', Power.RUNNING),
)


@pytest.mark.parametrize(('before', 'verb', 'arguments', 'status', 'power'), VERBS)
def test_a_verb_leads_where_the_table_says(cloud, before, verb, arguments, status, power):
    api = cloud.api()
    server_id = running(api)
    for name in before:
        act(api, server_id, name)
        api.wait(server_id)
    act(api, server_id, verb, arguments)
    shown = api.wait(server_id)
    assert (shown['status'], shown['OS-EXT-STS:power_state']) == (status, power.value)
    assert power_of(cloud, server_id) is power
    actions = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert actions[0]['message'] is None
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_verb_that_fails_leaves_the_server_as_it_was(cloud):
    api = cloud.api()
    server_id = running(api, metadata={FAIL: 'pause'})
    act(api, server_id, 'pause')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    (paused, *_others) = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert (paused['action'], paused['message']) == ('pause', 'Error')


def test_a_delete_wins_over_what_is_being_done(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(cloud.hosts['h1'].driver, 'stop') as gate:
        act(api, server_id, 'os-stop')
        gate.wait()
        api.delete(f'/servers/{server_id}')
        assert api.server(server_id)['OS-EXT-STS:task_state'] == 'deleting'
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_hard_reboot_interrupts_a_soft_one(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(cloud.hosts['h1'].driver, 'stop') as gate:
        act(api, server_id, 'reboot', {'type': 'SOFT'})
        gate.wait()
        act(api, server_id, 'reboot', {'type': 'HARD'})
        code, message = api.fault('POST', f'/servers/{server_id}/action', {'os-stop': None})
        assert (code, 'in task_state reboot' in message) == (409, True)
    cloud.until(lambda: api.server(server_id)['OS-EXT-STS:task_state'] is None)
    actions = api.get(f'/servers/{server_id}/os-instance-actions', '2.93')['instanceActions']
    assert [one['action'] for one in actions] == ['reboot', 'reboot', 'create']
    assert power_of(cloud, server_id) is Power.RUNNING


def test_of_two_verbs_at_once_one_wins(cloud):
    api = cloud.api()
    server_id = running(api, metadata={DELAY: '0.2'})
    act(api, server_id, 'os-stop')
    code, message = api.fault('POST', f'/servers/{server_id}/action', {'pause': None})
    assert code == 409
    assert message == f"Cannot 'pause' instance {server_id} while it is in task_state powering-off"
    assert api.wait(server_id)['status'] == 'SHUTOFF'
