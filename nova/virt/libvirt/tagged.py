"""Find a guest's tagged devices in the description of its running domain."""

import os.path
from collections.abc import Iterator
from xml.etree import ElementTree

from nova.domain.block_device import BlockDevice
from nova.domain.guest import Guest
from nova.domain.guest_devices import DISK, NIC, Device
from nova.virt.libvirt.disk import Disk, Role


def devices(guest: Guest, domain: str) -> tuple[Device, ...]:
    root = ElementTree.fromstring(domain)
    return (*_cards(guest, root), *_disks(guest, root))


def _cards(guest: Guest, root: ElementTree.Element) -> Iterator[Device]:
    tags = {port.mac.lower(): port.tag for port in guest.ports if port.tag}
    for card in root.findall('devices/interface'):
        mac = card.find('mac').get('address', '').lower()
        if mac in tags:
            bus, address = _place(card, 'none')
            yield Device(NIC, tags[mac], bus, address, mac=mac)


def _disks(guest: Guest, root: ElementTree.Element) -> Iterator[Device]:
    tags = dict(_tagged_disks(guest))
    for disk in root.findall('devices/disk'):
        source, target = disk.find('source'), disk.find('target')
        name = os.path.basename(source.get('file', '')) if source is not None else ''
        serial = disk.findtext('serial')
        tag = tags.get(serial or name)
        if tag:
            bus, address = _place(disk, target.get('bus'))
            yield Device(DISK, tag, bus, address, serial=serial, path=f'/dev/{target.get("dev")}')


def _tagged_disks(guest: Guest) -> Iterator[tuple[str, str | None]]:
    """By the file's name, or the volume's id, which is its serial number."""
    ephemerals = 0
    for device in guest.block_devices:
        yield _name(device, ephemerals), device.tag
        ephemerals += device.is_ephemeral


def _name(device: BlockDevice, ephemerals: int) -> str:
    if device.volume_id:
        return device.volume_id
    if device.is_ephemeral:
        return Disk(Role.EPHEMERAL, '', 0, number=ephemerals).name
    return (Role.SWAP if device.is_swap else Role.ROOT).value


def _place(device: ElementTree.Element, bus: str) -> tuple[str, str | None]:
    """The bus, and the device's address there as the guest's system writes it."""
    address = device.find('address')
    if address is None:
        return bus, None
    at = address.attrib
    if at['type'] == 'pci':
        numbers = (int(at[part], 16) for part in ('domain', 'bus', 'slot', 'function'))
        return 'pci', '{:04x}:{:02x}:{:02x}.{:x}'.format(*numbers)
    if at['type'] == 'drive' and bus == 'ide':
        return bus, f'{at["bus"]}:{at["unit"]}'
    if at['type'] == 'drive':
        return bus, ':'.join(at[part] for part in ('controller', 'bus', 'target', 'unit'))
    if at['type'] == 'usb':
        return 'usb', f'{at["bus"]}:{at["port"]}'
    return bus, None
