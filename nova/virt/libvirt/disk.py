"""A guest's disk: a file, and the part it plays."""

import dataclasses
import enum


class Role(enum.Enum):
    """What a disk is for. The values are the names of the files."""

    ROOT = 'disk'
    EPHEMERAL = 'disk.eph0'
    SWAP = 'disk.swap'
    CONFIG = 'disk.config'


@dataclasses.dataclass(frozen=True)
class Disk:
    """One file in a guest's directory. `size` in bytes is what the guest sees."""

    role: Role
    format: str
    size: int
    device: str = 'disk'
    # Of several ephemeral disks.
    number: int = 0

    @property
    def name(self) -> str:
        return f'{self.role.value[:-1]}{self.number}' if self.role is Role.EPHEMERAL else self.role.value
