"""Other disks for a guest: all or nothing, wherever the host dies; and nothing of a rescue stays."""

import dataclasses
import os
import shutil
import struct

import pytest

from nova import errors
from nova.virt.libvirt import exchange, storage
from nova.virt.libvirt.storage import Storage
from tests.fakes import hostile_images
from tests.unit.virt.libvirt.samples import SERVER_ID, a_flavor, a_guest, an_image, some_settings

MIB = 1 << 20
pytestmark = pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is not installed')


@pytest.fixture
def place(tmp_path):
    """The guest's directory."""
    return tmp_path / 'instances' / SERVER_ID


@pytest.fixture
def kept(tmp_path):
    """Raw disks, so that what is on them can be read."""
    (tmp_path / 'instances').mkdir()
    return Storage(some_settings(instances_path=str(tmp_path / 'instances'), disk_format='raw'))


@pytest.fixture
def images(tmp_path):
    def source(fill):
        path = tmp_path / f'image-{fill}'
        path.write_bytes(bytes([fill]) * MIB)
        return lambda _image: str(path)

    return source


GUEST = a_guest(a_flavor(disk_gb=0, ephemeral_gb=1))
LESS = a_guest(a_flavor(disk_gb=0))


def first_byte(place):
    return (place / 'disk').read_bytes()[0]


def files(place):
    return sorted(os.listdir(place))


@pytest.fixture
def made(kept, images):
    kept.ensure(GUEST, images(1), {'a': b'old'})
    return kept


def test_new_disks_take_the_place_of_the_old_ones(made, images, place):
    made.prepare_exchange(LESS, images(2), None)
    assert first_byte(place) == 1
    made.commit_exchange(SERVER_ID)
    assert first_byte(place) == 2
    assert files(place) == ['console.log', 'disk', 'disk.info']
    made.commit_exchange(SERVER_ID)
    assert first_byte(place) == 2


def test_what_is_discarded_leaves_no_trace(made, images, place):
    before = files(place)
    for _time in range(2):
        made.prepare_exchange(LESS, images(2), None)
    made.discard_exchange(SERVER_ID)
    made.discard_exchange(SERVER_ID)
    assert (files(place), first_byte(place)) == (before, 1)


def test_disks_that_cannot_be_made_leave_the_old_ones(made, images, place, monkeypatch):
    before = files(place)

    def full(*_arguments):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(storage.os, 'truncate', full)
    with pytest.raises(errors.HostFailed, match='No space left on device'):
        made.prepare_exchange(GUEST, images(2), None)
    assert (files(place), first_byte(place)) == (before, 1)


class Crash(BaseException):
    """The host dies here."""


@pytest.mark.parametrize('survived', range(9))
def test_a_crash_in_the_middle_ends_with_all_new_disks_at_the_next_look(made, images, place, monkeypatch, survived):
    made.prepare_exchange(GUEST, images(2), {'a': b'new'})
    left = [survived]

    def dying(work):
        def work_or_die(*arguments):
            if not left[0]:
                raise Crash
            left[0] -= 1
            return work(*arguments)

        return work_or_die

    with monkeypatch.context() as patched:
        for name in ('rename', 'replace', 'unlink', 'rmdir'):
            patched.setattr(exchange.os, name, dying(getattr(os, name)))
        try:
            made.commit_exchange(SERVER_ID)
        except Crash:
            pass
    prepared = (place / exchange.PREPARED).exists()
    made.ensure(GUEST, images(3), {'a': b'other'})
    assert first_byte(place) == (1 if prepared else 2)
    made.commit_exchange(SERVER_ID)
    assert first_byte(place) == 2
    assert files(place) == ['console.log', 'disk', 'disk.config', 'disk.eph0', 'disk.info']


def test_a_rescue_leaves_the_disks_alone_and_nothing_behind(made, images, place):
    before = files(place)
    image = an_image(id='rescue')
    disks = made.prepare_rescue(GUEST, image, images(4), {'a': b'rescue'})
    assert made.rescue_disks(SERVER_ID) is None
    made.commit_rescue(SERVER_ID, disks)
    assert [disk.name for disk in made.rescue_disks(SERVER_ID)] == ['disk.rescue', 'disk', 'disk.config.rescue']
    assert (place / 'disk.rescue').read_bytes()[0] == 4
    for _time in range(2):
        made.end_rescue(SERVER_ID)
        assert made.rescue_disks(SERVER_ID) is None
    assert (files(place), first_byte(place)) == (before, 1)


@pytest.mark.parametrize('image', [image for image in hostile_images.HOSTILE if 'size' not in image.name], ids=str)
def test_a_hostile_image_that_came_past_the_cache_is_refused_all_the_same(made, tmp_path, place, image):
    if image.name in ('disk of a petabyte',):
        pytest.skip('it is a matter of the flavor, which has no limit here')
    before = files(place)
    path = tmp_path / 'hostile'
    path.write_bytes(image.data)
    guest = dataclasses.replace(GUEST, image=an_image(disk_format=image.disk_format))
    for attempt in (
        lambda: made.prepare_exchange(guest, lambda _image: str(path), None),
        lambda: made.prepare_rescue(GUEST, guest.image, lambda _image: str(path), None),
    ):
        with pytest.raises(errors.ImageUnacceptable, match=image.says):
            attempt()
        assert (files(place), first_byte(place)) == (before, 1)


def test_a_header_that_the_guest_writes_into_its_disk_is_never_believed(made, images, place):
    """It could name any file of the host as what lies beneath."""
    with open(place / 'disk', 'r+b') as file:
        file.write(hostile_images.qcow2(backing=hostile_images.SECRET))
    assert [disk.format for disk in made.ensure(GUEST, images(3), None)][0] == 'raw'
    disks = made.prepare_rescue(GUEST, an_image(), images(4), None)
    assert [disk.format for disk in disks if disk.name == 'disk'] == ['raw']
    made.prepare_exchange(GUEST, images(2), None)
    made.commit_exchange(SERVER_ID)
    assert struct.unpack('B', (place / 'disk').read_bytes()[:1]) == (2,)
