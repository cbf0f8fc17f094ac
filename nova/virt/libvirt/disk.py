"""A guest's disk: a file, and the part it plays."""

import dataclasses
import enum


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
