"""The image cache."""

import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import threading

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.images import Conversion, ImageCache
from nova.context import admin_context
from tests.fakes.image import FakeGlance

DISK = b'\x55' * 4096
needs_qemu_img = pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')


@pytest.fixture
def glance():
    return FakeGlance()


@pytest.fixture
def cache(tmp_path, glance):
    return ImageCache(str(tmp_path / '_base'), ImageClient(glance))


def image(glance, *arguments, **fields):
    image_id = glance.add(*arguments, **fields)
    return ImageClient(glance).get(admin_context(), image_id)


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / '_base').iterdir() if path.is_file())


def qcow2(tmp_path, data=DISK, *options):
    raw, made = tmp_path / 'raw', tmp_path / 'made'
    raw.write_bytes(data)
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, made], check=True)
    return made.read_bytes()


def qcow2_with_backing_file(name=b'/etc/passwd'):
    """The header of a qcow2 image that would have QEMU read another file."""
    header = struct.pack('>4sIQIIQIIQQIIQ', b'QFI\xfb', 2, 72, len(name), 16, 1 << 20, 0, 1, 0, 0, 0, 0, 0)
    return header + name + bytes(4096)


def test_an_image_is_fetched_once_and_named_by_its_id(tmp_path, glance, cache):
    raw = image(glance, DISK)
    path = cache.path(raw)
    assert path == str(tmp_path / '_base' / hashlib.sha1(raw.id.encode()).hexdigest())
    assert pathlib.Path(path).read_bytes() == DISK
    assert cache.path(raw) == path
    assert glance.count('.*/file') == 1
    assert cache.fetched == 1


def test_many_guests_wait_for_one_fetch(glance, cache):
    raw = image(glance, DISK)
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(cache.path(raw))) for _guest in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(paths) == 20
    assert glance.count('.*/file') == 1


def test_different_images_have_different_files(tmp_path, glance, cache):
    cache.path(image(glance, DISK))
    cache.path(image(glance, DISK))
    assert len(files(tmp_path)) == 2


@needs_qemu_img
def test_an_image_is_converted_to_raw(tmp_path, glance, cache):
    kept = image(glance, qcow2(tmp_path), 'qcow2')
    assert cache.as_kept(kept).disk_format == 'raw'
    assert pathlib.Path(cache.path(kept)).read_bytes() == DISK
    assert len(files(tmp_path)) == 1


@needs_qemu_img
def test_an_image_is_kept_as_it_is_where_raw_is_not_wanted(tmp_path, glance):
    data = qcow2(tmp_path)
    cache = ImageCache(str(tmp_path / '_base'), ImageClient(glance), force_raw=False)
    kept = image(glance, data, 'qcow2')
    assert cache.as_kept(kept).disk_format == 'qcow2'
    path = cache.path(kept)
    assert path.endswith('.qcow2')
    assert pathlib.Path(path).read_bytes() == data


def cases():
    return [
        ('a checksum that differs', {'data': DISK, 'os_hash_value': '0' * 128}, errors.HostFailed, 'another sha512 checksum'),
        ('an md5 that differs', {'data': DISK, 'os_hash_algo': None, 'checksum': '0'}, errors.HostFailed, 'another md5'),
        ('more data than announced', {'data': DISK, 'size': 100}, errors.HostFailed, 'larger than the 100 bytes'),
        ('less data than announced', {'data': DISK, 'size': 9999}, errors.ServiceDown, 'sent 4096 of 9999'),
        ('a format that lies', {'data': DISK, 'disk_format': 'qcow2'}, errors.ImageUnacceptable, 'claims to be qcow2'),
        ('qcow2 that claims to be raw', {'data': qcow2_with_backing_file()}, errors.ImageUnacceptable, 'claims to be raw'),
        ('a backing file', {'data': qcow2_with_backing_file(), 'disk_format': 'qcow2'}, errors.ImageUnacceptable, 'backing'),
        ('no format', {'data': DISK, 'disk_format': None}, errors.ImageUnacceptable, 'no disk format'),
    ]  # fmt: skip


@pytest.mark.parametrize(('name', 'fields', 'kind', 'text'), cases(), ids=[case[0] for case in cases()])
def test_what_is_not_right_is_not_kept(tmp_path, glance, cache, name, fields, kind, text):
    with pytest.raises(kind, match=text):
        cache.path(image(glance, **fields))
    assert not (tmp_path / '_base').exists() or files(tmp_path) == []


