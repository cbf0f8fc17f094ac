"""A guest's disk: a file, and the part it plays."""

import dataclasses
import enum

from nova import errors
from nova.domain.block_device import BlockDevice

# What a guest may see a disk as, and on which buses that can be.
BUSES = {'cdrom': ('ide', 'sata', 'scsi', 'usb'), 'disk': ('ide', 'sata', 'scsi', 'usb', 'virtio'), 'floppy': ('fdc',)}


class Role(enum.Enum):
    """What a disk is for. The values are the names of the files."""

    ROOT = 'disk'
    EPHEMERAL = 'disk.eph0'
    SWAP = 'disk.swap'
    CONFIG = 'disk.config'
    # What a guest that is rescued boots from, and its data.
    RESCUE = 'disk.rescue'
    RESCUE_CONFIG = 'disk.config.rescue'
    # No disks to the guest: its host gives it these to start from, instead of what is on its disk.
    KERNEL = 'disk.kernel'
    RAMDISK = 'disk.ramdisk'
    RESCUE_KERNEL = 'disk.kernel.rescue'
    RESCUE_RAMDISK = 'disk.ramdisk.rescue'


@dataclasses.dataclass(frozen=True)
class Disk:
    """One file in a guest's directory. `size` in bytes is what the guest sees."""

    role: Role
    format: str
    size: int
    device: str = 'disk'
    # Of several ephemeral disks.
    number: int = 0
    # None: the bus that the guest's disks of this kind have.
    bus: str | None = None
    # Whether the guest boots from it, whichever comes first.
    boots: bool = False
    # Of an empty disk: the file system to make, None for the usual one; and the guest's system, by its image.
    file_system: str | None = None
    os_type: str | None = None
    # What a kernel is told; None for the usual.
    command_line: str | None = None

    @property
    def holds_data(self) -> bool:
        """Whether it tells the guest who it is."""
        return self.role in (Role.CONFIG, Role.RESCUE_CONFIG)

    @property
    def is_no_disk(self) -> bool:
        """Whether the guest starts from it, and does not see it as a disk."""
        return self.role in (Role.KERNEL, Role.RAMDISK, Role.RESCUE_KERNEL, Role.RESCUE_RAMDISK)

    @property
    def name(self) -> str:
        return f'{self.role.value[:-1]}{self.number}' if self.role is Role.EPHEMERAL else self.role.value


def as_asked(disk: Disk, asked: BlockDevice | None) -> Disk:
    """The disk as the device and on the bus that its user asked for. Raises Invalid for what a file cannot be."""
    if asked is None:
        return disk
    device = disk.device if disk.device != 'disk' else asked.device_type or disk.device
    if device not in BUSES:
        raise errors.Invalid(f'device_type is "{device[:64]}"; a disk on its host can be a {", ".join(BUSES)}.')
    bus = asked.disk_bus or ('fdc' if device == 'floppy' else None)
    if bus is not None and bus not in BUSES[device]:
        raise errors.Invalid(f'disk_bus is "{bus[:64]}"; a {device} can be on {", ".join(BUSES[device])}.')
    return dataclasses.replace(disk, device=device, bus=bus)
