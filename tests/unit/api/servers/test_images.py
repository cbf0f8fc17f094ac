"""Images that are made of servers: what is recorded of them, what is answered, and what is refused."""

import json

import pytest

from nova.db.stores import operations, server_images
from nova.domain.image import Image
from nova.domain.lifecycle import State
from tests import published
from tests.unit.api.servers.world import CELL_ID, IMAGE_ID


def act(world, server, action, body, version='2.96', token='member'):
    return world.request('POST', f'/servers/{server.id}/action', {action: body}, version, token)


def operation_of(world, server):
    with world.databases.cell(CELL_ID).reading() as tx:
        (row,) = operations.of_server(tx, server.id)
    return row


def test_an_image_is_recorded_at_once_with_what_the_servers_image_hands_down(world):
    properties = {
        'hw_disk_bus': 'scsi',
        'os_require_quiesce': 'yes',
        'cache_in_nova': 'True',
        'img_signature': 'abc',
        'os_glance_import_task': 'x',
    }
    server = world.server(image_properties=properties)
    with world.databases.cell(CELL_ID).writing() as tx:
        server_images.create(tx, server.id, Image(IMAGE_ID, min_disk_gb=1, min_memory_mb=64))
    answer = act(world, server, 'createImage', {'name': 'mine', 'metadata': {'colour': 'blue'}})
    assert answer.status_int == 202
    assert world.images.recorded == {
        answer.json['image_id']: {
            'name': 'mine',
            'owner': 'demo',
            'hw_disk_bus': 'scsi',
            'os_require_quiesce': 'yes',
            'colour': 'blue',
            'image_type': 'snapshot',
            'instance_uuid': server.id,
            'user_id': 'alice',
            'base_image_ref': IMAGE_ID,
            'min_disk': 1,
            'min_ram': 64,
        }
    }
    assert operation_of(world, server).parameters['quiesce'] == 'require'


@pytest.mark.parametrize('action', ['createImage', 'createBackup'])
def test_the_answer_names_the_image_as_the_version_has_it(world, action):
    body = {'name': 'x'} | ({'backup_type': 'daily', 'rotation': 2} if action == 'createBackup' else {})
    new = act(world, world.server(1), action, body, '2.45')
    assert (list(new.json), 'Location' in new.headers) == (['image_id'], False)
    old = act(world, world.server(2), action, body, '2.44')
    image_id = list(world.images.recorded)[1]
    assert (old.body, old.headers['Location']) == (b'', f'http://glance.test/images/{image_id}')


@pytest.mark.parametrize(
    ('sample', 'action', 'body'),
    [
        ('servers/v2.45/server-action-create-image-resp.json', 'createImage', {'name': 'x'}),
        (
            'os-create-backup/v2.45/create-backup-resp.json',
            'createBackup',
            {'name': 'x', 'backup_type': 'daily', 'rotation': 1},
        ),
    ],
)
def test_the_answer_is_the_published_one(world, sample, action, body):
    answer = act(world, world.server(), action, body, '2.45')
    assert json.loads((published.DIRECTORY / sample).read_text()).keys() == answer.json.keys()


def test_a_backup_says_of_which_type_it_is(world):
    server = world.server()
    body = {'name': 'x', 'backup_type': 'weekly', 'rotation': '3', 'metadata': {'image_type': 'mine'}}
    image_id = act(world, server, 'createBackup', body).json['image_id']
    recorded = world.images.recorded[image_id]
    assert (recorded['image_type'], recorded['backup_type']) == ('backup', 'weekly')
    assert operation_of(world, server).parameters['rotation'] == 3


def test_a_backup_with_rotation_0_makes_no_image(world):
    server = world.server()
    answer = act(world, server, 'createBackup', {'name': 'x', 'backup_type': 'daily', 'rotation': 0})
    assert (answer.status_int, answer.body, world.images.recorded) == (202, b'', {})
    assert operation_of(world, server).verb == 'create_backup'


def test_a_server_that_is_taken_meanwhile_leaves_no_image(world, monkeypatch):
    server = world.server()
    record = world.images.create

    def slow(*arguments, **options):
        act(world, server, 'os-stop', None)
        return record(*arguments, **options)

    monkeypatch.setattr(world.images, 'create', slow)
    assert act(world, server, 'createImage', {'name': 'x'}).status_int == 409
    assert world.images.recorded == {}


def test_shelving_makes_an_image_of_the_servers_name(world):
    server = world.server(name='web', state=State.PAUSED)
    assert act(world, server, 'shelve', None).status_int == 202
    ((image_id, recorded),) = world.images.recorded.items()
    assert recorded['name'] == 'web-shelved'
    kept = operation_of(world, server).parameters
    assert (kept['image_id'], kept['before']) == (image_id, 'paused')


@pytest.mark.parametrize(
    ('where', 'zone', 'host'),
    [
        (None, 'pinned', None),
        ({'availability_zone': 'nova'}, 'nova', None),
        ({'availability_zone': None}, None, None),
        ({'host': 'compute'}, 'pinned', 'compute'),
        ({'host': 'compute', 'availability_zone': None}, None, 'compute'),
    ],
)
def test_where_a_server_comes_back_to(world, where, zone, host):
    server = world.server(
        state=State.SHELVED_OFFLOADED,
        host=None,
        pinned_availability_zone='pinned',
        system_metadata={'shelved_image_id': 'kept'},
    )
    assert act(world, server, 'unshelve', where, token='admin').status_int == 202
    asked = operation_of(world, server).parameters
    assert (asked.get('zone'), asked.get('wanted_host'), asked['image_id']) == (zone, host, 'kept')


def test_a_password_is_changed_for_the_administrator_that_the_image_names(world):
    for number, (properties, user) in enumerate(
        [({}, 'root'), ({'os_type': 'windows'}, 'Administrator'), ({'os_admin_user': 'ubuntu'}, 'ubuntu')], start=1
    ):
        server = world.server(number, image_properties=properties)
        assert act(world, server, 'changePassword', {'adminPass': 'secret'}).status_int == 202
        assert operation_of(world, server).parameters['user'] == user


def test_a_guest_in_which_nobody_listens_keeps_its_password(world):
    world.bus.no_agent = 'QEMU guest agent is not enabled'
    server = world.server()
    answer = act(world, server, 'changePassword', {'adminPass': 'secret'})
    assert (answer.status_int, answer.json['conflictingRequest']['message']) == (409, world.bus.no_agent)
    with world.databases.cell(CELL_ID).reading() as tx:
        assert operations.of_server(tx, server.id) == []
