"""Tell what format an image's data really has, and refuse what is not safe to give to QEMU."""

import dataclasses
import re
import struct
import uuid
from collections.abc import Callable
from typing import BinaryIO

from nova import errors

SECTOR = 512
# No header that we look at is longer; whatever a file says of its own lengths, no more than this is read at once.
LONGEST_READ = 1 << 20

# QEMU's names of formats, where they differ from Glance's. An ISO image is a disk of plain sectors.
QEMU_NAMES = {'vhd': 'vpc', 'iso': 'raw'}
# Plain sectors under other names: kernels, ramdisks and file systems of the Amazon kind.
PLAIN_CLAIMS = frozenset({'raw', 'ami', 'aki', 'ari'})
USABLE = frozenset({'raw', 'qcow2', 'vmdk', 'vdi', 'vhd', 'vhdx', 'iso'})


@dataclasses.dataclass(frozen=True)
class ImageFacts:
    """What an image's data say. Sizes in bytes; `problems` are whole sentences, each a reason to refuse the image."""

    format: str
    size: int
    virtual_size: int
    backing_file: str | None = None
    data_file: str | None = None
    encrypted: bool = False
    # `gpt` or `mbr` where plain sectors begin with a partition table.
    partition_table: str | None = None
    # Of vmdk, its createType.
    kind: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def qemu_format(self) -> str:
        """The format's name in QEMU's commands."""
        return QEMU_NAMES.get(self.format, self.format)


