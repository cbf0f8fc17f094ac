"""What a host tells of a guest that it has made: its machine type, and where its tagged devices are."""

import dataclasses
import json
from typing import Any

from nova.domain.guest import Guest
from nova.domain.guest_wishes import RECORDED_MACHINE

NIC, DISK = 'nic', 'disk'
# Under this name a server's system metadata keeps the devices.
RECORDED_DEVICES = 'device_metadata'


@dataclasses.dataclass(frozen=True)
class Device:
    """A tagged device as the guest sees it: on a `bus` (none, pci, usb, scsi, ide, virtio) at an `address` of its kind.

    Network cards are known by their `mac`, disks by `serial` and `path`.
    """

    type: str
    tag: str
    bus: str = 'none'
    address: str | None = None
    mac: str | None = None
    serial: str | None = None
    path: str | None = None

    def shown(self) -> dict[str, Any]:
        """As guests read it."""
        facts = {'type': self.type, 'bus': self.bus, 'address': self.address, 'mac': self.mac, 'serial': self.serial}
        known = {name: value for name, value in {**facts, 'path': self.path}.items() if value is not None}
        return {**known, 'tags': [self.tag]}


@dataclasses.dataclass(frozen=True)
class Description:
    machine_type: str | None = None
    devices: tuple[Device, ...] = ()


def worth_telling(guest: Guest) -> bool:
    """Whether somebody wants to know, who does not yet, what the guest has become."""
    recorded = guest.server.system_metadata
    return RECORDED_MACHINE not in recorded or bool(_tags(guest)) or RECORDED_DEVICES in recorded


def records(description: Description, known: dict[str, str]) -> dict[str, str]:
    """A server's system metadata with the description; its first machine type stays."""
    machine = {RECORDED_MACHINE: description.machine_type} if description.machine_type else {}
    kept = {name: value for name, value in known.items() if name != RECORDED_DEVICES}
    devices = [dataclasses.asdict(device) for device in description.devices]
    return {**machine, **kept, **({RECORDED_DEVICES: json.dumps(devices)} if devices else {})}


def recorded(system_metadata: dict[str, str]) -> tuple[Device, ...]:
    return tuple(Device(**entry) for entry in json.loads(system_metadata.get(RECORDED_DEVICES, '[]')))


def pending(guest: Guest) -> tuple[Device, ...]:
    """The tagged disks of a guest that is about to be made, of which no address is known yet."""
    return tuple(Device(DISK, device.tag, serial=device.volume_id) for device in guest.block_devices if device.tag)


def _tags(guest: Guest) -> list[str]:
    return [tagged.tag for tagged in (*guest.ports, *guest.block_devices) if tagged.tag]
