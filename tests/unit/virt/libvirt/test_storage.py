"""A guest's files: made once, completed after a crash, removed whole, and nothing else touched."""

import dataclasses
import json
import os
import shutil
import subprocess

import pytest

from nova import errors
from nova.domain.block_device import BlockDevice
from nova.virt.libvirt import storage
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.storage import Base, Storage
from tests.unit.virt.libvirt.samples import SERVER_ID, a_flavor, a_guest, an_image, some_settings

GIB, MIB = 1 << 30, 1 << 20
OTHER_ID = '00000000-0000-4000-8000-000000000002'

needs_qemu = pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is not installed')
pytestmark = needs_qemu


@pytest.fixture
def base(tmp_path):
    path = tmp_path / 'base'
    path.write_bytes(b'\0' * MIB)
    return str(path)


@pytest.fixture
def instances(tmp_path):
    path = tmp_path / 'instances'
    path.mkdir()
    return path


def a_storage(instances, **settings):
    return Storage(some_settings(instances_path=str(instances), **settings))


def info(path):
    said = subprocess.run(
        ['qemu-img', 'info', '-f', 'qcow2', '--output=json', path], capture_output=True, check=True, text=True
    )
    return json.loads(said.stdout)


def no_source(_image):
    raise AssertionError('the image was asked for')


def test_a_disk_is_an_overlay_that_names_the_format_beneath_it(instances, base):
    disks = a_storage(instances).ensure(a_guest(), lambda _image: base, None)
    assert disks == (Disk(Role.ROOT, 'qcow2', GIB),)
    found = info(instances / SERVER_ID / 'disk')
    assert (found['virtual-size'], found['backing-filename'], found['backing-filename-format']) == (GIB, base, 'raw')
    assert sorted(os.listdir(instances / SERVER_ID)) == ['console.log', 'disk', 'disk.info']


def test_a_flavor_without_a_disk_size_takes_the_images(instances, base):
    a_storage(instances).ensure(a_guest(a_flavor(disk_gb=0)), lambda _image: base, None)
    assert info(instances / SERVER_ID / 'disk')['virtual-size'] == MIB


def test_a_raw_disk_is_a_copy_of_full_size(instances, tmp_path):
    image = tmp_path / 'image.qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '3M'], check=True)
    subprocess.run(['qemu-io', '-f', 'qcow2', '-c', 'write -P 7 0 64k', image], check=True, capture_output=True)
    guest = a_guest(image=an_image(disk_format='qcow2'))
    a_storage(instances, disk_format='raw').ensure(guest, lambda _image: str(image), None)
    disk = instances / SERVER_ID / 'disk'
    assert disk.stat().st_size == GIB
    with open(disk, 'rb') as file:
        assert file.read(64 * 1024) == b'\7' * 64 * 1024
    assert disk.stat().st_blocks * 512 < 10 * MIB


@pytest.mark.parametrize('drive_format', ['iso9660', 'vfat'])
def test_all_disks_are_made(instances, base, drive_format):
    guest = a_guest(a_flavor(ephemeral_gb=1, swap_mb=8))
    files = {'openstack/latest/meta_data.json': b'{}', 'ec2/latest/user-data': b'#!/bin/sh\n'}
    made = a_storage(instances, config_drive_format=drive_format).ensure(guest, lambda _image: base, files)
    assert [disk.name for disk in made] == ['disk', 'disk.eph0', 'disk.swap', 'disk.config']
    sizes = {disk.name: (instances / SERVER_ID / disk.name).stat().st_size for disk in made}
    assert (sizes['disk.eph0'], sizes['disk.swap']) == (GIB, 8 * MIB)
    assert (instances / SERVER_ID / 'disk.swap').read_bytes()[4086:4096] == b'SWAPSPACE2'
    with open(instances / SERVER_ID / 'disk.eph0', 'rb') as file:
        assert file.read(1200)[1080:1082] == b'\x53\xef'


def test_what_is_there_is_not_made_again(instances, base):
    guest, files = a_guest(a_flavor(ephemeral_gb=1)), {'a': b'b'}
    made = a_storage(instances).ensure(guest, lambda _image: base, files)
    before = {path.name: path.stat().st_mtime_ns for path in (instances / SERVER_ID).iterdir()}
    again = a_storage(instances).ensure(guest, no_source, files)
    assert made == again
    assert before == {path.name: path.stat().st_mtime_ns for path in (instances / SERVER_ID).iterdir()}