class _Window:
    """Bounded reads at places in a file; what lies beyond its end reads as nothing."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.size = file.seek(0, 2)

    def at(self, offset: int, length: int) -> bytes:
        if not 0 <= offset < self.size:
            return b''
        self._file.seek(offset)
        return self._file.read(min(length, LONGEST_READ))

    def unpack(self, layout: str, offset: int) -> tuple:
        data = self.at(offset, struct.calcsize(layout))
        if len(data) < struct.calcsize(layout):
            raise _Unreadable('its header is cut off')
        return struct.unpack(layout, data)


class _Unreadable(Exception):
    """The header cannot be read to its end; says why."""


def inspect(file: BinaryIO) -> ImageFacts:
    """The facts of the image in a seekable binary file."""
    window = _Window(file)
    found = [(name, read) for name, (matches, read) in _FORMATS.items() if matches(window)]
    if not found:
        return ImageFacts('raw', window.size, window.size, partition_table=_partition_table(window))
    name, read = found[0]
    try:
        facts = read(window)
    except _Unreadable as failure:
        facts = ImageFacts(name, window.size, 0, problems=(f'It begins as {name}, but {failure}.',))
    if len(found) > 1:
        names = ' and '.join(name for name, _read in found)
        facts = dataclasses.replace(facts, problems=(*facts.problems, f'It looks like {names} at the same time.'))
    return facts


def inspect_file(path: str) -> ImageFacts:
    """The facts of the image in the file at `path`."""
    with open(path, 'rb') as file:
        return inspect(file)


def check_safe(facts: ImageFacts, claimed_format: str | None) -> None:
    """Raise ImageUnacceptable unless the image is what it claims to be and refers to nothing outside itself."""
    if claimed_format is None:
        raise errors.ImageUnacceptable('The image does not say what format it has; set its disk_format.')
    if not _agree(facts.format, claimed_format):
        raise errors.ImageUnacceptable(f'The image claims to be {claimed_format}, but its data are {facts.format}.')
    if facts.format not in USABLE:
        raise errors.ImageUnacceptable(f'Images in the format {facts.format} cannot be used; convert it to qcow2.')
    if facts.backing_file is not None:
        raise errors.ImageUnacceptable('The image refers to a backing file, which is not part of it; flatten it.')
    if facts.data_file is not None:
        raise errors.ImageUnacceptable('The image keeps its data in another file, which is not part of it.')
    if facts.encrypted:
        raise errors.ImageUnacceptable('The image is encrypted; encrypted images cannot be used.')
    if facts.problems:
        raise errors.ImageUnacceptable(f'The image cannot be used. {facts.problems[0]}')
    if facts.virtual_size <= 0:
        raise errors.ImageUnacceptable('The image holds a disk of no size.')


def _agree(actual: str, claimed: str) -> bool:
    # Installation media are often uploaded as raw, which they are.
    return claimed == actual or (claimed in PLAIN_CLAIMS and actual in ('raw', 'iso'))


def _partition_table(window: _Window) -> str | None:
    first = window.at(0, SECTOR)
    if first[510:512] != b'\x55\xaa':
        return None
    return 'gpt' if window.at(SECTOR, 8) == b'EFI PART' else 'mbr'


# --- qcow2

QCOW2_HEADER = '>4sIQIIQIIQQIIQ'
QCOW2_KNOWN = {0: 'dirty', 1: 'corrupt', 2: 'data file', 3: 'compression type', 4: 'extended L2'}
QCOW2_CORRUPT, QCOW2_DATA_FILE = 1 << 1, 1 << 2
QCOW2_DATA_FILE_NAME = 0x44415441
QCOW2_LONGEST_NAME = 1023


def _read_qcow2(window: _Window) -> ImageFacts:
    header = window.unpack(QCOW2_HEADER, 0)
    version, backing_offset, backing_length, cluster_bits, virtual_size, encryption = header[1:7]
    problems, incompatible, header_length = [], 0, 72
    if version == 3:
        (incompatible,), (header_length,) = window.unpack('>Q', 72), window.unpack('>I', 100)
    if not 9 <= cluster_bits <= 21:
        problems.append(f'Its clusters of 2^{cluster_bits} bytes are out of range.')
    unknown = incompatible & ~sum(1 << bit for bit in QCOW2_KNOWN)
    if unknown:
        problems.append(f'It needs features of qcow2 that are not known (mask {unknown:#x}).')
    if incompatible & QCOW2_CORRUPT:
        problems.append('It is marked as corrupt.')
    if version == 3 and not 104 <= header_length <= 4096:
        problems.append(f'Its header length of {header_length} is out of range.')
        header_length = 104
    data_file = _qcow2_data_file(window, header_length) if version == 3 else None
    if incompatible & QCOW2_DATA_FILE and data_file is None:
        data_file = ''
    return ImageFacts(
        'qcow2',
        window.size,
        virtual_size,
        backing_file=_text(window.at(backing_offset, min(backing_length, QCOW2_LONGEST_NAME)))
        if backing_offset or backing_length
        else None,
        data_file=data_file,
        encrypted=encryption != 0,
        problems=tuple(problems),
    )


def _qcow2_data_file(window: _Window, offset: int) -> str | None:
    """The name in the header extension for an external data file."""
    for _number in range(64):
        kind, length = window.unpack('>II', offset)
        if kind == QCOW2_DATA_FILE_NAME:
            return _text(window.at(offset + 8, min(length, QCOW2_LONGEST_NAME)))
        if kind == 0:
            return None
        offset += 8 + -(-length // 8) * 8
    raise _Unreadable('its header has too many extensions')


# --- vmdk

VMDK_HEADER = '<4sIIQQQQIQQQ'
VMDK_GRAINS_AT_END = (1 << 64) - 1
VMDK_TYPES = frozenset({'monolithicSparse', 'streamOptimized'})
VMDK_EXTENT = re.compile(r'^\s*(?:RW|RDONLY|NOACCESS)\s+(\d+)\s+(\w+)\s+"([^"]*)"', re.MULTILINE)
VMDK_NO_PARENT = 'ffffffff'


def _read_vmdk(window: _Window) -> ImageFacts:
    if window.at(0, 4) != b'KDMV':
        problem = 'It describes extents in other files; only self-contained vmdk images can be used.'
        return ImageFacts('vmdk', window.size, 0, problems=(problem,))
    header = window.unpack(VMDK_HEADER, 0)
    capacity, descriptor_offset, descriptor_length, grain_directory = header[3], header[5], header[6], header[9]
    problems = []
    if not capacity:
        problems.append('Its header gives the disk no size.')
    if grain_directory == VMDK_GRAINS_AT_END:
        problems += _vmdk_footer_problems(window, capacity)
    if not 0 < descriptor_length * SECTOR <= LONGEST_READ:
        problems.append('It has no descriptor of a sensible length.')
    descriptor = _text(window.at(descriptor_offset * SECTOR, descriptor_length * SECTOR))
    problems += _vmdk_descriptor_problems(descriptor)
    settings = _vmdk_settings(descriptor)
    parent = settings.get('parentfilenamehint')
    if settings.get('parentcid', VMDK_NO_PARENT).lower() != VMDK_NO_PARENT:
        parent = parent or ''
    kind = settings.get('createtype')
    return ImageFacts('vmdk', window.size, capacity * SECTOR, parent, kind=kind, problems=tuple(problems))


def _vmdk_footer_problems(window: _Window, capacity: int) -> list[str]:
    # QEMU believes the footer where there is one, so it must say the same as the header.
    footer = window.unpack(VMDK_HEADER, window.size - 2 * SECTOR)
    return [] if footer[0] == b'KDMV' and footer[3] == capacity else ['Its footer contradicts its header.']


def _vmdk_descriptor_problems(descriptor: str) -> list[str]:
    kind = _vmdk_settings(descriptor).get('createtype')
    problems = []
    if kind not in VMDK_TYPES:
        problems.append(f'It is vmdk of the type {kind}; only {" and ".join(sorted(VMDK_TYPES))} can be used.')
    extents = VMDK_EXTENT.findall(descriptor)
    if [extent_kind for _sectors, extent_kind, _name in extents] != ['SPARSE']:
        problems.append('It does not consist of one sparse extent.')
    if any('/' in name or '\\' in name for _sectors, _kind, name in extents):
        problems.append('Its extent lies in another directory.')
    return problems


def _vmdk_settings(descriptor: str) -> dict[str, str]:
    pairs = (line.partition('=') for line in descriptor.splitlines() if '=' in line and not line.startswith('#'))
    return {name.strip().lower(): value.strip().strip('"') for name, _equals, value in pairs}


# --- vhd, vhdx, vdi

VHD_DISK_TYPES = {2: 'fixed', 3: 'dynamic', 4: 'differencing'}


def _is_vhd(window: _Window) -> bool:
    return window.at(0, 8) == b'conectix' or window.at(window.size - SECTOR, 8) == b'conectix'


def _read_vhd(window: _Window) -> ImageFacts:
    start = 0 if window.at(0, 8) == b'conectix' else window.size - SECTOR
    (virtual_size,), (disk_type,) = window.unpack('>Q', start + 48), window.unpack('>I', start + 60)
    problems = () if disk_type in VHD_DISK_TYPES else (f'It is vhd of the type {disk_type}, which is not known.',)
    parent = '' if VHD_DISK_TYPES.get(disk_type) == 'differencing' else None
    return ImageFacts('vhd', window.size, virtual_size, backing_file=parent, problems=problems)


VHDX_REGIONS = 192 * 1024
VHDX_MOST_ENTRIES = 2047
VHDX_METADATA = uuid.UUID('8b7ca206-4790-4b9a-b8fe-575f050f886e')
VHDX_BLOCK_TABLE = uuid.UUID('2dc27766-f623-4200-9d64-115e9bfd4a08')
VHDX_VIRTUAL_SIZE = uuid.UUID('2fa54224-cd1b-4876-b211-5dbed83bf4b8')
VHDX_FILE_PARAMETERS = uuid.UUID('caa16737-fa36-4d43-b3b6-33f0aa44e76b')
VHDX_HAS_PARENT = 1 << 1


def _read_vhdx(window: _Window) -> ImageFacts:
    problems = []
    regions = _vhdx_entries(window, VHDX_REGIONS, b'regi', '<4sIII', 2, '<16sQII')
    needed = {entry[0] for entry in regions.values() if entry[3] & 1} - {VHDX_METADATA, VHDX_BLOCK_TABLE}
    if needed:
        problems.append('It needs parts of vhdx that are not known.')
    if VHDX_METADATA not in regions:
        return ImageFacts('vhdx', window.size, 0, problems=('It has no metadata.',))
    start = regions[VHDX_METADATA][1]
    items = _vhdx_entries(window, start, b'metadata', '<8sHHI16s', 2, '<16sIIII')
    if VHDX_VIRTUAL_SIZE not in items or VHDX_FILE_PARAMETERS not in items:
        return ImageFacts('vhdx', window.size, 0, problems=('Its metadata say nothing of its size.',))
    (virtual_size,) = window.unpack('<Q', start + items[VHDX_VIRTUAL_SIZE][1])
    _block, flags = window.unpack('<II', start + items[VHDX_FILE_PARAMETERS][1])
    parent = '' if flags & VHDX_HAS_PARENT else None
    return ImageFacts('vhdx', window.size, virtual_size, backing_file=parent, problems=tuple(problems))


def _vhdx_entries(
    window: _Window, start: int, signature: bytes, header: str, count_at: int, entry: str
) -> dict[uuid.UUID, tuple]:
    """The entries of one of vhdx's tables, by their identity."""
    head = window.unpack(header, start)
    if head[0] != signature or head[count_at] > VHDX_MOST_ENTRIES:
        raise _Unreadable('one of its tables is not one')
    rows = (
        window.unpack(entry, start + struct.calcsize(header) + number * struct.calcsize(entry))
        for number in range(head[count_at])
    )
    return {identity: (identity, *row[1:]) for row in rows for identity in [uuid.UUID(bytes_le=row[0])]}


