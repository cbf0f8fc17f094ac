"""Guests change by themselves, hosts and daemons come and go: what servers show then."""

import pytest

from nova.compute.deleted_guests import DeletedGuests
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power
from nova.rpc.conductor import Conductor
from tests.fakes.guests import a_guest
from tests.functional.client import act, running
from tests.functional.reach import Life, Wire


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(host_names=('h1',))


def after(api, *verbs):
    """A server on which these verbs were done."""
    server_id = running(api)
    for verb in verbs:
        act(api, server_id, verb)
        api.wait(server_id)
    return server_id


def driver_of(cloud):
    return cloud.hosts['h1'].driver


def power_of(cloud, server_id):
    return driver_of(cloud).observe(server_id).power


def changed_silently(cloud, server_id, power):
    """The guest changes, and its event is lost."""
    driver = driver_of(cloud)
    listener, driver._listener = driver._listener, None
    driver.change_by_itself(server_id, power)
    driver._listener = listener


def sweep(cloud):
    cloud.hosts['h1'].service._guests.compare()


def shown(api, server_id):
    server = api.server(server_id)
    return server['status'], Power(server['OS-EXT-STS:power_state'])


# What was done to a server, what its guest does then, and what the server shows and its guest is in the end.
CHANGES = (
    ((), Power.SHUTDOWN, 'SHUTOFF', Power.SHUTDOWN),
    ((), Power.CRASHED, 'SHUTOFF', Power.CRASHED),
    ((), Power.PAUSED, 'ACTIVE', Power.PAUSED),
    ((), Power.SUSPENDED, 'SHUTOFF', Power.SHUTDOWN),
    (('pause',), Power.SHUTDOWN, 'SHUTOFF', Power.SHUTDOWN),
    (('pause',), Power.RUNNING, 'PAUSED', Power.RUNNING),
    (('os-stop',), Power.RUNNING, 'SHUTOFF', Power.SHUTDOWN),
    (('os-stop',), Power.PAUSED, 'SHUTOFF', Power.SHUTDOWN),
    (('suspend',), Power.RUNNING, 'SUSPENDED', Power.RUNNING),
)


@pytest.mark.parametrize(('verbs', 'power', 'status', 'left'), CHANGES)
@pytest.mark.parametrize('told', [True, False], ids=['by event', 'by comparison'])
def test_a_guest_that_changes_by_itself(cloud, verbs, power, status, left, told):
    api = cloud.api()
    server_id = after(api, *verbs)
    if told:
        driver_of(cloud).change_by_itself(server_id, power)
    else:
        changed_silently(cloud, server_id, power)
        sweep(cloud)
    cloud.until(lambda: power_of(cloud, server_id) is left and shown(api, server_id) == (status, left))
    assert api.wait(server_id)['status'] == status


