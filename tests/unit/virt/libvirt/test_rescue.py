"""Which disks a rescued guest finds, and where."""

import pytest

from nova import errors
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml.domain import domain_xml
from nova.virt.libvirt.rescue import arrange
from tests.unit.virt.libvirt.samples import a_guest, an_image, some_settings

GIB = 1 << 30
OWN = (
    Disk(Role.ROOT, 'qcow2', GIB),
    Disk(Role.EPHEMERAL, 'raw', GIB),
    Disk(Role.SWAP, 'raw', GIB),
    Disk(Role.CONFIG, 'raw', 0, 'cdrom'),
)


def names(disks):
    return [disk.name for disk in disks]


def test_the_rescue_disk_comes_first_and_the_root_disk_second():
    disks = arrange(OWN, {}, 'qcow2', GIB, 'qcow2', 'cdrom')
    assert names(disks) == ['disk.rescue', 'disk', 'disk.config.rescue']
    assert [disk.boots for disk in disks] == [True, False, False]


@pytest.mark.parametrize(
    ('properties', 'device', 'bus'),
    [
        ({'hw_rescue_device': 'disk'}, 'disk', None),
        ({'hw_rescue_device': 'cdrom'}, 'cdrom', None),
        ({'hw_rescue_device': 'floppy'}, 'floppy', 'fdc'),
        ({'hw_rescue_bus': 'usb'}, 'disk', 'usb'),
        ({'hw_rescue_bus': 'scsi', 'hw_rescue_device': 'cdrom'}, 'cdrom', 'scsi'),
    ],
)
def test_a_rescue_image_that_says_how_keeps_the_disks_in_their_places(properties, device, bus):
    disks = arrange(OWN, properties, 'qcow2', GIB, 'qcow2', 'cdrom')
    assert names(disks) == ['disk', 'disk.eph0', 'disk.swap', 'disk.config.rescue', 'disk.rescue']
    assert (disks[-1].device, disks[-1].bus, disks[-1].boots) == (device, bus, True)


def test_without_a_config_drive_there_is_none():
    assert names(arrange(OWN, {}, 'qcow2', GIB, 'qcow2', None)) == ['disk.rescue', 'disk']


def test_installation_media_are_a_drive():
    assert arrange(OWN, {}, 'iso', GIB, 'qcow2', None)[0].device == 'cdrom'


@pytest.mark.parametrize(
    ('properties', 'says'),
    [
        ({'hw_rescue_device': 'lun'}, 'hw_rescue_device is "lun"'),
        ({'hw_rescue_device': 'cdrom', 'hw_rescue_bus': 'virtio'}, 'hw_rescue_bus is "virtio"; a cdrom can be on'),
        ({'hw_rescue_bus': 'xen'}, 'hw_rescue_bus is "xen"'),
    ],
)
def test_what_the_host_cannot_do_is_refused(properties, says):
    with pytest.raises(errors.ImageUnacceptable, match=says):
        arrange(OWN, properties, 'qcow2', GIB, 'qcow2', None)


def test_the_domain_boots_from_the_rescue_disk_and_from_nothing_else():
    disks = arrange(OWN, {'hw_rescue_bus': 'usb'}, 'qcow2', GIB, 'qcow2', 'cdrom')
    xml = domain_xml(a_guest(image=an_image()), disks, some_settings(), cache_mode='none', serial=None)
    assert '<boot dev=' not in xml
    assert xml.count('<boot order="1" />') == 1
    (rescue,) = [part for part in xml.split('<disk ') if 'disk.rescue"' in part]
    assert '<boot order="1" />' in rescue
    assert '<target dev="sda" bus="usb" />' in rescue
    assert '<target dev="vda" bus="virtio" />' in xml


def test_what_the_rescue_image_starts_from_is_its_own_and_not_the_guests():
    own = (*OWN, Disk(Role.KERNEL, 'raw', 0), Disk(Role.RAMDISK, 'raw', 0))
    assert names(arrange(own, {}, 'qcow2', GIB, 'qcow2', None)) == ['disk.rescue', 'disk']
    properties = {'kernel_id': 'k', 'ramdisk_id': 'r'}
    starts_from = ['disk.kernel.rescue', 'disk.ramdisk.rescue']
    assert names(arrange(own, properties, 'ami', GIB, 'qcow2', None)) == ['disk.rescue', 'disk', *starts_from]
    stable = arrange(own, {**properties, 'hw_rescue_bus': 'virtio'}, 'ami', GIB, 'qcow2', None)
    assert names(stable) == ['disk', 'disk.eph0', 'disk.swap', 'disk.rescue', *starts_from]
