"""The image client, on a Glance in memory."""

import hashlib

import pytest

from nova import errors
from nova.clients.image import CACHE_AGE, ImageClient
from nova.context import Context, admin_context
from tests.fakes.image import FakeGlance


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def glance():
    return FakeGlance()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(glance, clock):
    return ImageClient(glance, attempts=2, clock=clock)


USER = Context(user_id='user', project_id='mine')


def test_an_image_is_described(glance, client):
    image_id = glance.add(
        b'data', 'qcow2', min_disk=2, min_ram=64, hw_disk_bus='virtio', os_distro='debian', virtual_size=1 << 30
    )
    image = client.get(USER, image_id)
    assert (image.id, image.disk_format, image.size, image.min_disk_gb, image.min_memory_mb) == (
        image_id,
        'qcow2',
        4,
        2,
        64,
    )
    assert (image.hash_algorithm, image.hash_value) == ('sha512', hashlib.sha512(b'data').hexdigest())
    assert image.virtual_size == 1 << 30
    assert image.properties == {'hw_disk_bus': 'virtio', 'os_distro': 'debian'}


@pytest.mark.parametrize(
    ('visibility', 'owner', 'member', 'context', 'seen'),
    [
        ('public', 'theirs', None, USER, True),
        ('community', 'theirs', None, USER, True),
        ('private', 'mine', None, USER, True),
        ('private', 'theirs', None, USER, False),
        ('private', 'theirs', None, admin_context(), True),
        ('shared', 'theirs', 'accepted', USER, True),
        ('shared', 'theirs', 'pending', USER, True),
        ('shared', 'theirs', 'rejected', USER, False),
        ('shared', 'theirs', None, USER, False),
        ('shared', 'theirs', None, Context(), False),
    ],
)
def test_users_see_what_they_may(glance, client, visibility, owner, member, context, seen):
    image_id = glance.add(visibility=visibility, owner=owner)
    if member:
        glance.share(image_id, 'mine', member)
    if seen:
        assert client.get(context, image_id).id == image_id
    else:
        with pytest.raises(errors.NotFound, match=f'Image {image_id} could not be found.'):
            client.get(context, image_id)


def test_an_image_is_asked_for_once_in_a_while(glance, client, clock):
    image_id = glance.add()
    for _time in range(3):
        client.get(USER, image_id)
        client.get(admin_context(), image_id)
    assert len(glance.requests) == 1
    clock.now += CACHE_AGE
    client.get(USER, image_id)
    assert len(glance.requests) == 2
    client.forget(image_id)
    client.get(USER, image_id)
    assert len(glance.requests) == 3


def test_what_is_not_there_yet_is_asked_for_again(glance, client):
    with pytest.raises(errors.NotFound):
        client.get(USER, 'later')
    glance.add(id='later', status='queued')
    assert client.get(USER, 'later').status == 'queued'
    glance.add(b'data', id='later')
    assert client.get(USER, 'later').status == 'active'


def test_data_come_piece_by_piece(glance, client):
    data = bytes(range(256)) * 10_000
    image_id = glance.add(data)
    pieces = list(client.download(image_id))
    assert len(pieces) > 1
    assert b''.join(pieces) == data


def test_data_of_no_image(client):
    with pytest.raises(errors.NotFound):
        client.download('none')


def test_an_absent_glance_is_a_service_that_is_down(glance, client):
    glance.away = True
    with pytest.raises(errors.ServiceDown, match='Glance cannot be reached'):
        client.get(USER, 'image')
    assert client.neighbour.calls == {('GET', 'away'): 2}
