"""Which disks a guest has while it is rescued, and in what order it finds them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from nova import errors
from nova.virt.libvirt import kernel
from nova.virt.libvirt.disk import BUSES, Disk, Role


def arrange(
    own: Sequence[Disk],
    properties: Mapping[str, Any],
    image_format: str | None,
    size: int,
    disk_format: str,
    drive_device: str | None,
) -> tuple[Disk, ...]:
    """The disks. `size` is of the rescue image's; `drive_device` is what the config drive is seen as, None without one.

    A rescue image that says which device or bus it wants keeps the guest's disks in their places; the rescue disk comes
    last. Any other is the guest's first disk, and the guest's root disk the second. What the rescue image starts from comes
    at the end.
    """
    rescue = _rescue_disk(properties, image_format, size, disk_format)
    drive = (Disk(Role.RESCUE_CONFIG, 'raw', 0, drive_device),) if drive_device else ()
    starts_from = kernel.files(properties, rescue=True)
    if is_stable(properties):
        kept = (disk for disk in own if not (disk.holds_data or disk.is_no_disk))
        return *kept, *drive, rescue, *starts_from
    return rescue, *(disk for disk in own if disk.role is Role.ROOT), *drive, *starts_from


def is_stable(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get('hw_rescue_device') or properties.get('hw_rescue_bus'))


def _rescue_disk(properties: Mapping[str, Any], image_format: str | None, size: int, disk_format: str) -> Disk:
    usual = 'cdrom' if image_format == 'iso' else 'disk'
    device, bus = properties.get('hw_rescue_device') or usual, properties.get('hw_rescue_bus') or None
    if device not in BUSES:
        raise errors.ImageUnacceptable(f'hw_rescue_device is "{device}"; this host knows {", ".join(BUSES)}.')
    if bus is None and device == 'floppy':
        bus = 'fdc'
    if bus is not None and bus not in BUSES[device]:
        known = ', '.join(BUSES[device])
        raise errors.ImageUnacceptable(f'hw_rescue_bus is "{bus}"; a {device} can be on {known}.')
    return dataclasses.replace(Disk(Role.RESCUE, disk_format, size, device), bus=bus, boots=True)