def test_a_suspended_server_stays_so_when_it_is_compared(cloud):
    api = cloud.api()
    server_id = after(api, 'suspend')
    sweep(cloud)
    cloud.restart_host('h1')
    sweep(cloud)
    act(api, server_id, 'resume')
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_what_was_told_while_something_was_done_is_told_again(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(driver_of(cloud), 'describe_network') as gate:
        cloud.api('admin').post(f'/servers/{server_id}/action', {'injectNetworkInfo': None}, '2.93')
        gate.wait()
        driver_of(cloud).change_by_itself(server_id, Power.SHUTDOWN)
    cloud.settle()
    assert api.server(server_id)['status'] == 'ACTIVE'
    sweep(cloud)
    cloud.until(lambda: shown(api, server_id) == ('SHUTOFF', Power.SHUTDOWN))


def test_a_guest_that_vanished_shows_no_power(cloud):
    api = cloud.api()
    server_id = running(api)
    driver_of(cloud).change_by_itself(server_id, None)
    cloud.until(lambda: shown(api, server_id) == ('ACTIVE', Power.NOSTATE))
    act(api, server_id, 'reboot', {'type': 'HARD'})
    cloud.settle()
    assert shown(api, server_id) == ('ACTIVE', Power.RUNNING)


def host_reboots(cloud, **options):
    """All guests go down with the host, whose daemon has no chance to tell."""
    driver = driver_of(cloud)
    cloud.stop_host('h1')
    for seen in driver.list():
        driver.change_by_itself(seen.id, Power.SHUTDOWN)
    cloud.start_host('h1', driver, **options)


def test_guests_that_ran_run_again_when_their_host_is_up_again(cloud):
    api = cloud.api()
    ran, stopped, paused = running(api), after(api, 'os-stop'), after(api, 'pause')
    host_reboots(cloud, resume_guests=True)
    cloud.until(lambda: power_of(cloud, ran) is Power.RUNNING)
    cloud.until(lambda: shown(api, paused) == ('SHUTOFF', Power.SHUTDOWN))
    cloud.settle()
    assert shown(api, ran) == ('ACTIVE', Power.RUNNING)
    assert shown(api, stopped) == ('SHUTOFF', Power.SHUTDOWN)
    actions = api.get(f'/servers/{ran}/os-instance-actions', '2.93')['instanceActions']
    assert [one['action'] for one in actions] == ['start', 'create']


def test_without_the_option_they_are_shown_as_stopped(cloud):
    api = cloud.api()
    server_id = running(api)
    host_reboots(cloud)
    cloud.until(lambda: shown(api, server_id) == ('SHUTOFF', Power.SHUTDOWN))


def test_a_guest_that_cannot_be_started_again_shows_why(cloud):
    api = cloud.api()
    server_id = running(api)
    api.post(f'/servers/{server_id}/metadata', {'metadata': {'fake:fail': 'ensure'}}, status=200)
    host_reboots(cloud, resume_guests=True)
    cloud.until(lambda: api.server(server_id)['status'] == 'ERROR')
    assert 'fault' in api.server(server_id)


def test_a_verb_whose_host_dies_in_the_middle_of_it_ends_when_that_is_back(cloud):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(driver_of(cloud), 'stop') as gate:
        act(api, server_id, 'os-stop')
        gate.wait()
        gate.turn_away()
    cloud.restart_host('h1')
    cloud.until(lambda: api.server(server_id)['OS-EXT-STS:task_state'] is None)
    assert (api.server(server_id)['status'] == 'SHUTOFF') == (power_of(cloud, server_id) is Power.SHUTDOWN)
    assert api.server(server_id)['status'] in ('SHUTOFF', 'ACTIVE')


def test_a_verb_on_a_host_that_is_away_for_a_moment_is_done_when_it_is_back(cloud):
    api = cloud.api()
    server_id = running(api)
    cloud.stop_host('h1')
    act(api, server_id, 'os-stop')
    cloud.start_host('h1')
    cloud.until(lambda: api.server(server_id)['OS-EXT-STS:task_state'] is None)
    assert api.server(server_id)['status'] in ('SHUTOFF', 'ACTIVE')
    assert (api.server(server_id)['status'] == 'SHUTOFF') == (power_of(cloud, server_id) is Power.SHUTDOWN)


@pytest.mark.parametrize(
    ('action', 'timeout', 'left'),
    [
        ('noop', 0, Power.RUNNING),
        ('log', 0, Power.RUNNING),
        ('shutdown', 0, Power.SHUTDOWN),
        ('reap', 0, None),
        ('reap', 3600, Power.RUNNING),
    ],
)
def test_what_becomes_of_guests_of_deleted_servers(cloud, action, timeout, left):
    api = cloud.api()
    deleted, kept = running(api), running(api)
    stray = _lost(cloud, a_guest('unknown'))
    api.delete(f'/servers/{deleted}')
    assert api.wait(deleted) is None
    _lost(cloud, a_guest(deleted))
    service = cloud.hosts['h1'].service
    conductor = Wire(cloud.outside, Life()).client(Conductor)
    DeletedGuests(driver_of(cloud), service._guests, conductor, 'h1', action, timeout).look()
    seen = driver_of(cloud).observe(deleted)
    assert (seen and seen.power) is left
    assert power_of(cloud, stray) is power_of(cloud, kept) is Power.RUNNING


def _lost(cloud, guest: Guest):
    """A guest that the control plane does not know of."""
    driver_of(cloud).ensure(guest, lambda _image: '/dev/null', None)
    return guest.id
