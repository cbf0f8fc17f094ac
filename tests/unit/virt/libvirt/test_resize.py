"""A guest's disks in other sizes: copies that grow, the old ones untouched, and one of both after any crash."""

import dataclasses
import json
import os
import shutil
import subprocess

import pytest

from nova import errors
from nova.domain.block_device import BlockDevice
from nova.virt.libvirt import aside, commands
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.resize import Resizes, arrange
from nova.virt.libvirt.storage import Storage
from tests.unit.virt.libvirt.samples import SERVER_ID, a_flavor, a_guest, some_settings

GIB, MIB = 1 << 30, 1 << 20
ROOT = Disk(Role.ROOT, 'qcow2', GIB)

pytestmark = pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is not installed')


@pytest.fixture
def instances(tmp_path):
    path = tmp_path / 'instances'
    path.mkdir()
    return path


@pytest.fixture
def base(tmp_path):
    path = tmp_path / 'base'
    path.write_bytes(b'\0' * MIB)
    return str(path)


class Host:
    """Makes guests, and what changes their disks."""

    def __init__(self, instances, base, **settings):
        made = some_settings(instances_path=str(instances), **settings)
        self.storage, self._base = Storage(made), base
        self.resizes = Resizes(made, self.storage)

    def make(self, guest):
        return self.storage.ensure(guest, lambda _image: self._base, {'openstack': b'data'})

    def disks(self):
        return self.storage.own_disks(SERVER_ID)


@pytest.fixture
def host(instances, base):
    made = Host(instances, base)
    made.make(a_guest(a_flavor(disk_gb=1)))
    return made


def larger():
    return a_guest(a_flavor(disk_gb=2, ephemeral_gb=1, swap_mb=64))


def info(path):
    said = subprocess.run(
        ['qemu-img', 'info', '-f', 'qcow2', '--output=json', path], capture_output=True, check=True, text=True
    )
    return json.loads(said.stdout)


def write(path, disk_format, text):
    command = f'write -P {ord(text)} 0 64k'
    subprocess.run(['qemu-io', '-f', disk_format, '-c', command, path], check=True, capture_output=True)


def reads(path, disk_format, text):
    command = f'read -P {ord(text)} 0 64k'
    said = subprocess.run(['qemu-io', '-f', disk_format, '-c', command, path], check=False, capture_output=True)
    return said.returncode == 0 and b'failed' not in said.stdout + said.stderr


def test_disks_grow_and_keep_what_is_on_them(instances, host):
    write(instances / SERVER_ID / 'disk', 'qcow2', 'x')
    host.resizes.resize(larger())
    assert [(disk.name, disk.size) for disk in host.disks()] == [
        ('disk', 2 * GIB), ('disk.eph0', GIB), ('disk.swap', 64 * MIB), ('disk.config', 0),
    ]  # fmt: skip
    made = instances / SERVER_ID
    assert info(made / 'disk')['virtual-size'] == 2 * GIB
    assert reads(made / 'disk', 'qcow2', 'x')
    assert os.path.getsize(made / 'disk.swap') == 64 * MIB
    assert (made / 'disk.config').read_bytes() == (instances / f'{SERVER_ID}_resize' / 'disk.config').read_bytes()
    assert info(instances / f'{SERVER_ID}_resize' / 'disk')['virtual-size'] == GIB


def test_what_the_guest_writes_since_is_gone_when_it_goes_back(instances, host):
    disk = instances / SERVER_ID / 'disk'
    write(disk, 'qcow2', 'x')
    host.resizes.resize(larger())
    write(disk, 'qcow2', 'y')
    host.resizes.restore(SERVER_ID)
    assert reads(disk, 'qcow2', 'x')
    assert host.disks()[0].size == GIB
    assert os.listdir(instances) == [SERVER_ID]


def test_what_is_kept_leaves_nothing_aside(instances, host):
    host.resizes.resize(larger())
    host.resizes.forget(SERVER_ID)
    host.resizes.forget(SERVER_ID)
    assert os.listdir(instances) == [SERVER_ID]
    assert host.disks()[0].size == 2 * GIB
    # And it can be resized again.
    host.resizes.resize(a_guest(a_flavor(disk_gb=3, ephemeral_gb=1)))
    assert [disk.role for disk in host.disks()] == [Role.ROOT, Role.EPHEMERAL, Role.CONFIG]


@pytest.mark.parametrize('preallocate', [False, True])
def test_a_raw_disk_is_never_looked_into(instances, base, preallocate):
    host = Host(instances, base, disk_format='raw', preallocate=preallocate)
    host.make(a_guest(a_flavor(disk_gb=1)))
    hostile = subprocess.run(
        ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/hostname', instances / 'hostile', '5G'],
        check=True,
    )
    assert hostile.returncode == 0
    with open(instances / SERVER_ID / 'disk', 'r+b') as disk:
        disk.write((instances / 'hostile').read_bytes())
    host.resizes.resize(a_guest(a_flavor(disk_gb=2)))
    path = instances / SERVER_ID / 'disk'
    assert os.path.getsize(path) == 2 * GIB
    assert path.open('rb').read(4) == b'QFI\xfb'
    assert not preallocate or os.stat(path).st_blocks * 512 >= 2 * GIB


