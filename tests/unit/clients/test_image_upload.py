"""Images that are made of servers: recorded for their users, filled by hosts, and removed."""

import pytest

from nova import errors
from nova.clients.image import ImageClient, _Content
from nova.context import Context
from tests.fakes.http import Response
from tests.fakes.image import FakeGlance

CONTEXT = Context('alice', 'demo', token='a-token')


@pytest.fixture
def glance():
    return FakeGlance()


@pytest.fixture
def images(glance):
    return ImageClient(glance, for_user=glance.acting_for)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / 'data'
    path.write_bytes(b'all that was on the disk')
    return str(path)


def test_an_image_is_its_users_and_gets_its_data_once(images, glance, data):
    image_id = images.create(CONTEXT, 'mine', {'image_type': 'snapshot'}, min_disk=3)
    recorded = glance.images[image_id]
    assert [recorded[name] for name in ('owner', 'visibility', 'status', 'min_disk')] == [
        'demo',
        'private',
        'queued',
        3,
    ]
    images.describe(image_id, disk_format='qcow2')
    for _time in range(2):
        images.upload(image_id, data)
    images.describe(image_id, disk_format='raw')
    assert (recorded['status'], recorded['disk_format']) == ('active', 'qcow2')
    assert glance.data[image_id] == b'all that was on the disk'
    assert glance.count('.*/file') == 1


def test_who_has_no_token_owns_the_image_all_the_same(glance):
    image_id = ImageClient(glance).create(Context('alice', 'demo'), 'mine', {})
    assert glance.images[image_id]['owner'] == 'demo'


def test_what_glance_says_of_images_is_no_metadata(images, glance):
    with pytest.raises(errors.Invalid, match='size is not metadata'):
        images.create(CONTEXT, 'mine', {'size': '5'})
    assert glance.images == {}


def test_a_request_that_is_sent_again_has_all_of_the_data_again(data):
    content = _Content(data)
    assert len(content) == 24
    assert [b''.join(content) for _time in range(2)] == [b'all that was on the disk'] * 2


def test_an_image_that_is_gone_gets_no_data(images, glance, data):
    image_id = images.create(CONTEXT, 'mine', {})
    assert [images.remove(image_id) for _time in range(2)] == [True, True]
    for ask in (lambda: images.upload(image_id, data), lambda: images.describe(image_id, disk_format='raw')):
        with pytest.raises(errors.NotFound, match='was deleted before it was complete'):
            ask()


def test_an_upload_that_fails_may_be_tried_again(images, glance, data):
    image_id = images.create(CONTEXT, 'mine', {})
    glance.cuts_uploads = True
    with pytest.raises(errors.ServiceDown):
        images.upload(image_id, data)
    glance.cuts_uploads = False
    images.upload(image_id, data)
    assert images.is_complete(image_id)


def test_backups_are_found_on_all_pages_newest_first(images, glance):
    def back_up(kind, server_id='server', project_id='demo'):
        properties = {'image_type': 'backup', 'backup_type': kind, 'instance_uuid': server_id}
        return images.create(Context('alice', project_id, token='a-token'), 'mine', properties)

    wanted = [back_up('daily') for _number in range(5)]
    back_up('weekly'), back_up('daily', 'another'), back_up('daily', project_id='theirs')
    assert images.backups('demo', 'server', 'daily') == wanted[::-1]


def test_a_protected_image_stays(images, glance):
    image_id = glance.add(protected=True)
    assert images.remove(image_id) is False
    assert image_id in glance.images


def test_an_image_that_glance_has_deleted_and_still_shows_is_gone(images, glance):
    image_id = glance.add(status='deleted')
    assert images.find(image_id) is None
    assert images.remove(image_id) is True


def test_an_image_that_cannot_be_deleted_now_is_tried_again(images, glance, monkeypatch):
    image_id = glance.add()
    monkeypatch.setattr(glance, '_change', lambda *_: Response(400))
    with pytest.raises(errors.ServiceDown, match='does not delete image'):
        images.remove(image_id)