def test_the_format_of_a_disk_is_remembered_when_the_option_changes(instances, base):
    a_storage(instances).ensure(a_guest(), lambda _image: base, None)
    (disk,) = a_storage(instances, disk_format='raw').ensure(a_guest(), no_source, None)
    assert disk.format == 'qcow2'


class Crash(Exception):
    """The process dies here."""


@pytest.mark.parametrize('survived', range(8))
def test_a_crash_anywhere_leaves_what_a_repeat_completes(instances, base, monkeypatch, survived):
    guest, files = a_guest(a_flavor(ephemeral_gb=1, swap_mb=8)), {'a/b': b'c'}
    left, run, rename = [survived], storage.commands.run, os.rename

    def dying(work):
        def work_or_die(*arguments, **options):
            if not left[0]:
                raise Crash
            left[0] -= 1
            return work(*arguments, **options)

        return work_or_die

    with monkeypatch.context() as patch:
        patch.setattr(storage.commands, 'run', dying(run))
        patch.setattr(os, 'rename', dying(rename))
        with pytest.raises(Crash):
            a_storage(instances).ensure(guest, lambda _image: base, files)
    a_storage(instances).ensure(guest, lambda _image: base, files)
    found = {path.name for path in (instances / SERVER_ID).iterdir()}
    assert {'disk', 'disk.eph0', 'disk.swap', 'disk.config', 'disk.info', 'console.log'} <= found
    assert not [name for name in found if name.endswith('.part')]
    assert info(instances / SERVER_ID / 'disk')['virtual-size'] == GIB
    a_storage(instances).remove(SERVER_ID)
    assert not list(instances.iterdir())


def test_an_unsafe_image_is_refused_at_each_use(instances, tmp_path):
    image = tmp_path / 'image'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '1M'], check=True)
    for claimed in ('raw', 'vmdk'):
        with pytest.raises(errors.ImageUnacceptable):
            a_storage(instances).ensure(a_guest(image=an_image(disk_format=claimed)), lambda _image: str(image), None)
    assert not (instances / SERVER_ID / 'disk').exists()


def test_an_image_that_does_not_fit_is_refused():
    with pytest.raises(errors.Invalid, match='needs a disk of 2 GB'):
        storage.plan(a_guest(), Base('/b', 'raw', GIB + 1), some_settings(), 'disk', with_drive=False)


def test_disks_that_were_asked_for_stand_above_those_of_the_flavor():
    devices = (
        BlockDevice('image', 'local', boot_index=0),
        BlockDevice('blank', 'local', size=1),
        BlockDevice('blank', 'local', size=2),
        BlockDevice('blank', 'local', size=64, guest_format='swap'),
    )
    guest = dataclasses.replace(a_guest(), block_devices=devices)
    planned = storage.plan(guest, Base('/b', 'raw', GIB), some_settings(), 'disk', with_drive=False)
    assert [(disk.name, disk.size) for disk in planned[1:]] == [
        ('disk.eph0', GIB),
        ('disk.eph1', 2 * GIB),
        ('disk.swap', 64 << 20),
    ]


def test_removing_twice_or_nothing_is_fine(instances, base):
    kept = a_storage(instances)
    kept.ensure(a_guest(), lambda _image: base, None)
    for _time in range(2):
        kept.remove(SERVER_ID)
        assert not list(instances.iterdir())


def test_a_removal_that_died_is_completed(instances):
    (instances / f'{SERVER_ID}_del' / 'deeper').mkdir(parents=True)
    (instances / SERVER_ID).mkdir()
    kept = a_storage(instances)
    assert kept.guests() == {SERVER_ID}
    kept.remove(SERVER_ID)
    assert not list(instances.iterdir())


@pytest.mark.parametrize('guest_id', ['', '.', '..', '_base', f'../{SERVER_ID}', f'{SERVER_ID}/..', SERVER_ID.upper()])
def test_only_what_is_named_like_a_guest_is_removed(instances, guest_id):
    (instances / '_base').mkdir()
    with pytest.raises(errors.Invalid, match='not an id of a server'):
        a_storage(instances).remove(guest_id)
    assert [path.name for path in instances.iterdir()] == ['_base']


def test_a_link_is_not_followed(instances, tmp_path):
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    (elsewhere / 'precious').touch()
    (instances / SERVER_ID).symlink_to(elsewhere)
    with pytest.raises(errors.HostFailed, match='is a link'):
        a_storage(instances).remove(SERVER_ID)
    assert (elsewhere / 'precious').exists()


