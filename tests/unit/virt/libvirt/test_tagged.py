"""Tagged devices in the description of a domain."""

import dataclasses

import pytest

from nova.domain.block_device import BLANK, IMAGE, LOCAL, VOLUME, BlockDevice
from nova.virt.libvirt import tagged
from tests.unit.virt.libvirt.samples import a_guest, a_port

DOMAIN = """
<domain><devices>
  <disk type='file'><source file='/i/x/disk'/><target dev='sda' bus='scsi'/>
    <address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>
  <disk type='file'><source file='/i/x/disk.eph1'/><target dev='vdb' bus='virtio'/>
    <address type='pci' domain='0x0000' bus='0x04' slot='0x0a' function='0x1'/></disk>
  <disk type='file'><source file='/i/x/disk.swap'/><target dev='hdb' bus='ide'/>
    <address type='drive' controller='0' bus='1' target='0' unit='0'/></disk>
  <disk type='network'><serial>a-volume</serial><target dev='vdc' bus='virtio'/></disk>
  <interface><mac address='FA:16:3E:12:34:56'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></interface>
  <interface><mac address='fa:16:3e:00:00:99'/></interface>
</devices></domain>
"""
DISKS = (
    BlockDevice(IMAGE, LOCAL, boot_index=0, tag='system'),
    BlockDevice(BLANK, LOCAL, size=1),
    BlockDevice(BLANK, LOCAL, size=1, tag='scratch'),
    BlockDevice(BLANK, LOCAL, size=1, guest_format='swap', tag='swap'),
    BlockDevice(VOLUME, VOLUME, volume_id='a-volume', tag='data'),
)


@pytest.fixture
def found():
    guest = dataclasses.replace(a_guest(ports=(a_port(tag='front'),)), block_devices=DISKS)
    return {device.tag: device for device in tagged.devices(guest, DOMAIN)}


def test_each_has_the_address_of_its_bus(found):
    assert {tag: (device.type, device.bus, device.address) for tag, device in found.items()} == {
        'front': ('nic', 'pci', '0000:00:03.0'),
        'system': ('disk', 'scsi', '0:0:0:1'),
        'scratch': ('disk', 'pci', '0000:04:0a.1'),
        'swap': ('disk', 'ide', '1:0'),
        'data': ('disk', 'virtio', None),
    }


def test_cards_are_known_by_their_mac_and_disks_by_serial_and_path(found):
    assert found['front'].mac == 'fa:16:3e:12:34:56'
    assert (found['data'].serial, found['data'].path) == ('a-volume', '/dev/vdc')
