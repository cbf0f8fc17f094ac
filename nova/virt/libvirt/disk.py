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

    @property
    def name(self) -> str:
        return self.role.value