def test_other_directories_are_not_guests(instances):
    for name in ('_base', 'locks', 'compute_nodes', OTHER_ID):
        (instances / name).mkdir()
    assert a_storage(instances).guests() == {OTHER_ID}


def test_room_is_promised_until_it_is_used(instances, base):
    kept = a_storage(instances)
    assert kept.promised() == 0
    kept.ensure(a_guest(a_flavor(swap_mb=100)), lambda _image: base, None)
    assert GIB < kept.promised() < GIB + 100 * MIB


def test_space_is_allocated_in_advance_when_asked(instances, base):
    kept = a_storage(instances, preallocate=True)
    kept.ensure(a_guest(a_flavor(disk_gb=0, swap_mb=8)), lambda _image: base, None)
    assert (instances / SERVER_ID / 'disk').stat().st_blocks * 512 >= MIB
    assert (instances / SERVER_ID / 'disk.swap').stat().st_blocks * 512 >= 8 * MIB
    subprocess.run(['qemu-img', 'check', '-q', '-f', 'qcow2', instances / SERVER_ID / 'disk'], check=True)


@pytest.mark.parametrize(('modes', 'expected'), [({'file': 'unsafe'}, {'unsafe'}), ({}, {'none', 'writeback'})])
def test_the_operators_cache_mode_wins(instances, modes, expected):
    assert a_storage(instances, cache_modes=modes).cache_mode() in expected
    assert not list(instances.iterdir())


def test_the_cache_is_bypassed_only_where_the_file_system_can(instances, monkeypatch):
    def refuse(*_arguments):
        raise OSError(22, 'Invalid argument')

    monkeypatch.setattr(os, 'write', refuse)
    assert a_storage(instances).cache_mode() == 'writeback'


def test_a_damaged_record_is_named(instances):
    (instances / SERVER_ID).mkdir()
    (instances / SERVER_ID / 'disk.info').write_text('{')
    with pytest.raises(errors.HostFailed, match='disk.info is damaged'):
        a_storage(instances).ensure(a_guest(), no_source, None)
    assert a_storage(instances).promised() == 0


def test_a_missing_program_is_named(instances, base, monkeypatch):
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(errors.HostFailed, match='not installed'):
        a_storage(instances).ensure(a_guest(), lambda _image: base, None)


def planned_for(*devices, image=None):
    guest = dataclasses.replace(a_guest(image=image), block_devices=devices)
    root_device = 'cdrom' if image else 'disk'
    return storage.plan(guest, Base('/b', 'raw', GIB), some_settings(), root_device, with_drive=False)


def test_disks_are_on_the_buses_that_the_user_asked_for():
    root, ephemeral, other, swap = planned_for(
        BlockDevice('image', 'local', boot_index=0, disk_bus='scsi', device_type='disk'),
        BlockDevice('blank', 'local', size=1, disk_bus='ide', device_type='cdrom'),
        BlockDevice('blank', 'local', size=1),
        BlockDevice('blank', 'local', size=64, guest_format='swap', disk_bus='sata'),
    )
    assert (root.device, root.bus) == ('disk', 'scsi')
    assert (ephemeral.device, ephemeral.bus) == ('cdrom', 'ide')
    assert (other.device, other.bus) == ('disk', None)
    assert (swap.device, swap.bus) == ('disk', 'sata')


def test_a_floppy_has_its_own_bus_and_an_image_of_a_cd_is_one_whatever_is_asked():
    root, ephemeral = planned_for(
        BlockDevice('image', 'local', boot_index=0, device_type='disk', disk_bus='sata'),
        BlockDevice('blank', 'local', size=1, device_type='floppy'),
        image=an_image(disk_format='iso'),
    )
    assert (root.device, root.bus) == ('cdrom', 'sata')
    assert (ephemeral.device, ephemeral.bus) == ('floppy', 'fdc')


@pytest.mark.parametrize(
    ('asked', 'says'),
    [
        ({'device_type': 'lun'}, 'device_type is "lun"'),
        ({'disk_bus': 'fdc'}, 'disk_bus is "fdc"; a disk can be on ide'),
        ({'disk_bus': 'virtio', 'device_type': 'cdrom'}, 'a cdrom can be on'),
        ({'disk_bus': 'xen'}, 'disk_bus is "xen"'),
    ],
)
def test_a_disk_that_cannot_be_is_refused(asked, says):
    with pytest.raises(errors.Invalid, match=says):
        planned_for(BlockDevice('image', 'local', boot_index=0, **asked))
