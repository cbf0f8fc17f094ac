"""Images that want something of the host: each as a user could upload it, with the sentence that refuses it."""

import dataclasses
import struct
from typing import Any

MIB, GIB, PIB = 1 << 20, 1 << 30, 1 << 50
SECTOR = 512
SECRET = '/etc/shadow'


@dataclasses.dataclass(frozen=True)
class HostileImage:
    """`disk_format` is what its owner claims; `says` is a part of the refusal; `fields` are further claims to Glance."""

    name: str
    disk_format: str
    data: bytes = dataclasses.field(repr=False)
    says: str
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def qcow2(
    size: int = MIB,
    backing: str = '',
    data_file: str | None = None,
    incompatible: int = 0,
    encryption: int = 0,
) -> bytes:
    """The header of a qcow2 image of version 3, and room where its tables would be."""
    place = 4096 if backing else 0
    head = struct.pack(
        '>4sIQIIQIIQQIIQ', b'QFI\xfb', 3, place, len(backing), 16, size, encryption, 1, 3 << 16, 1 << 16, 1, 0, 0
    )
    head += struct.pack('>QQQII', incompatible, 0, 0, 4, 104)
    if data_file is not None:
        name = data_file.encode()
        head += struct.pack('>II', 0x44415441, len(name)) + name.ljust(-(-len(name) // 8) * 8, b'\0')
    head += struct.pack('>II', 0, 0)
    return head.ljust(4096, b'\0') + backing.encode().ljust(4 * 65536, b'\0')


def vmdk(extents: str, kind: str = 'monolithicSparse', parent: str = 'ffffffff') -> bytes:
    """A sparse vmdk with this description inside."""
    header = struct.pack('<4sIIQQQQIQQQ', b'KDMV', 1, 3, MIB // SECTOR, 128, 1, 20, 512, 21, 30, 128)
    return header.ljust(SECTOR, b'\0') + description(extents, kind, parent).ljust(40 * SECTOR, b'\0')


def description(extents: str, kind: str, parent: str = 'ffffffff') -> bytes:
    """What describes a vmdk; alone it is a file that leads to others."""
    lines = (
        '# Disk DescriptorFile',
        'version=1',
        'CID=fffffffe',
        f'parentCID={parent}',
        f'createType="{kind}"',
        extents,
    )
    return '\n'.join((*lines, '')).encode()


def vhd(disk_type: int) -> bytes:
    footer = struct.pack(
        '>8sIIQI4sI4sQQII', b'conectix', 2, 1 << 16, 512, 0, b'qemu', 1, b'Wi2k', MIB, MIB, 0, disk_type
    )
    return footer.ljust(SECTOR, b'\0') + bytes(8 * SECTOR)


def vdi(image_type: int = 1, parent: bytes = b'') -> bytes:
    header = bytearray(1024)
    header[0x40:0x44] = struct.pack('<I', 0xBEDA107F)
    header[0x4C:0x50] = struct.pack('<I', image_type)
    header[0x170:0x178] = struct.pack('<Q', MIB)
    header[0x1A8 : 0x1A8 + len(parent)] = parent
    return bytes(header).ljust(MIB, b'\0')


def iso(begins: bytes = b'') -> bytes:
    return begins[:0x8000].ljust(0x8001, b'\0') + b'CD001' + bytes(0x1000)


def disk_of_sectors() -> bytes:
    """What a raw image is: sectors, the first with a partition table."""
    return bytes(510) + b'\x55\xaa' + bytes(MIB - SECTOR)


LUKS = b'LUKS\xba\xbe\x00\x02'.ljust(MIB, b'\0')

HOSTILE = (
    HostileImage('backing file', 'qcow2', qcow2(backing=SECRET), 'refers to a backing file'),
    HostileImage('data file', 'qcow2', qcow2(data_file=SECRET, incompatible=1 << 2), 'keeps its data in another file'),
    HostileImage('data file without its flag', 'qcow2', qcow2(data_file=SECRET), 'keeps its data in another file'),
    HostileImage('data file without a name', 'qcow2', qcow2(incompatible=1 << 2), 'keeps its data in another file'),
    HostileImage('backing file as JSON', 'qcow2', qcow2(backing='json:{"file.filename": "/etc/shadow"}'), 'backing file'),
    HostileImage('backing file on the network', 'qcow2', qcow2(backing='nbd://169.254.169.254/'), 'backing file'),
    HostileImage('unknown features', 'qcow2', qcow2(incompatible=1 << 40), 'features of qcow2 that are not known'),
    HostileImage('marked as corrupt', 'qcow2', qcow2(incompatible=1 << 1), 'marked as corrupt'),
    HostileImage('encrypted qcow2', 'qcow2', qcow2(encryption=2), 'is encrypted'),
    HostileImage('disk of a petabyte', 'qcow2', qcow2(size=PIB), 'the flavor gives 1 GB'),
    HostileImage('lie about its size', 'qcow2', qcow2(size=PIB), 'the flavor gives 1 GB', {'virtual_size': MIB}),
    HostileImage('disk of no size', 'qcow2', qcow2(size=0), 'a disk of no size'),
    HostileImage('cut off', 'qcow2', qcow2()[:60], 'its header is cut off'),
    HostileImage('qcow2 as raw', 'raw', qcow2(backing=SECRET), 'claims to be raw, but its data are qcow2'),
    HostileImage('raw as qcow2', 'qcow2', disk_of_sectors(), 'claims to be qcow2, but its data are raw'),
    HostileImage('qcow2 as iso', 'iso', qcow2(), 'claims to be iso, but its data are qcow2'),
    HostileImage('raw as iso', 'iso', disk_of_sectors(), 'claims to be iso, but its data are raw'),
    HostileImage('qcow2 and iso at once', 'qcow2', iso(begins=qcow2()), 'looks like qcow2 and iso at the same time'),
    HostileImage('vmdk as raw', 'raw', vmdk('RW 2048 SPARSE "x.vmdk"'), 'claims to be raw, but its data are vmdk'),
    HostileImage(
        'description of a file of the host', 'vmdk', description(f'RW 2048 FLAT "{SECRET}" 0', 'monolithicFlat'),
        'extents in other files',
    ),
    HostileImage(
        'vmdk with an extent of the host', 'vmdk', vmdk(f'RW 2048 FLAT "{SECRET}" 0'), 'one sparse extent',
    ),
    HostileImage('vmdk of another kind', 'vmdk', vmdk('RW 2048 SPARSE "x"', 'twoGbMaxExtentSparse'), 'vmdk of the type'),
    HostileImage('vmdk with a parent', 'vmdk', vmdk('RW 2048 SPARSE "x.vmdk"', parent='12345678'), 'a backing file'),
    HostileImage('vhd that differs from another', 'vhd', vhd(disk_type=4), 'a backing file'),
    HostileImage('vhd as raw', 'raw', vhd(disk_type=3), 'claims to be raw, but its data are vhd'),
    HostileImage('vdi with a parent', 'vdi', vdi(parent=b'x' * 16), 'a backing file'),
    HostileImage('vdi that differs from another', 'vdi', vdi(image_type=4), 'a backing file'),
    HostileImage('LUKS as raw', 'raw', LUKS, 'claims to be raw, but its data are luks'),
    HostileImage('LUKS', 'luks', LUKS, 'cannot be used'),
    HostileImage('qed', 'qed', b'QED\0'.ljust(MIB, b'\0'), 'cannot be used'),
    HostileImage('old qcow', 'qcow2', b'QFI\xfb\0\0\0\1'.ljust(MIB, b'\0'), 'its data are qcow'),
)  # fmt: skip
