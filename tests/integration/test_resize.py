"""Resize real guests, keep the new size or go back; what they find is what they say on their consoles."""

import dataclasses
import re

import pytest

from nova import errors
from nova.domain import resize
from nova.domain.flavor import Flavor
from nova.domain.guest import Guest
from nova.domain.lifecycle import Power
from nova.virt.libvirt.driver import LibvirtDriver
from tests.integration.real_guests import NEEDS_A_HOST, SMALL, a_guest, drive, no_image, wait_for_words

pytestmark = NEEDS_A_HOST

LARGE = Flavor('2', 'm1.more', vcpus=2, memory_mb=192, disk_gb=2, ephemeral_gb=1, swap_mb=64)
# Each boot tells of the processors and the disks, whether the root disk was marked by a former one, and marks it once more.
LOOK = b"""#!/bin/sh
echo "processors $(grep -c ^processor /proc/cpuinfo)"
for disk in vda vdb vdc; do
    [ -b /dev/$disk ] && echo "$disk has $(cat /sys/block/$disk/size) sectors"
done
echo "marks $(dd if=/dev/vda bs=512 skip=1048576 count=1 2>/dev/null | tr -cd M | wc -c)"
old=$(dd if=/dev/vda bs=512 skip=1048576 count=1 2>/dev/null | tr -cd M)
echo "${old}M" | dd of=/dev/vda bs=512 seek=1048576 conv=notrunc 2>/dev/null
sync
echo "all is told"
"""
DRIVE = drive(LOOK)


@pytest.fixture(params=['qcow2', 'raw'])
def driver(request, settings):
    made = LibvirtDriver(dataclasses.replace(settings, disk_format=request.param), settle=0.5)
    yield made
    made.close()


@pytest.fixture
def guest(driver, image):
    made = a_guest(9)
    driver.ensure(made, image, DRIVE)
    yield made
    driver.remove(made.id, made.name)
    assert driver.leftovers() == ()


def larger(guest: Guest) -> Guest:
    devices = resize.resized(guest.block_devices, SMALL, LARGE)
    return dataclasses.replace(guest, server=dataclasses.replace(guest.server, flavor=LARGE), block_devices=devices)


def told(driver, guest: Guest) -> list[str]:
    """What the guest has told of itself since it was started."""
    said = wait_for_words(driver, guest, 'all is told\r\n')
    return re.findall(r'processors \d+|vd. has \d+ sectors|marks \d+', said)


FIRST = ['processors 1', 'vda has 2097152 sectors', 'marks 0']
RESIZED = [
    'processors 2', 'vda has 4194304 sectors', 'vdb has 2097152 sectors', 'vdc has 131072 sectors', 'marks 1',
]  # fmt: skip
AS_BEFORE = ['processors 1', 'vda has 2097152 sectors', 'marks 1']


def test_a_guest_finds_more_and_keeps_what_it_wrote_or_goes_back(driver, host, guest):
    assert told(driver, guest) == FIRST
    with pytest.raises(errors.HostFailed, match='is not off'):
        driver.resize_disks(larger(guest))

    driver.stop(guest.id, 60)
    driver.resize_disks(larger(guest))
    driver.resize_disks(larger(guest))
    assert sorted(path.name for path in host.instances.iterdir()) == [guest.id, f'{guest.id}_resize']
    assert driver.leftovers() == (guest.id,)
    assert driver.ensure(larger(guest), no_image, DRIVE) is Power.RUNNING
    assert told(driver, guest) == RESIZED
    assert 'Max memory:     196608 KiB' in host.virsh('dominfo', guest.name)

    driver.stop(guest.id, 0)
    driver.restore_disks(guest.id)
    driver.restore_disks(guest.id)
    assert [path.name for path in host.instances.iterdir()] == [guest.id]
    assert driver.ensure(guest, no_image, DRIVE) is Power.RUNNING
    # What the larger guest told and wrote went with its disks.
    assert told(driver, guest) == AS_BEFORE

    driver.stop(guest.id, 60)
    driver.resize_disks(larger(guest))
    driver.forget_old_disks(guest.id)
    assert [path.name for path in host.instances.iterdir()] == [guest.id]
    driver.ensure(larger(guest), no_image, DRIVE)
    assert told(driver, guest) == [*RESIZED[:-1], 'marks 2']


def test_a_guest_whose_disks_are_set_aside_is_removed_with_them(driver, host, guest):
    driver.stop(guest.id, 0)
    driver.resize_disks(larger(guest))
    driver.remove(guest.id, guest.name)
    assert list(host.instances.iterdir()) == []
