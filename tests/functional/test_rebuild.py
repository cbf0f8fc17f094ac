"""Rebuild servers: what becomes of the disk, of the record, and of both when something fails."""

import base64
import json

import pytest

from nova import errors
from nova.db.stores import operations
from nova.domain.lifecycle import Power
from nova.virt.fake.trouble import FAIL
from tests.fakes.hostile_images import HOSTILE
from tests.fakes.world import failing
from tests.functional.client import IMAGE_ID, last_action, running
from tests.functional.client import OTHER_IMAGE_ID as OTHER

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4 me'


@pytest.fixture
def cloud(cloud_of_images):
    return cloud_of_images


@pytest.fixture
def fetching(driver):
    """A host that asks for images as a real one does."""
    driver._fetch_images = True
    return driver


def rebuild(api, server_id, version='2.96', status=202, **fields):
    return api.post(f'/servers/{server_id}/action', {'rebuild': {'imageRef': OTHER, **fields}}, version, status)


def test_a_server_gets_a_new_disk_and_keeps_all_else(cloud, driver):
    api = cloud.api()
    server_id = running(api, metadata={'old': 'one'})
    driver.write_disk(server_id, 'what its owner wrote')
    before = cloud.left()
    answer = rebuild(api, server_id)['server']
    assert (answer['status'], answer['image']['id']) == ('REBUILD', OTHER)
    shown = api.wait(server_id)
    assert (shown['status'], shown['image']['id'], shown['metadata']) == ('ACTIVE', OTHER, {'old': 'one'})
    assert driver.read_disk(server_id) == f'made from {OTHER}'
    assert cloud.left() == before
    assert last_action(api, server_id) == ('rebuild', None)
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def test_a_stopped_server_is_rebuilt_and_stays_off(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    api.post(f'/servers/{server_id}/action', {'os-stop': None})
    api.wait(server_id)
    rebuild(api, server_id)
    assert api.wait(server_id)['status'] == 'SHUTOFF'
    assert driver.observe(server_id).power is Power.SHUTDOWN
    api.post(f'/servers/{server_id}/action', {'os-start': None})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.booted_from(server_id) == f'made from {OTHER}'


def test_all_that_may_be_changed_is_changed(cloud):
    api = cloud.api()
    api.post('/os-keypairs', {'keypair': {'name': 'mine', 'public_key': KEY, 'type': 'ssh'}}, '2.91', 201)
    server_id = running(api)
    user_data = base64.b64encode(b'#!/bin/sh').decode()
    fields = {
        'name': 'renamed',
        'description': 'anew',
        'hostname': 'new-host',
        'metadata': {'new': 'one'},
        'user_data': user_data,
        'key_name': 'mine',
        'accessIPv4': '1.2.3.4',
        'accessIPv6': 'fe80::1',
        'OS-DCF:diskConfig': 'AUTO',
        'adminPass': 'seekr3t',
    }
    answer = rebuild(api, server_id, **fields)['server']
    assert (answer['adminPass'], answer['key_name'], answer['user_data']) == ('seekr3t', 'mine', user_data)
    shown = api.wait(server_id, '2.96')
    for name in ('name', 'description', 'metadata', 'key_name', 'accessIPv4', 'accessIPv6', 'OS-DCF:diskConfig'):
        assert shown[name] == fields[name], name
    shown = cloud.api('admin').server(server_id, '2.96')
    assert (shown['OS-EXT-SRV-ATTR:hostname'], shown['OS-EXT-SRV-ATTR:user_data']) == ('new-host', user_data)
    rebuild(api, server_id, key_name=None, user_data=None, metadata={}, description=None)
    shown = api.wait(server_id, '2.96')
    assert (shown['key_name'], shown['metadata'], shown['description']) == (None, {}, None)
    assert cloud.api('admin').server(server_id, '2.96')['OS-EXT-SRV-ATTR:user_data'] is None


@pytest.mark.parametrize(
    ('since', 'fields'),
    [
        ('2.19', {'description': 'x'}),
        ('2.54', {'key_name': None}),
        ('2.57', {'user_data': None}),
        ('2.63', {'trusted_image_certificates': None}),
        ('2.90', {'hostname': 'x'}),
    ],
)
def test_what_came_with_a_version_is_refused_before_it(cloud, since, fields):
    api = cloud.api()
    server_id = running(api)
    major, minor = map(int, since.split('.'))
    rebuild(api, server_id, f'{major}.{minor - 1}', 400, **fields)
    rebuild(api, server_id, since, **fields)
    assert api.wait(server_id)['status'] == 'ACTIVE'


def test_what_is_put_into_it_is_forgotten_by_the_journal(cloud):
    api = cloud.api()
    server_id = running(api)
    personality = [{'path': '/etc/motd', 'contents': base64.b64encode(b'hello').decode()}]
    rebuild(api, server_id, '2.56', personality=personality, adminPass='seekr3t')
    assert api.wait(server_id)['status'] == 'ACTIVE'
    with cloud.databases.own.reading() as tx:
        rows = cloud_operations(tx, server_id)
    assert 'seekr3t' not in json.dumps(rows)
    assert personality[0]['contents'] not in json.dumps(rows)


def cloud_operations(tx, server_id):
    return [row.parameters for row in operations.of_server(tx, server_id)]


def test_an_image_that_its_host_cannot_run_leaves_the_server_as_it_was(cloud, driver):
    api = cloud.api()
    cloud.glance.add(b'arm', id=(arm := 'a27c9ea0-9d1b-4f6c-8a36-0d6f6c3f0a11'), hw_architecture='aarch64')
    server_id = running(api)
    before = api.server(server_id)
    api.post(f'/servers/{server_id}/action', {'rebuild': {'imageRef': arm, 'name': 'other'}})
    after = api.wait(server_id)
    assert (after['status'], after['name'], after['image']) == ('ACTIVE', before['name'], before['image'])
    assert driver.observe(server_id).power is Power.RUNNING
    assert last_action(api, server_id) == ('rebuild', 'Error')


def test_a_trait_that_an_image_requires_must_be_there(cloud):
    api = cloud.api()
    wanted = {'trait:CUSTOM_GOLD': 'required'}
    cloud.glance.add(b'gold', id=(gold := 'a27c9ea0-9d1b-4f6c-8a36-0d6f6c3f0a12'), **wanted)
    server_id = running(api)
    body = {'rebuild': {'imageRef': gold}}
    api.post(f'/servers/{server_id}/action', body)
    assert api.wait(server_id)['image']['id'] == IMAGE_ID
    cloud.placement.providers[cloud.node_id('h1')].traits.append('CUSTOM_GOLD')
    api.post(f'/servers/{server_id}/action', body)
    assert api.wait(server_id)['image']['id'] == gold


@pytest.mark.parametrize('method', ['prepare_rebuild', 'replace_disks', 'ensure'])
def test_whichever_part_fails_the_server_can_be_understood_and_healed(cloud, driver, method):
    api = cloud.api()
    server_id = running(api)
    driver.write_disk(server_id, 'what its owner wrote')
    with failing(driver, method, errors.HostFailed('No space left on device')):
        rebuild(api, server_id, name='renamed')
        shown = api.wait(server_id)
    assert last_action(api, server_id) == ('rebuild', 'Error')
    if method == 'prepare_rebuild':
        assert (shown['status'], shown['name'], shown['image']['id']) == ('ACTIVE', 'web', IMAGE_ID)
        assert driver.read_disk(server_id) == 'what its owner wrote'
        rebuild(api, server_id)
    else:
        assert (shown['status'], shown['name'], shown['image']['id']) == ('ERROR', 'renamed', OTHER)
        assert shown['fault']['message'].startswith('The host could not rebuild the server. Rebuild it again, or')
        api.post(f'/servers/{server_id}/action', {'reboot': {'type': 'HARD'}})
    assert api.wait(server_id)['status'] == 'ACTIVE'
    if method != 'replace_disks':
        assert driver.read_disk(server_id) == f'made from {OTHER}'


def test_a_server_in_error_can_be_rebuilt(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    with failing(driver, 'replace_disks', errors.HostFailed('no')):
        rebuild(api, server_id)
        assert api.wait(server_id)['status'] == 'ERROR'
    rebuild(api, server_id)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert driver.read_disk(server_id) == f'made from {OTHER}'


def test_an_image_that_is_gone_in_the_middle_leaves_the_server_as_it_was(cloud, fetching):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(fetching, 'prepare_rebuild') as gate:
        rebuild(api, server_id)
        gate.wait()
        cloud.glance.images.pop(OTHER)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert api.server(server_id)['image']['id'] == IMAGE_ID
    assert last_action(api, server_id) == ('rebuild', 'Error')
    assert files_of(cloud) == 1


def test_glance_that_is_away_is_waited_for_and_the_server_runs_meanwhile(cloud, fetching):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(fetching, 'prepare_rebuild') as gate:
        rebuild(api, server_id)
        gate.wait()
        cloud.glance.away = True
    cloud.until(lambda: postponed(cloud, server_id))
    assert fetching.observe(server_id).power is Power.RUNNING
    assert api.server(server_id)['status'] == 'REBUILD'
    cloud.glance.away = False
    shown = api.wait(server_id)
    assert (shown['status'], shown['image']['id']) == ('ACTIVE', OTHER)


def postponed(cloud, server_id):
    with cloud.databases.own.reading() as tx:
        rows = operations.of_server(tx, server_id)
    return any(step.get('postponed') for row in rows for step in row.steps)


@pytest.mark.parametrize('image', HOSTILE, ids=str)
def test_a_hostile_image_changes_nothing_and_leaves_nothing(cloud, fetching, image):
    api = cloud.api()
    server_id = running(api)
    before = files_of(cloud)
    hostile = cloud.glance.add(image.data, image.disk_format, **image.fields)
    api.post(f'/servers/{server_id}/action', {'rebuild': {'imageRef': hostile}})
    shown = api.wait(server_id)
    assert (shown['status'], shown['image']['id']) == ('ACTIVE', IMAGE_ID)
    assert fetching.observe(server_id).power is Power.RUNNING
    request_id = api.get(f'/servers/{server_id}/os-instance-actions', '2.96')['instanceActions'][0]['request_id']
    action = cloud.api('admin').get(f'/servers/{server_id}/os-instance-actions/{request_id}', '2.96')['instanceAction']
    assert image.says in json.dumps(action)
    assert files_of(cloud) == before


@pytest.mark.parametrize('image', HOSTILE[:6], ids=str)
def test_a_server_made_from_a_hostile_image_says_so_and_leaves_nothing(cloud, fetching, image):
    api = cloud.api()
    hostile = cloud.glance.add(image.data, image.disk_format, **image.fields)
    server_id = api.create(imageRef=hostile)
    shown = api.wait(server_id)
    assert shown['status'] == 'ERROR'
    assert image.says in shown['fault']['message']
    assert files_of(cloud) == 0
    api.delete(f'/servers/{server_id}')
    assert api.wait(server_id) is None
    assert cloud.left() == {}


def files_of(cloud):
    """How many files the host keeps of images, whole or in part."""
    kept = cloud.directory / 'h1' / '_base'
    return sum(path.is_file() for path in kept.glob('*'))


def test_a_delete_wins_over_a_rebuild(cloud, driver):
    api = cloud.api()
    for method in ('prepare_rebuild', 'replace_disks'):
        server_id = running(api)
        with cloud.paused(driver, method) as gate:
            rebuild(api, server_id)
            gate.wait()
            api.delete(f'/servers/{server_id}')
        assert api.wait(server_id) is None
        assert cloud.left() == {}


def test_a_host_whose_daemon_restarts_in_the_middle_leaves_what_can_be_healed(cloud, driver):
    api = cloud.api()
    server_id = running(api)
    with cloud.paused(driver, 'prepare_rebuild') as gate:
        rebuild(api, server_id)
        gate.wait()
        cloud.away.add('h1')
    cloud.restart_host('h1')
    cloud.away.discard('h1')
    if api.wait(server_id)['status'] == 'ERROR':
        api.post(f'/servers/{server_id}/action', {'reboot': {'type': 'HARD'}})
    shown = api.wait(server_id)
    assert shown['status'] == 'ACTIVE'
    rebuild(api, server_id)
    assert api.wait(server_id)['image']['id'] == OTHER
    assert cloud.hosts['h1'].driver.read_disk(server_id) == f'made from {OTHER}'


def test_a_failure_that_the_server_asks_for_is_told_like_any(cloud):
    api = cloud.api()
    server_id = running(api, metadata={FAIL: 'prepare_rebuild'})
    rebuild(api, server_id)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    assert last_action(api, server_id) == ('rebuild', 'Error')
