"""Images with honest headers are understood; hostile ones are refused, each for its reason."""

import io
import struct
import uuid

import pytest

from nova import errors
from nova.domain import image_format

GIB = 1 << 30
SECTOR = 512


def qcow2(
    version=3, backing=b'', size=GIB, encryption=0, incompatible=0, extensions=(), cluster_bits=16, header_length=104
):
    head = struct.pack(
        '>4sIQIIQIIQQIIQ',
        b'QFI\xfb',
        version,
        4096 if backing else 0,
        len(backing),
        cluster_bits,
        size,
        encryption,
        2,
        1 << 17,
        1 << 16,
        1,
        0,
        0,
    )
    if version == 3:
        head += struct.pack('>QQQII', incompatible, 0, 0, 4, header_length)
        for kind, data in extensions:
            head += struct.pack('>II', kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b'\0')
        head += struct.pack('>II', 0, 0)
    return head.ljust(4096, b'\0') + backing.ljust(61440, b'\0')


DESCRIPTOR = """# Disk DescriptorFile
version=1
CID=fffffffe
parentCID={parent}
createType="{kind}"

# Extent description
{extents}

ddb.adapterType = "ide"
"""


def vmdk(kind='monolithicSparse', parent='ffffffff', extents='RW 2097152 SPARSE "disk.vmdk"', capacity=GIB // SECTOR):
    return _vmdk_header(capacity) + DESCRIPTOR.format(kind=kind, parent=parent, extents=extents).encode().ljust(
        20 * SECTOR, b'\0'
    )


def _vmdk_header(capacity, grains=30):
    return struct.pack('<4sIIQQQQIQQQ', b'KDMV', 1, 3, capacity, 128, 1, 20, 512, 21, grains, 128).ljust(SECTOR, b'\0')


def stream_vmdk(footer_capacity=GIB // SECTOR):
    at_end = (1 << 64) - 1
    text = DESCRIPTOR.format(kind='streamOptimized', parent='ffffffff', extents='RW 2097152 SPARSE "x.vmdk"')
    body = _vmdk_header(GIB // SECTOR, at_end) + text.encode().ljust(20 * SECTOR, b'\0')
    return body + bytes(SECTOR) + _vmdk_header(footer_capacity) + bytes(SECTOR)


def vhd(disk_type=3, size=GIB, at_start=True):
    footer = struct.pack(
        '>8sIIQI4sI4sQQII', b'conectix', 2, 1 << 16, 512, 0, b'qemu', 1, b'Wi2k', size, size, 0, disk_type
    )
    footer = footer.ljust(SECTOR, b'\0')
    return (footer if at_start else b'') + bytes(4 * SECTOR) + footer


def vhdx(flags=0, size=GIB, required=(), metadata=True, entries=None):
    regions = [(uuid.UUID('2dc27766-f623-4200-9d64-115e9bfd4a08'), 3 << 20, 1)]
    if metadata:
        regions.append((uuid.UUID('8b7ca206-4790-4b9a-b8fe-575f050f886e'), 1 << 20, 1))
    regions += [(identity, 4 << 20, 1) for identity in required]
    table = struct.pack('<4sIII', b'regi', 0, len(regions) if entries is None else entries, 0)
    table += b''.join(struct.pack('<16sQII', key.bytes_le, at, 1 << 20, need) for key, at, need in regions)
    items = [
        (uuid.UUID('caa16737-fa36-4d43-b3b6-33f0aa44e76b'), 65536, 8),
        (uuid.UUID('2fa54224-cd1b-4876-b211-5dbed83bf4b8'), 65544, 8),
    ]
    meta = struct.pack('<8sHHI16s', b'metadata', 0, len(items), 0, b'')
    meta += b''.join(struct.pack('<16sIIII', key.bytes_le, at, length, 0, 0) for key, at, length in items)
    whole = bytearray((1 << 20) + (1 << 17))
    whole[:8] = b'vhdxfile'
    whole[192 * 1024 : 192 * 1024 + len(table)] = table
    whole[1 << 20 : (1 << 20) + len(meta)] = meta
    struct.pack_into('<IIQ', whole, (1 << 20) + 65536, 32 << 20, flags, size)
    return bytes(whole)


def vdi(image_type=1, size=GIB, parent=bytes(16)):
    head = bytearray(1024)
    struct.pack_into('<IIII', head, 0x40, 0xBEDA107F, 0x00010001, 400, image_type)
    struct.pack_into('<Q', head, 0x170, size)
    head[0x1B8 : 0x1B8 + 16] = parent
    return bytes(head)


def iso(start=b''):
    return start.ljust(0x8001, b'\0') + b'CD001' + bytes(4096)


def mbr():
    return bytes(510) + b'\x55\xaa' + bytes(8192)


def gpt():
    return bytes(510) + b'\x55\xaa' + b'EFI PART' + bytes(8192)


def inspect(data):
    return image_format.inspect(io.BytesIO(data))


@pytest.mark.parametrize(
    ('data', 'claimed', 'virtual_size', 'qemu_format'),
    [
        (qcow2(), 'qcow2', GIB, 'qcow2'),
        (qcow2(version=2), 'qcow2', GIB, 'qcow2'),
        (qcow2(incompatible=0b11001), 'qcow2', GIB, 'qcow2'),
        (qcow2(extensions=[(0x6803F857, bytes(96))]), 'qcow2', GIB, 'qcow2'),
        (vmdk(), 'vmdk', GIB, 'vmdk'),
        (stream_vmdk(), 'vmdk', GIB, 'vmdk'),
        (vhd(), 'vhd', GIB, 'vpc'),
        (vhd(disk_type=2, at_start=False), 'vhd', GIB, 'vpc'),
        (vhdx(), 'vhdx', GIB, 'vhdx'),
        (vdi(), 'vdi', GIB, 'vdi'),
        (vdi(image_type=2), 'vdi', GIB, 'vdi'),
        (iso(), 'iso', len(iso()), 'raw'),
        (iso(mbr()), 'raw', len(iso()), 'raw'),
        (bytes(4096), 'raw', 4096, 'raw'),
        (mbr(), 'raw', len(mbr()), 'raw'),
        (gpt(), 'raw', len(gpt()), 'raw'),
        (b'plain bytes', 'ami', 11, 'raw'),
        (b'\x1f\x8b' + bytes(100), 'ari', 102, 'raw'),
    ],
)
def test_honest_images_are_taken(data, claimed, virtual_size, qemu_format):
    facts = inspect(data)
    image_format.check_safe(facts, claimed)
    assert (facts.virtual_size, facts.qemu_format, facts.size) == (virtual_size, qemu_format, len(data))


HOSTILE = {
    'backing file': (qcow2(backing=b'/etc/passwd'), 'qcow2', 'backing file'),
    'backing file of version 2': (qcow2(version=2, backing=b'json:{"driver":"nbd"}'), 'qcow2', 'backing file'),
    'data file by flag': (qcow2(incompatible=0b100), 'qcow2', 'another file'),
    'data file by name': (qcow2(extensions=[(0x44415441, b'/etc/shadow')]), 'qcow2', 'another file'),
    'data file after others': (
        qcow2(extensions=[(0x6803F857, bytes(12)), (0x44415441, b'/etc/shadow')]),
        'qcow2',
        'another file',
    ),
    'endless extensions': (qcow2(extensions=[(7, b'')] * 200), 'qcow2', 'too many extensions'),
    'data file behind a huge extension': (
        qcow2(extensions=[(7, b''), (8, bytes(3000)), (0x44415441, b'/etc/shadow')]),
        'qcow2',
        'another file',
    ),
    'encrypted': (qcow2(encryption=2), 'qcow2', 'encrypted'),
    'unknown feature': (qcow2(incompatible=1 << 40), 'qcow2', 'features'),
    'corrupt': (qcow2(incompatible=0b10), 'qcow2', 'corrupt'),
    'huge clusters': (qcow2(cluster_bits=40), 'qcow2', 'clusters'),
    'header length out of range': (qcow2(header_length=1 << 30), 'qcow2', 'header length'),
    'no size': (qcow2(size=0), 'qcow2', 'no size'),
    'cut off': (qcow2()[:80], 'qcow2', 'cut off'),
    'old qcow': (b'QFI\xfb\0\0\0\x01' + bytes(100), 'qcow2', 'qcow'),
    'qcow2 of the future': (b'QFI\xfb\0\0\0\x09' + bytes(100), 'qcow2', 'qcow'),
    'qcow2 that claims to be raw': (qcow2(backing=b'/etc/passwd'), 'raw', 'claims to be raw'),
    'raw that claims to be qcow2': (bytes(4096), 'qcow2', 'claims to be qcow2'),
    'vmdk that claims to be raw': (vmdk(), 'raw', 'claims to be raw'),
    'vmdk with flat extents': (vmdk(kind='monolithicFlat', extents='RW 2 FLAT "/dev/sda" 0'), 'vmdk', 'monolithicFlat'),
    'vmdk with two extents': (
        vmdk(extents='RW 1 SPARSE "a.vmdk"\nRW 1 FLAT "/etc/shadow" 0'),
        'vmdk',
        'one sparse extent',
    ),
    'vmdk without extents': (vmdk(extents=''), 'vmdk', 'one sparse extent'),
    'vmdk with an extent elsewhere': (vmdk(extents='RW 1 SPARSE "/etc/shadow"'), 'vmdk', 'another directory'),
    'vmdk with a parent': (vmdk(parent='12345678'), 'vmdk', 'backing file'),
    'vmdk without capacity': (vmdk(capacity=0), 'vmdk', 'no size'),
    'vmdk whose footer lies': (stream_vmdk(footer_capacity=0), 'vmdk', 'footer'),
    'vmdk that is a descriptor': (b'# Disk DescriptorFile\nversion=1\n', 'vmdk', 'other files'),
    'vmdk of the ESX kind': (b'COWD' + bytes(2048), 'vmdk', 'other files'),
    'vmdk with a huge descriptor': (
        struct.pack('<4sIIQQQQIQQQ', b'KDMV', 1, 3, 2048, 128, 1, 1 << 40, 512, 21, 30, 128).ljust(4096, b'\0'),
        'vmdk',
        'sensible length',
    ),
    'differencing vhd': (vhd(disk_type=4), 'vhd', 'backing file'),
    'vhd of an unknown type': (vhd(disk_type=9), 'vhd', 'type 9'),
    'fixed vhd that claims to be raw': (vhd(disk_type=2, at_start=False), 'raw', 'claims to be raw'),
    'vhdx with a parent': (vhdx(flags=2), 'vhdx', 'backing file'),
    'vhdx with unknown regions': (vhdx(required=[uuid.UUID(int=5)]), 'vhdx', 'not known'),
    'vhdx without metadata': (vhdx(metadata=False), 'vhdx', 'no metadata'),
    'vhdx with too many entries': (vhdx(entries=1 << 31), 'vhdx', 'tables'),
    'vhdx cut off': (vhdx()[: 100 * 1024], 'vhdx', 'cut off'),
    'differencing vdi': (vdi(image_type=4), 'vdi', 'backing file'),
    'vdi with a parent': (vdi(parent=b'x' * 16), 'vdi', 'backing file'),
    'vdi cut off': (vdi()[:0x100], 'vdi', 'cut off'),
    'qed': (b'QED\0' + bytes(4096), 'qed', 'cannot be used'),
    'ploop': (b'WithoutFreeSpace' + bytes(4096), 'ploop', 'cannot be used'),
    'luks': (b'LUKS\xba\xbe' + bytes(4096), 'luks', 'cannot be used'),
    'luks that claims to be raw': (b'LUKS\xba\xbe' + bytes(4096), 'raw', 'claims to be raw'),
    'raw that claims to be an iso': (gpt(), 'iso', 'claims to be iso'),
    'qcow2 that is an iso, too': (iso(qcow2()[:0x8000]), 'qcow2', 'at the same time'),
    'qcow2 that is a vhd, too': (qcow2() + b'conectix'.ljust(SECTOR, b'\0'), 'qcow2', 'at the same time'),
    'nothing at all': (b'', 'raw', 'no size'),
    'no claim': (qcow2(), None, 'does not say'),
    'an unknown claim': (bytes(100), 'dmg', 'claims to be dmg'),
}


@pytest.mark.parametrize('case', HOSTILE)
def test_hostile_images_are_refused(case):
    data, claimed, says = HOSTILE[case]
    with pytest.raises(errors.ImageUnacceptable, match=says):
        image_format.check_safe(inspect(data), claimed)


@pytest.mark.parametrize(('data', 'table'), [(mbr(), 'mbr'), (gpt(), 'gpt'), (bytes(4096), None)])
def test_partition_tables_are_told(data, table):
    assert inspect(data).partition_table == table


@pytest.mark.parametrize('build', [qcow2, vmdk, stream_vmdk, vhd, vhdx, vdi, iso])
def test_an_image_cut_anywhere_is_no_crash(build):
    data = build()
    for length in [*range(0, min(len(data), 1200), 7), *range(1200, len(data), 40009)]:
        facts = inspect(data[:length])
        assert facts.size == length


class _Counting(io.BytesIO):
    """Counts how much was read."""

    count = 0

    def read(self, size=-1):
        assert size >= 0
        data = super().read(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize('build', [qcow2, vmdk, stream_vmdk, vhd, vhdx, vdi, iso, mbr])
def test_little_of_an_image_is_read(build):
    file = _Counting(build() + bytes(8 << 20))
    image_format.inspect(file)
    assert file.count < 64 * 1024
