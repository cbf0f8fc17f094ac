"""Turn a guest into libvirt's description of a domain: the same text for the same guest, always."""

import dataclasses
import os.path
from collections.abc import Sequence

from nova import errors
from nova.domain import guest_wishes
from nova.domain.guest import Guest
from nova.domain.guest_limits import GuestLimits, limits_of
from nova.virt.libvirt import cpu_set, kernel
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml import devices, machine, tpm
from nova.virt.libvirt.domain_xml.disks import disk_elements
from nova.virt.libvirt.domain_xml.element import Element, element, write
from nova.virt.libvirt.domain_xml.interfaces import Cards, interface
from nova.virt.libvirt.domain_xml.processor import processor, share
from nova.virt.libvirt.domain_xml.server_facts import server_facts
from nova.virt.libvirt.domain_xml.wishes import Wishes, wishes_of
from nova.virt.libvirt.settings import Settings


def domain_xml(
    guest: Guest,
    disks: Sequence[Disk],
    settings: Settings,
    *,
    cache_mode: str,
    serial: str | None,
    cpu_model: str | None = None,
    tpm_secret: str | None = None,
) -> str:
    """The domain of a guest; `serial` is what its firmware shows, `tpm_secret` the id of what its TPM is encrypted with.

    Errors: NotImplementedHere, ImageUnacceptable for what cannot be made; HostFailed for ports that are not bound.
    """
    wishes = wishes_of(guest)
    if (asked := guest_wishes.beyond(wishes)) is not None:
        raise errors.NotImplementedHere(f'This host cannot give a guest {asked}.')
    settings = _for_architecture(wishes, settings)
    limits = limits_of(guest.server.flavor.extra_specs)
    flavor, shared = guest.server.flavor, settings.shared_cpus
    directory = os.path.join(settings.instances_path, guest.id)
    seen = [disk for disk in disks if not disk.is_no_disk]
    disk_devices = disk_elements(seen, directory, wishes, settings, cache_mode, limits)
    start = kernel.start(disks, directory, _root_device(seen, disk_devices))
    return write(
        element(
            'domain',
            element('uuid', guest.id),
            element('name', guest.name),
            element('memory', str(flavor.memory_mb), unit='MiB'),
            machine.memory_backing(settings),
            element('vcpu', str(flavor.vcpus), placement='static', cpuset=cpu_set.write(shared) if shared else None),
            share(limits),
            server_facts(guest, settings.version),
            machine.firmware_tables(guest, serial, settings.version),
            machine.operating_system(wishes, settings, _boot_device(seen), start),
            machine.features(wishes, settings),
            processor(flavor.vcpus, wishes, settings, cpu_model),
            machine.clock(wishes, settings),
            element('on_poweroff', 'destroy'),
            element('on_reboot', 'restart'),
            element('on_crash', 'destroy'),
            _devices(guest, disk_devices, wishes, settings, limits, tpm_secret),
            type=settings.virt_type,
        )
    )


def _for_architecture(wishes: Wishes, settings: Settings) -> Settings:
    """The settings as they are for guests of the architecture that the image wants."""
    arch = machine.architecture(wishes, settings)
    if arch == settings.arch:
        return settings
    # Only software runs what the host's processor does not, and no processor of the operator's choice fits it.
    return dataclasses.replace(settings, arch=arch, virt_type='qemu', cpu_mode='none', cpu_flags=())


def _boot_device(disks: Sequence[Disk]) -> str | None:
    """The kind of device that it boots from; None where one of the disks says that it is the one."""
    if any(disk.boots for disk in disks):
        return None
    return next(('cdrom' for disk in disks if disk.role is Role.ROOT and disk.device == 'cdrom'), 'hd')


def _root_device(disks: Sequence[Disk], devices: Sequence[Element]) -> str:
    """The name of the disk that it starts from, as it is numbered there."""
    number = next((number for number, disk in enumerate(disks) if disk.boots), 0)
    return devices[number].find('target').get('dev') if devices else 'vda'


def _devices(
    guest: Guest,
    disk_devices: Sequence[Element],
    wishes: Wishes,
    settings: Settings,
    limits: GuestLimits,
    tpm_secret: str | None,
) -> Element:
    directory = os.path.join(settings.instances_path, guest.id)
    cards = Cards.of(settings)
    return element(
        'devices',
        *devices.controllers(wishes, settings),
        *disk_devices,
        *(interface(port, guest.server.flavor.vcpus, wishes, cards, limits) for port in guest.ports),
        *devices.serial_ports(directory, wishes),
        *devices.agent_channel(wishes),
        *devices.screen(wishes, settings),
        *devices.sound(wishes),
        *devices.random_numbers(wishes, settings),
        *devices.watchdog(wishes),
        *tpm.device(wishes, settings, tpm_secret),
        *machine.viommu(wishes, settings),
        devices.balloon(settings),
    )