def test_an_overlay_with_a_hostile_header_is_not_opened(instances, host, tmp_path):
    """No guest can write it; whoever did, QEMU must not be led to other files."""
    other = tmp_path / 'other'
    subprocess.run(
        ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/hostname', other, '1G'], check=True
    )
    disk = instances / SERVER_ID / 'disk'
    subprocess.run(
        ['qemu-img', 'create', '-q', '-f', 'qcow2', '-u', '-F', 'qcow2', '-b', other, disk, '1G'], check=True
    )
    with pytest.raises(errors.ImageUnacceptable, match='backing file'):
        host.resizes.resize(larger())
    assert os.listdir(instances) == [SERVER_ID]


def test_a_disk_that_would_shrink_is_refused_and_nothing_is_done(instances, host):
    host.resizes.resize(larger())
    host.resizes.forget(SERVER_ID)
    with pytest.raises(errors.Invalid, match='disk has 2 GB and cannot be made smaller; the flavor gives 1 GB'):
        host.resizes.resize(a_guest(a_flavor(disk_gb=1, ephemeral_gb=1)))
    with pytest.raises(errors.Invalid, match='An ephemeral disk would be lost'):
        host.resizes.resize(a_guest(a_flavor(disk_gb=2)))
    assert os.listdir(instances) == [SERVER_ID]


def test_a_guest_without_disks_is_not_found(instances, base):
    with pytest.raises(errors.NotFound):
        Host(instances, base).resizes.resize(larger())
    assert os.listdir(instances) == []


def test_a_full_disk_leaves_what_there_was(instances, host, monkeypatch):
    def full(arguments, **_options):
        raise errors.HostFailed('cp failed: No space left on device')

    monkeypatch.setattr(commands, 'run', full)
    with pytest.raises(errors.HostFailed, match='No space left'):
        host.resizes.resize(larger())
    assert os.listdir(instances) == [SERVER_ID]


class Died(BaseException):
    pass


def dying_at(monkeypatch, number):
    """Let the process die before it renames or deletes a directory for the n-th time."""
    left = [number]
    for module, name in ((os, 'rename'), (shutil, 'rmtree')):
        original = getattr(module, name)

        def change(path, *arguments, original=original, **options):
            if os.path.isdir(path) and SERVER_ID in os.path.basename(str(path)):
                left[0] -= 1
                if left[0] == 0:
                    raise Died
            return original(path, *arguments, **options)

        monkeypatch.setattr(aside.os if module is os else aside.shutil, name, change)


@pytest.mark.parametrize('number', range(1, 4))
@pytest.mark.parametrize('then', ['resize', 'restore', 'remove'])
def test_after_a_crash_while_resizing(instances, host, monkeypatch, number, then):
    with monkeypatch.context() as patch:
        dying_at(patch, number)
        with pytest.raises(Died):
            host.resizes.resize(larger())
            raise Died
    assert host.storage.guests() == {SERVER_ID}
    finish(host, instances, then)


@pytest.mark.parametrize('number', range(1, 5))
@pytest.mark.parametrize('then', ['restore', 'remove'])
def test_after_a_crash_while_going_back(instances, host, monkeypatch, number, then):
    host.resizes.resize(larger())
    with monkeypatch.context() as patch:
        dying_at(patch, number)
        with pytest.raises(Died):
            host.resizes.restore(SERVER_ID)
            raise Died
    assert host.storage.guests() == {SERVER_ID}
    finish(host, instances, then)


def finish(host, instances, then):
    if then == 'remove':
        host.storage.remove(SERVER_ID)
        assert os.listdir(instances) == []
        return
    if then == 'resize':
        host.resizes.resize(larger())
        assert host.disks()[0].size == 2 * GIB
        host.resizes.forget(SERVER_ID)
    else:
        host.resizes.restore(SERVER_ID)
        assert host.disks()[0].size == GIB
    assert os.listdir(instances) == [SERVER_ID]


def ephemeral(size):
    return BlockDevice('blank', 'local', size=size)


def swap(size):
    return BlockDevice('blank', 'local', size=size, guest_format='swap')


@pytest.mark.parametrize(
    ('own', 'flavor', 'devices', 'expected'),
    [
        ((ROOT,), a_flavor(disk_gb=0), (), (GIB,)),
        ((ROOT,), a_flavor(disk_gb=1), (), (GIB,)),
        ((Disk(Role.ROOT, 'raw', GIB, 'cdrom'),), a_flavor(disk_gb=5), (), (GIB,)),
        ((ROOT,), a_flavor(disk_gb=1), (ephemeral(2), ephemeral(3), swap(8)), (GIB, 2 * GIB, 3 * GIB, 8 * MIB)),
        ((ROOT, Disk(Role.SWAP, 'raw', MIB)), a_flavor(disk_gb=1), (), (GIB,)),
        ((Disk(Role.CONFIG, 'raw', 0, 'cdrom'),), a_flavor(disk_gb=1), (), (0,)),
    ],
)
def test_which_disks_a_guest_is_to_have(own, flavor, devices, expected):
    found = arrange(own, dataclasses.replace(a_guest(flavor), block_devices=devices))
    assert tuple(disk.size for disk in found) == expected
