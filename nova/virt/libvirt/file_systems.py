"""Make the file systems of ephemeral disks."""

import shlex

from nova import errors
from nova.virt.libvirt import commands
from nova.virt.libvirt.settings import Settings

USUAL, WINDOWS = 'ext4', 'ntfs'
EXT = ('-q', '-F', '-L')
MAKERS = {
    'ext2': ('mkfs.ext2', *EXT),
    'ext3': ('mkfs.ext3', *EXT),
    'ext4': ('mkfs.ext4', *EXT),
    'xfs': ('mkfs.xfs', '-q', '-f', '-L'),
    'vfat': ('mkfs.vfat', '-I', '-n'),
    'ntfs': ('mkfs.ntfs', '-F', '-Q', '-q', '-L'),
}


def command(path: str, label: str, wanted: str | None, os_type: str | None, settings: Settings) -> list[str]:
    """How to make one: what the user wants, else what the operator says for all or for the guest's system."""
    kind = wanted or settings.ephemeral_format
    custom = settings.mkfs_commands.get(os_type or '') or settings.mkfs_commands.get('default')
    if kind is None and custom:
        return [word % {'fs_label': label, 'target': path} for word in shlex.split(custom)]
    kind = kind or (WINDOWS if os_type == 'windows' else USUAL)
    if kind not in MAKERS:
        raise errors.Invalid(f'A disk cannot be made with the file system {kind}; known are {", ".join(MAKERS)}.')
    return [*MAKERS[kind], label, path]


def make(path: str, label: str, wanted: str | None, os_type: str | None, settings: Settings) -> None:
    commands.run(command(path, label, wanted, os_type, settings))
