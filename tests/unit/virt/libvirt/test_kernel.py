"""Guests that start from a kernel of their image's."""

import dataclasses
from xml.etree import ElementTree

import pytest

from nova.domain.image import Image
from nova.virt.libvirt import kernel
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml.domain import domain_xml
from nova.virt.libvirt.rescue import arrange
from nova.virt.libvirt.resize import arrange as resized
from nova.virt.libvirt.storage import Storage
from tests.unit.virt.libvirt.samples import a_guest, an_image, some_settings

GIB = 1 << 30
ROOT = Disk(Role.ROOT, 'qcow2', GIB)


def domain(disks, **properties):
    guest = a_guest(image=an_image(), image_properties=properties)
    made = domain_xml(guest, disks, some_settings(), cache_mode='none', serial=None)
    return ElementTree.fromstring(made)


def starts_from(made):
    return {name: made.findtext(f'os/{name}') for name in ('kernel', 'initrd', 'cmdline')}


@pytest.mark.parametrize(
    ('properties', 'names'),
    [
        ({}, []),
        ({'ramdisk_id': 'r'}, []),
        ({'kernel_id': ''}, []),
        ({'kernel_id': 'k'}, ['disk.kernel']),
        ({'kernel_id': 'k', 'ramdisk_id': 'r'}, ['disk.kernel', 'disk.ramdisk']),
    ],
)
def test_what_an_image_starts_from(properties, names):
    assert [disk.name for disk in kernel.files(properties)] == names


def test_a_guest_starts_from_its_kernel_and_sees_no_disk_of_it():
    made = domain((ROOT, *kernel.files({'kernel_id': 'k', 'ramdisk_id': 'r'})))
    found = starts_from(made)
    assert found['kernel'].endswith('/disk.kernel')
    assert found['initrd'].endswith('/disk.ramdisk')
    assert found['cmdline'] == 'root=/dev/vda console=tty0 console=ttyS0'
    assert len(made.findall('devices/disk')) == 1


def test_a_guest_without_a_kernel_starts_from_its_disk():
    assert starts_from(domain((ROOT,))) == {'kernel': None, 'initrd': None, 'cmdline': None}


def test_the_image_says_what_the_kernel_is_told():
    files = kernel.files({'kernel_id': 'k', 'os_command_line': 'root=/dev/sda quiet'})
    assert starts_from(domain((ROOT, *files)))['cmdline'] == 'root=/dev/sda quiet'


def test_the_kernel_is_told_the_disk_that_the_bus_gives_it():
    cmdline = starts_from(domain((ROOT, *kernel.files({'kernel_id': 'k'})), hw_disk_bus='ide'))['cmdline']
    assert cmdline.startswith('root=/dev/hda ')


def test_a_rescue_kernel_is_told_where_the_rescue_disk_is():
    own, properties = (ROOT, Disk(Role.SWAP, 'raw', GIB)), {'kernel_id': 'k', 'hw_rescue_bus': 'virtio'}
    made = domain(arrange(own, properties, 'ami', GIB, 'qcow2', None))
    assert starts_from(made)['kernel'].endswith('/disk.kernel.rescue')
    assert starts_from(made)['cmdline'].startswith('root=/dev/vdc ')


def test_a_resized_guest_keeps_what_it_starts_from():
    files = kernel.files({'kernel_id': 'k'})
    assert resized((ROOT, *files), a_guest())[-1] == files[0]


@pytest.fixture
def host(tmp_path):
    """Its storage, and a source of images that notes what it is asked for."""
    (tmp_path / 'root').write_bytes(bytes(1 << 20))
    (tmp_path / 'k').write_bytes(b'the kernel')
    (tmp_path / 'r').write_bytes(b'the ramdisk')
    asked = []

    def source(image):
        asked.append(image.id)
        return str(tmp_path / (image.id if image.id in ('k', 'r') else 'root'))

    settings = dataclasses.replace(some_settings(), instances_path=str(tmp_path / 'instances'), disk_format='raw')
    return Storage(settings), source, asked


def test_the_files_are_copied_once_and_go_with_the_guest(host, tmp_path):
    storage, source, asked = host
    image = Image('ami', disk_format='raw', properties={'kernel_id': 'k', 'ramdisk_id': 'r'})
    guest = a_guest(image=image)
    for _time in range(2):
        disks = storage.ensure(guest, source, None)
    directory = tmp_path / 'instances' / guest.id
    assert [disk.name for disk in disks] == ['disk', 'disk.kernel', 'disk.ramdisk']
    assert (directory / 'disk.kernel').read_bytes() == b'the kernel'
    assert (directory / 'disk.ramdisk').read_bytes() == b'the ramdisk'
    assert sorted(asked) == ['ami', 'k', 'r']


def test_a_rebuilt_guest_starts_from_what_its_new_image_says(host, tmp_path):
    storage, source, _asked = host
    guest = a_guest(image=Image('ami', disk_format='raw', properties={'kernel_id': 'k', 'ramdisk_id': 'r'}))
    storage.ensure(guest, source, None)
    for properties, names in (({'kernel_id': 'r'}, ['disk', 'disk.kernel']), ({}, ['disk'])):
        new = dataclasses.replace(guest, image=Image('new', disk_format='raw', properties=properties))
        storage.prepare_exchange(new, source, None)
        assert [disk.name for disk in storage.commit_exchange(guest.id)] == names
        found = {path.name for path in (tmp_path / 'instances' / guest.id).iterdir()}
        assert found == {*names, 'disk.info', 'console.log'}


def test_a_rescue_has_files_of_its_own_that_go_with_it(host, tmp_path):
    storage, source, _asked = host
    guest = a_guest(image=Image('ami', disk_format='raw', properties={'kernel_id': 'k'}))
    storage.ensure(guest, source, None)
    rescue = Image('rescue', disk_format='raw', properties={'kernel_id': 'r', 'ramdisk_id': 'k'})
    storage.commit_rescue(guest.id, storage.prepare_rescue(guest, rescue, source, None))
    directory = tmp_path / 'instances' / guest.id
    assert (directory / 'disk.kernel.rescue').read_bytes() == b'the ramdisk'
    storage.end_rescue(guest.id)
    assert {path.name for path in directory.iterdir()} == {'disk', 'disk.kernel', 'disk.info', 'console.log'}