def test_a_disk_larger_than_the_flavor_gives_is_refused(glance, cache):
    large = image(glance, b'\0' * 4096)
    assert cache.path(large, disk_gb=1)
    with pytest.raises(errors.ImageUnacceptable, match='the flavor gives 1 GB'):
        cache.path(image(glance, qcow2_header(2 << 30), 'qcow2'), disk_gb=1)


def qcow2_header(virtual_size):
    header = struct.pack('>4sIQIIQIIQQIIQ', b'QFI\xfb', 2, 0, 0, 16, virtual_size, 0, 4, 4096, 8192, 1, 0, 0)
    return header + bytes(16384 - len(header))


def test_a_cached_file_is_looked_at_each_time(glance, cache):
    raw = image(glance, DISK)
    path = cache.path(raw)
    with open(path, 'wb') as file:
        file.write(qcow2_with_backing_file())
    with pytest.raises(errors.ImageUnacceptable):
        cache.path(raw)


def test_an_interrupted_fetch_leaves_nothing(tmp_path, glance, cache):
    raw = image(glance, DISK)
    glance.cut_after = 100
    with pytest.raises(errors.ServiceDown):
        cache.path(raw)
    assert files(tmp_path) == []
    glance.cut_after = None
    assert cache.path(raw)


def test_what_a_killed_process_left_is_cleaned(tmp_path, glance, cache):
    cache.path(image(glance, DISK))
    (tmp_path / '_base' / 'abc.123.part').write_bytes(b'half')
    cache.clean()
    assert len(files(tmp_path)) == 1


@needs_qemu_img
def test_a_conversion_is_bounded_in_time(tmp_path, glance):
    cache = ImageCache(str(tmp_path / '_base'), ImageClient(glance), conversion=Conversion(timeout=0.0))
    with pytest.raises(errors.HostFailed, match='took longer'):
        cache.path(image(glance, qcow2(tmp_path), 'qcow2'))
    assert files(tmp_path) == []


def test_images_that_no_guest_uses_expire(tmp_path, glance, cache):
    used, unused, recent = (image(glance, bytes([number]) * 512) for number in (1, 2, 3))
    paths = [pathlib.Path(cache.path(each, guest_id=f'guest-{each.id}')) for each in (used, unused)]
    kept = pathlib.Path(cache.path(recent))
    for path in [*paths, *(tmp_path / '_base' / 'users').iterdir()]:
        os.utime(path, (0, 0))
    assert cache.expire({f'guest-{used.id}'}, 3600) == [paths[1].name]
    assert [path.exists() for path in (*paths, kept)] == [True, False, True]
    assert cache.expire({f'guest-{used.id}'}, 3600) == []
    assert cache.expire(set(), 3600) == [paths[0].name]


def test_the_image_of_a_guest_that_is_being_made_stays(tmp_path, glance, cache):
    path = pathlib.Path(cache.path(image(glance, DISK), guest_id='new'))
    os.utime(path, (0, 0))
    assert cache.expire(set(), 3600) == []
    assert path.exists()


def test_an_image_can_be_fetched_before_a_guest_needs_it(tmp_path, glance, cache):
    image_id = glance.add(DISK)
    assert cache.prefetch(admin_context(), image_id) is True
    assert cache.prefetch(admin_context(), image_id) is False
    assert glance.count(f'/v2/images/{image_id}/file') == 1
    with pytest.raises(errors.NotFound):
        cache.prefetch(admin_context(), 'none')


@needs_qemu_img
def test_only_the_kinds_of_vmdk_that_the_operator_allows_are_taken(tmp_path, glance):
    raw, made = tmp_path / 'raw', tmp_path / 'made'
    raw.write_bytes(DISK)
    subformat = ['-o', 'subformat=monolithicSparse']
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', 'vmdk', *subformat, raw, made], check=True)
    wanted = image(glance, made.read_bytes(), disk_format='vmdk')
    choosy = ImageCache(str(tmp_path / '_base'), ImageClient(glance), vmdk_types=('streamOptimized',))
    with pytest.raises(errors.ImageUnacceptable, match='monolithicSparse, which this host does not take'):
        choosy.path(wanted)
    assert files(tmp_path) == []
    ImageCache(str(tmp_path / '_base'), ImageClient(glance)).path(wanted)
    assert len(files(tmp_path)) == 1
