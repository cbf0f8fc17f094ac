"""Make the drive on which a guest finds its data: a CD or a FAT disk with the label `config-2`."""

import os
import tempfile
from collections.abc import Mapping

from nova import errors
from nova.virt.libvirt import commands

LABEL = 'config-2'
PUBLISHER = 'OpenStack Compute'
MIB = 1 << 20
# FAT needs room for its tables and for rounding each file up.
SMALLEST_FAT = 4 * MIB
SECTOR, HEADS, SECTORS_PER_TRACK = 512, 64, 32


def make(path: str, files: Mapping[str, bytes], drive_format: str, mkisofs_command: str) -> None:
    """Write the drive's image to `path`. `files`: contents by relative path."""
    with tempfile.TemporaryDirectory(prefix='.config-', dir=os.path.dirname(path)) as root:
        for name, content in files.items():
            _write(root, name, content)
        if drive_format == 'vfat':
            _make_fat(path, root, files)
        else:
            _make_iso(path, root, mkisofs_command)


def _write(root: str, name: str, content: bytes) -> None:
    place = os.path.normpath(os.path.join(root, name))
    if not place.startswith(root + os.sep):
        raise errors.Invalid(f'The config drive cannot hold a file named "{name}".')
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, 'wb') as file:
        file.write(content)


def _make_iso(path: str, root: str, mkisofs_command: str) -> None:
    names = ('-ldots', '-allow-lowercase', '-allow-multidot', '-l', '-r', '-J')
    commands.run([mkisofs_command, '-quiet', '-o', path, *names, '-publisher', PUBLISHER, '-V', LABEL, root])


def _make_fat(path: str, root: str, files: Mapping[str, bytes]) -> None:
    content = sum(len(content) + 32 * SECTOR for content in files.values())
    size = -(-max(SMALLEST_FAT, 2 * content) // MIB) * MIB
    with open(path, 'wb') as file:
        file.truncate(size)
    shape = ('-T', str(size // SECTOR), '-h', str(HEADS), '-s', str(SECTORS_PER_TRACK))
    commands.run(['mformat', '-i', path, '-v', LABEL, *shape, '::'])
    commands.run(
        ['mcopy', '-i', path, '-s', '-Q', *(os.path.join(root, name) for name in sorted(os.listdir(root))), '::']
    )
