"""Have guests start from a kernel that their image names, and perhaps a ramdisk, instead of from their disk."""

import dataclasses
import os.path
from collections.abc import Mapping, Sequence
from typing import Any

from nova.virt.libvirt.disk import Disk, Role

# By which property an image names each, and what it is in the guest's directory: usually, and while it is rescued.
PARTS = (('kernel_id', Role.KERNEL, Role.RESCUE_KERNEL), ('ramdisk_id', Role.RAMDISK, Role.RESCUE_RAMDISK))
KERNELS, RAMDISKS = (Role.KERNEL, Role.RESCUE_KERNEL), (Role.RAMDISK, Role.RESCUE_RAMDISK)
USUAL_CONSOLES = 'console=tty0 console=ttyS0'


@dataclasses.dataclass(frozen=True)
class Start:
    """The paths of what a guest starts from, and what its kernel is told."""

    kernel: str
    ramdisk: str | None
    command_line: str


def files(properties: Mapping[str, Any], rescue: bool = False) -> tuple[Disk, ...]:
    """What an image with these properties starts from besides its disk. A ramdisk alone starts nothing."""
    if not properties.get('kernel_id'):
        return ()
    told = properties.get('os_command_line') or None
    return tuple(
        Disk(rescued if rescue else usual, 'raw', 0, command_line=told if name == 'kernel_id' else None)
        for name, usual, rescued in PARTS
        if properties.get(name)
    )


def image_id(disk: Disk, properties: Mapping[str, Any]) -> str | None:
    """The image that the file is a copy of; None for a file of another kind."""
    return next((properties.get(name) for name, *roles in PARTS if disk.role in roles), None)


def start(disks: Sequence[Disk], directory: str, root_device: str) -> Start | None:
    """How the guest starts; None if it does so from its disk, which it sees as `root_device`."""
    paths = {disk.role: os.path.join(directory, disk.name) for disk in disks if disk.is_no_disk}
    kernel = next((disk for disk in disks if disk.role in KERNELS), None)
    if kernel is None:
        return None
    ramdisk = next((paths[role] for role in RAMDISKS if role in paths), None)
    return Start(paths[kernel.role], ramdisk, kernel.command_line or f'root=/dev/{root_device} {USUAL_CONSOLES}')
