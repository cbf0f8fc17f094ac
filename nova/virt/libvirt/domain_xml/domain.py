"""Turn a guest into libvirt's description of a domain: the same text for the same guest, always."""

import os.path
from collections.abc import Sequence

from nova.domain.guest import Guest
from nova.virt.libvirt import cpu_set
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml import devices, machine
from nova.virt.libvirt.domain_xml.disks import disk_elements
from nova.virt.libvirt.domain_xml.element import Element, element, write
from nova.virt.libvirt.domain_xml.interfaces import interface
from nova.virt.libvirt.domain_xml.processor import processor
from nova.virt.libvirt.domain_xml.server_facts import server_facts
from nova.virt.libvirt.domain_xml.wishes import Wishes, wishes_of
from nova.virt.libvirt.settings import Settings


def domain_xml(guest: Guest, disks: Sequence[Disk], settings: Settings, *, cache_mode: str, serial: str | None) -> str:
    """The domain of a guest; `serial` is what its firmware shows."""
    wishes = wishes_of(guest)
    flavor, shared = guest.server.flavor, settings.shared_cpus
    boot_device = next(('cdrom' for disk in disks if disk.role is Role.ROOT and disk.device == 'cdrom'), 'hd')
    return write(
        element(
            'domain',
            element('uuid', guest.id),
            element('name', guest.name),
            element('memory', str(flavor.memory_mb), unit='MiB'),
            element('vcpu', str(flavor.vcpus), placement='static', cpuset=cpu_set.write(shared) if shared else None),
            server_facts(guest, settings.version),
            machine.firmware_tables(guest, serial, settings.version),
            machine.operating_system(wishes, settings, boot_device),
            machine.features(wishes, settings),
            processor(flavor.vcpus, wishes, settings),
            machine.clock(wishes, settings),
            element('on_poweroff', 'destroy'),
            element('on_reboot', 'restart'),
            element('on_crash', 'destroy'),
            _devices(guest, disks, wishes, settings, cache_mode),
            type=settings.virt_type,
        )
    )


def _devices(guest: Guest, disks: Sequence[Disk], wishes: Wishes, settings: Settings, cache_mode: str) -> Element:
    directory = os.path.join(settings.instances_path, guest.id)
    return element(
        'devices',
        *devices.controllers(wishes, settings),
        *disk_elements(disks, directory, wishes, settings, cache_mode),
        *(interface(port, guest.server.flavor.vcpus, wishes) for port in guest.ports),
        *devices.serial_ports(directory, wishes),
        *devices.agent_channel(wishes),
        *devices.screen(wishes, settings),
        *devices.sound(wishes),
        *devices.random_numbers(wishes, settings),
        *devices.watchdog(wishes),
        devices.balloon(settings),
    )
