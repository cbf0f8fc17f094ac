"""What hosts tell of guests, and how guests read it."""

import dataclasses
import json

from nova.domain import guest_data, guest_devices
from nova.domain.block_device import BLANK, IMAGE, LOCAL, BlockDevice
from nova.domain.guest_devices import Description, Device
from tests.fakes.guests import a_guest

CARD = Device('nic', 'front', 'pci', '0000:00:03.0', mac='fa:16:3e:00:00:01')
DISK = Device('disk', 'scratch', 'pci', '0000:00:05.0', path='/dev/vdb')


def tagged(guest):
    disks = (BlockDevice(IMAGE, LOCAL, boot_index=0), BlockDevice(BLANK, LOCAL, size=1, tag='scratch'))
    return dataclasses.replace(guest, block_devices=disks)


def knowing(guest, **kept):
    return dataclasses.replace(guest, server=dataclasses.replace(guest.server, system_metadata=kept))


def test_only_news_is_worth_telling():
    assert guest_devices.worth_telling(a_guest())
    known = {'image_hw_machine_type': 'pc'}
    assert not guest_devices.worth_telling(knowing(a_guest(), **known))
    assert guest_devices.worth_telling(knowing(tagged(a_guest()), **known))
    # Its tagged devices may all be gone now.
    assert guest_devices.worth_telling(knowing(a_guest(), **known, device_metadata='[]'))


def test_the_first_machine_type_stays_and_the_devices_follow():
    first = guest_devices.records(Description('pc', (CARD,)), {'password': 'x'})
    second = guest_devices.records(Description('q35', (DISK,)), first)
    assert (second['image_hw_machine_type'], second['password']) == ('pc', 'x')
    assert guest_devices.recorded(second) == (DISK,)
    assert 'device_metadata' not in guest_devices.records(Description('q35'), second)


def test_a_guest_reads_where_its_disks_are():
    kept = guest_devices.records(Description('pc', (DISK,)), {})
    files = guest_data.files(knowing(a_guest(), **kept).server, guest_data.Site(), b'seed', ())
    assert json.loads(files['openstack/latest/meta_data.json'])['devices'] == [
        {'type': 'disk', 'bus': 'pci', 'address': '0000:00:05.0', 'path': '/dev/vdb', 'tags': ['scratch']}
    ]


def test_disks_that_are_to_be_made_have_no_address_yet():
    assert [device.shown() for device in guest_devices.pending(tagged(a_guest()))] == [
        {'type': 'disk', 'bus': 'none', 'tags': ['scratch']}
    ]
