"""Rescue servers, and bring them back: from which disk they run, and what happens when something fails."""

import json

import pytest

from nova import errors
from nova.db.stores import operations
from nova.domain.lifecycle import Power
from tests.fakes.hostile_images import HOSTILE
from tests.fakes.world import failing
from tests.functional.client import IMAGE_ID, last_action, running
from tests.functional.client import OTHER_IMAGE_ID as RESCUE

OWN = f'made from {IMAGE_ID}'


@pytest.fixture
def cloud(cloud_of_images):
    return cloud_of_images


def act(api, server_id, name, arguments=None, status=202, version='2.96'):
    return api.post(f'/servers/{server_id}/action', {name: arguments}, version, status)


def rescue(api, server_id, **fields):
    return act(api, server_id, 'rescue', fields or None, 200)


def rescued(api, **fields):
    server_id = running(api)
    rescue(api, server_id, **fields)
    assert api.wait(server_id)['status'] == 'RESCUE'
    return server_id


def test_a_server_runs_from_the_rescue_image_and_then_from_its_own_disk(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    driver.write_disk(server_id, 'what its owner wrote')
    assert rescue(api, server_id, adminPass='seekr3t', rescue_image_ref=RESCUE) == {'adminPass': 'seekr3t'}
    shown = api.wait(server_id)
    assert (shown['status'], shown['OS-EXT-STS:power_state']) == ('RESCUE', Power.RUNNING.value)
    assert shown['image']['id'] == IMAGE_ID
    assert driver.booted_from(server_id) == f'made from {RESCUE}'
    act(api, server_id, 'unrescue')
    shown = api.wait(server_id)
    assert (shown['status'], shown['OS-EXT-STS:power_state']) == ('ACTIVE', Power.RUNNING.value)
    assert driver.booted_from(server_id) == 'what its owner wrote'
    assert last_action(api, server_id) == ('unrescue', None)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_without_an_image_it_is_a_fresh_copy_of_its_own(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    driver.write_disk(server_id, 'broken')
    assert len(rescue(api, server_id)['adminPass']) == 12
    assert api.wait(server_id)['status'] == 'RESCUE'
    assert driver.booted_from(server_id) == OWN
    assert driver.read_disk(server_id) == 'broken'


def test_a_stopped_server_can_be_rescued(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    act(api, server_id, 'os-stop')
    api.wait(server_id)
    rescue(api, server_id, rescue_image_ref=RESCUE)
    assert api.wait(server_id)['status'] == 'RESCUE'
    assert driver.observe(server_id).power is Power.RUNNING


def test_a_server_in_error_can_be_rescued(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    act(cloud.api('admin'), server_id, 'os-resetState', {'state': 'error'})
    rescue(api, server_id)
    assert api.wait(server_id)['status'] == 'RESCUE'
    act(api, server_id, 'unrescue')
    assert api.wait(server_id)['status'] == 'ACTIVE'


@pytest.mark.parametrize(
    ('verb', 'arguments', 'action'),
    [
        ('reboot', {'type': 'HARD'}, 'reboot'),
        ('os-stop', None, 'stop'),
        ('pause', None, 'pause'),
        ('suspend', None, 'suspend'),
        ('rescue', None, 'rescue'),
        ('rebuild', {'imageRef': IMAGE_ID}, 'rebuild'),
    ],
)
def test_a_rescued_server_refuses_what_would_lose_its_state(cloud, verb, arguments, action):
    api = cloud.api()
    server_id = rescued(api)
    answer = api.fault('POST', f'/servers/{server_id}/action', {verb: arguments}, '2.96')
    assert answer == (409, f"Cannot '{action}' instance {server_id} while it is in vm_state rescued")


def test_a_rescued_server_can_be_deleted(cloud):
    api = cloud.api()
    server_id = rescued(api)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


@pytest.mark.parametrize('stopped', [False, True])
def test_a_rescue_that_fails_leaves_the_server_as_it_was(cloud, driver, stopped):
    api = cloud.api()
    server_id = running(api)
    if stopped:
        act(api, server_id, 'os-stop')
    before = api.wait(server_id)['status']
    with failing(driver, 'rescue', errors.HostFailed('No space left on device')):
        rescue(api, server_id)
        assert api.wait(server_id)['status'] == before
    assert driver.observe(server_id).power is (Power.SHUTDOWN if stopped else Power.RUNNING)
    assert driver.booted_from(server_id) == OWN
    assert last_action(api, server_id) == ('rescue', 'Error')


def test_a_rescue_that_fails_after_its_work_is_undone(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    with failing(driver, 'rescue', errors.HostFailed('The host forgot to say so.'), before=False):
        rescue(api, server_id, rescue_image_ref=RESCUE)
        assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.booted_from(server_id) == OWN
    assert driver.observe(server_id).power is Power.RUNNING


def test_an_unrescue_that_fails_can_be_asked_for_again(cloud, driver):
    api = cloud.api()
    server_id = rescued(api)
    with failing(driver, 'unrescue', errors.HostFailed('no')):
        act(api, server_id, 'unrescue')
        assert api.wait(server_id)['status'] == 'RESCUE'
    act(api, server_id, 'unrescue')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.booted_from(server_id) == OWN


def test_a_delete_wins_over_a_rescue(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(driver, 'rescue') as gate:
        rescue(api, server_id)
        gate.wait()
        api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_daemon_that_restarts_knows_a_rescued_guest(cloud):
    api = cloud.api()
    server_id = rescued(api, rescue_image_ref=RESCUE)
    cloud.restart_host('h1')
    driver = cloud.hosts['h1'].driver
    cloud.hosts['h1'].service._guests.compare()
    assert api.server(server_id)['status'] == 'RESCUE'
    assert driver.booted_from(server_id) == f'made from {RESCUE}'
    act(api, server_id, 'unrescue')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.booted_from(server_id) == OWN


def test_a_rescued_guest_that_ends_is_still_rescued(cloud, driver):
    api = cloud.api()
    server_id = rescued(api)
    driver.change_by_itself(server_id, Power.SHUTDOWN)
    cloud.until(lambda: api.server(server_id)['OS-EXT-STS:power_state'] == Power.SHUTDOWN.value)
    assert api.server(server_id)['status'] == 'RESCUE'
    act(api, server_id, 'unrescue')
    assert api.wait(server_id)['OS-EXT-STS:power_state'] == Power.RUNNING.value


def test_the_password_is_forgotten_by_the_journal(cloud):
    api = cloud.api()
    server_id = rescued(api, adminPass='seekr3t')
    with cloud.databases.own.reading() as tx:
        kept = [row.parameters for row in operations.of_server(tx, server_id)]
    assert 'seekr3t' not in json.dumps(kept)


@pytest.mark.parametrize('image', HOSTILE, ids=str)
def test_a_hostile_rescue_image_changes_nothing_and_leaves_nothing(cloud, driver, image):
    driver._fetch_images = True
    api = cloud.api()
    server_id = running(api)
    hostile = cloud.glance.add(image.data, image.disk_format, **image.fields)
    rescue(api, server_id, rescue_image_ref=hostile)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.observe(server_id).power is Power.RUNNING
    assert driver.booted_from(server_id) == 'tiny'
    request_id = api.get(f'/servers/{server_id}/os-instance-actions', '2.96')['instanceActions'][0]['request_id']
    action = cloud.api('admin').get(f'/servers/{server_id}/os-instance-actions/{request_id}', '2.96')['instanceAction']
    assert image.says in json.dumps(action)
    assert sum(path.is_file() for path in (cloud.directory / 'h1' / '_base').glob('*')) == 1


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'rescue_image_ref': '00000000-0000-4000-8000-00000000dead'}, 'could not be found.'),
        ({'rescue_image_ref': 'inactive'}, 'is not active.'),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_at_once(cloud, fields, message):
    api = cloud.api()
    if fields['rescue_image_ref'] == 'inactive':
        fields = {'rescue_image_ref': cloud.glance.add(b'x', status='deactivated')}
    server_id = running(api)
    code, said = api.fault('POST', f'/servers/{server_id}/action', {'rescue': fields}, '2.96')
    assert (code, said) == (400, f'Image {fields["rescue_image_ref"]} {message}')
