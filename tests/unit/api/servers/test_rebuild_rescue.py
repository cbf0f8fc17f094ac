"""What rebuild and rescue refuse at once, and what their operations are told."""

import dataclasses

import pytest

from nova.db.stores import operations
from nova.domain.image import Image
from nova.operations.registry import load
from tests.unit.api.servers.world import CELL_ID, GB, IMAGE_ID

OTHER = '155d900f-4e14-4e4c-a73d-069cbf4541e6'


@pytest.fixture
def act(world):
    """Send an action to a new server; the status, and the message of a refusal."""

    def call(action, value, version='2.96', **fields):
        server = world.server(**fields)
        answer = world.request('POST', f'/servers/{server.id}/action', {action: value}, version)
        message = '' if answer.status_int < 300 else next(iter(answer.json.values()))['message']
        return answer.status_int, message.replace(server.id, 'X')

    return call


@pytest.fixture
def begun(world):
    """The operation that was begun on the world's first server."""

    def look():
        with world.databases.cell(CELL_ID).reading() as tx:
            (row,) = operations.of_server(tx, '00000000-0000-4000-8000-000000000001')
        return load(row.verb, row.parameters)

    return look


@pytest.mark.parametrize(
    ('version', 'status', 'message'),
    [
        ('2.1', 400, 'Instance X cannot be rescued: Cannot rescue a volume-backed instance'),
        ('2.86', 400, 'Instance X cannot be rescued: Cannot rescue a volume-backed instance'),
        ('2.87', 400, 'Instance X cannot be rescued: Host unable to rescue a volume-backed instance'),
    ],
)
def test_a_server_on_a_volume_is_not_rescued(act, version, status, message):
    assert act('rescue', None, version, image_id=None) == (status, message)


@pytest.mark.parametrize(
    ('version', 'fields', 'status', 'message'),
    [
        ('2.92', {}, 400, 'Unable to rebuild with a different image for a volume-backed server.'),
        ('2.93', {}, 501, None),
        (
            '2.93',
            {'trusted_image_certificates': ['one']},
            400,
            'Image certificate validation is not supported when booting from volume',
        ),
    ],
)
def test_a_server_on_a_volume_is_not_rebuilt(act, version, fields, status, message):
    answer = act('rebuild', {'imageRef': IMAGE_ID, **fields}, version, image_id=None)
    assert answer[0] == status
    assert message in (None, answer[1])


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        ({'status': 'queued'}, f'Image {OTHER} is not active.'),
        ({'min_memory_mb': 1024}, "Flavor's memory is too small for requested image."),
        ({'size': 2 * GB}, f"Flavor's disk is too small for requested image. Flavor disk is {GB} bytes, image is"),
        ({'min_disk_gb': 2}, "Flavor's disk is smaller than the minimum size specified in image metadata."),
        ({'properties': {'hw_disk_bus': 'nonsense'}}, 'Invalid image metadata. Error: hw_disk_bus'),
    ],
)
def test_an_image_that_the_flavor_cannot_take_is_refused(world, act, image, message):
    world.images.kept[OTHER] = dataclasses.replace(Image(OTHER, 'other', size=1), **image)
    status, said = act('rebuild', {'imageRef': OTHER})
    assert (status, said[: len(message)]) == (400, message)


def test_a_rebuild_takes_what_was_asked_and_leaves_the_rest(act, begun):
    assert act('rebuild', {'imageRef': IMAGE_ID, 'name': 'new', 'key_name': None, 'metadata': {}})[0] == 202
    operation = begun()
    assert operation.changes == {'name': 'new'}
    assert (operation.changes_keypair, operation.keypair, operation.metadata) == (True, None, {})
    assert operation.trusted_image_certificates is None
    # Its host runs this image already.
    assert operation.new_image is False
    assert operation.without_secrets().admin_password is None


@pytest.mark.parametrize(('given', 'kept'), [('QUJD\nREVG\n', 'QUJDREVG'), ('', None), (None, None)])
def test_a_rebuild_keeps_user_data_as_a_creation_does(act, begun, given, kept):
    assert act('rebuild', {'imageRef': IMAGE_ID, 'user_data': given})[0] == 202
    assert begun().changes == {'user_data': kept}


def test_a_key_is_the_owners(act, begun):
    assert act('rebuild', {'imageRef': IMAGE_ID, 'key_name': 'mykey'})[0] == 202
    assert begun().keypair.public_key == 'ssh-rsa AAAA'


def test_a_rescue_waits_for_the_system_as_its_image_says(act, begun):
    assert act('rescue', {'rescue_image_ref': IMAGE_ID}, image_properties={'os_shutdown_timeout': '7'})[0] == 200
    operation = begun()
    assert (operation.timeout, operation.image.id) == (7, IMAGE_ID)
