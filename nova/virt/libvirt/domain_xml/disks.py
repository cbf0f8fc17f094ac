"""The guest's disks: bus, name and cache of each."""

import collections
import os.path
from collections.abc import Sequence

from nova.domain.guest_limits import GuestLimits
from nova.virt.libvirt.disk import Disk
from nova.virt.libvirt.domain_xml import machine
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.wishes import Wishes
from nova.virt.libvirt.settings import Settings

PREFIXES = {'virtio': 'vd', 'scsi': 'sd', 'sata': 'sd', 'usb': 'sd', 'ide': 'hd', 'fdc': 'fd'}
# A floppy disk is no hard disk.
DISK_BUSES = ('virtio', 'scsi', 'sata', 'usb', 'ide')
# Cache modes that do without the host's cache.
UNCACHED = ('none', 'directsync')
NO_LIMITS = GuestLimits({}, {}, {})
CDROM_BUSES = ('ide', 'sata', 'scsi', 'usb')
SCSI_MODELS = {
    'buslogic': 'buslogic',
    'lsilogic': 'lsilogic',
    'lsisas1068': 'lsisas1068',
    'lsisas1078': 'lsisas1078',
    'virtio-scsi': 'virtio-scsi',
    'vmpvscsi': 'vmpvscsi',
    'ibmvscsi': 'ibmvscsi',
}


def disk_elements(
    disks: Sequence[Disk],
    directory: str,
    wishes: Wishes,
    settings: Settings,
    cache_mode: str,
    limits: GuestLimits = NO_LIMITS,
) -> list[Element]:
    """The disks, and the SCSI controller if one of them needs it."""
    disk_bus = wishes.choice('disk_bus', DISK_BUSES, 'virtio')
    cdrom_bus = wishes.choice('cdrom_bus', CDROM_BUSES, _default_cdrom_bus(wishes, settings))
    taken: collections.Counter[str] = collections.Counter()
    made, buses = [], set()
    for disk in disks:
        bus = disk.bus or (cdrom_bus if disk.device == 'cdrom' else disk_bus)
        prefix = (settings.disk_prefix if disk.device == 'disk' else None) or PREFIXES[bus]
        target = f'{prefix}{chr(ord("a") + taken[prefix])}'
        taken[prefix] += 1
        buses.add(bus)
        driver = _driver(disk, bus, wishes, settings, cache_mode)
        made.append(_disk(disk, os.path.join(directory, disk.name), bus, target, driver, _throttle(disk, limits)))
    if 'scsi' in buses:
        made.append(
            element('controller', type='scsi', index=0, model=wishes.choice('scsi_model', SCSI_MODELS, 'virtio-scsi'))
        )
    return made


def _default_cdrom_bus(wishes: Wishes, settings: Settings) -> str:
    if settings.arch not in machine.X86:
        return 'scsi'
    return 'sata' if 'q35' in (machine.machine_type(wishes, settings) or '') else 'ide'


def _driver(disk: Disk, bus: str, wishes: Wishes, settings: Settings, cache_mode: str) -> Element:
    written = disk.device != 'cdrom'
    # The kernel's own queue serves only files without the host's cache, and never waits only where they have no holes.
    native = written and settings.preallocate and cache_mode in UNCACHED
    return element(
        'driver',
        name='qemu',
        type=disk.format,
        cache=cache_mode,
        io='native' if native else None,
        discard=settings.discard if written else None,
        packed='on' if bus == 'virtio' and wishes.flag('virtio_packed_ring') else None,
    )


def _throttle(disk: Disk, limits: GuestLimits) -> Element | None:
    if not limits.disk or disk.device == 'cdrom' or disk.holds_data:
        return None
    return element('iotune', *(element(name.removeprefix('disk_'), str(rate)) for name, rate in limits.disk.items()))


def _disk(disk: Disk, path: str, bus: str, target: str, driver: Element, throttle: Element | None) -> Element:
    read_only = disk.device == 'cdrom'
    return element(
        'disk',
        driver,
        element('source', file=path),
        element('target', dev=target, bus=bus),
        throttle,
        element('readonly') if read_only or disk.holds_data else None,
        element('boot', order=1) if disk.boots else None,
        type='file',
        device=disk.device,
    )