VDI_SIGNATURE = struct.pack('<I', 0xBEDA107F)
VDI_PLAIN_TYPES = (1, 2)


def _read_vdi(window: _Window) -> ImageFacts:
    (image_type,), (virtual_size,) = window.unpack('<I', 0x4C), window.unpack('<Q', 0x170)
    links = window.unpack('32s', 0x1A8)[0]
    parent = '' if image_type not in VDI_PLAIN_TYPES or any(links) else None
    return ImageFacts('vdi', window.size, virtual_size, backing_file=parent)


# --- the rest


def _plain(name: str) -> Callable[[_Window], ImageFacts]:
    """A format of which its name is all that needs to be known."""
    return lambda window: ImageFacts(name, window.size, window.size)


def _read_luks(window: _Window) -> ImageFacts:
    return ImageFacts('luks', window.size, window.size, encrypted=True)


def _begins(*magics: bytes) -> Callable[[_Window], bool]:
    return lambda window: window.at(0, 32).startswith(magics)


def _text(data: bytes) -> str:
    return data.split(b'\0', 1)[0].decode('utf-8', 'replace')


# Format: (does the file have its mark, read its header). A file that bears the marks of two is refused.
_FORMATS: dict[str, tuple[Callable[[_Window], bool], Callable[[_Window], ImageFacts]]] = {
    'qcow2': (_begins(b'QFI\xfb\0\0\0\x02', b'QFI\xfb\0\0\0\x03'), _read_qcow2),
    'vmdk': (_begins(b'KDMV', b'COWD', b'# Disk DescriptorFile'), _read_vmdk),
    'vhdx': (_begins(b'vhdxfile'), _read_vhdx),
    'vhd': (_is_vhd, _read_vhd),
    'vdi': (lambda window: window.at(0x40, 4) == VDI_SIGNATURE, _read_vdi),
    'luks': (_begins(b'LUKS\xba\xbe'), _read_luks),
    'qed': (_begins(b'QED\0'), _plain('qed')),
    'ploop': (_begins(b'WithoutFreeSpace', b'WithouFreSpacExt'), _plain('ploop')),
    'iso': (lambda window: window.at(0x8001, 5) == b'CD001', _plain('iso')),
    # Older and stranger relatives of qcow2 are known by name, so as to be refused.
    'qcow': (lambda window: window.at(0, 4) == b'QFI\xfb' and not _FORMATS['qcow2'][0](window), _plain('qcow')),
}
