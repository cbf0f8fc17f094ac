"""Make a guest disks of other sizes from copies of those that it has; what it had stays aside, untouched."""

import dataclasses
import os
from collections.abc import Sequence

from nova import errors
from nova.domain import image_format
from nova.domain.guest import Guest
from nova.virt.libvirt import aside, commands
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml.devices import CONSOLE_LOG
from nova.virt.libvirt.settings import Settings
from nova.virt.libvirt.storage import GIB, Storage, ephemeral_disk, swap_disk


class Resizes:
    """The guests of one host; each is off while its disks are exchanged."""

    def __init__(self, settings: Settings, storage: Storage):
        self._settings, self._storage = settings, storage

    def resize(self, guest: Guest) -> None:
        directory = self._storage.directory(guest.id)
        if aside.is_set_aside(directory):
            return
        own = self._storage.own_disks(guest.id)
        if own is None:
            raise errors.NotFound(f'Guest {guest.id} has no disks on this host.')
        wanted = arrange(own, guest)
        new = aside.new(directory)
        try:
            for disk in wanted:
                if was := _source(disk, own):
                    self._copy(os.path.join(directory, was.name), os.path.join(new, disk.name))
                    self._grow(os.path.join(new, disk.name), was, disk)
            self._copy(os.path.join(directory, CONSOLE_LOG), os.path.join(new, CONSOLE_LOG))
            self._storage.fill(new, guest, wanted)
        except BaseException as failure:
            aside.delete(new)
            if isinstance(failure, OSError):
                raise errors.HostFailed(f'Disks cannot be made in {new}: {failure}.') from failure
            raise
        aside.exchange(directory)

    def restore(self, guest_id: str) -> None:
        aside.put_back(self._storage.directory(guest_id))

    def forget(self, guest_id: str) -> None:
        directory = self._storage.directory(guest_id)
        # The host may have died while it put the copy in its place.
        aside.is_set_aside(directory)
        aside.forget(directory)

    @staticmethod
    def _copy(source: str, target: str) -> None:
        """By its bytes, whatever they mean: nothing that the guest wrote is looked at."""
        if os.path.exists(source):
            commands.run(['cp', '--reflink=auto', '--sparse=always', '--preserve=mode,ownership', '--', source, target])

    def _grow(self, path: str, was: Disk, disk: Disk) -> None:
        if disk.size == was.size:
            return
        if disk.format == 'qcow2':
            self._check_overlay(path)
            commands.run(
                ['qemu-img', 'resize', '-q', '-f', 'qcow2', path, str(disk.size)],
                memory_gb=self._settings.qemu_img_memory_gb,
                cpu_seconds=self._settings.qemu_img_cpu_seconds,
            )
        else:
            os.truncate(path, disk.size)
        if self._settings.preallocate:
            with open(path, 'r+b') as file:
                os.posix_fallocate(file.fileno(), 0, disk.size)

    @staticmethod
    def _check_overlay(path: str) -> None:
        """Raise unless the disk is what this driver makes: a qcow2 file on top of nothing, or of a plain image."""
        facts = image_format.inspect_file(path)
        if facts.backing_file is not None:
            if not os.path.isfile(facts.backing_file):
                raise errors.HostFailed(f'{path} leans on {facts.backing_file}, which is no image on this host.')
            beneath = image_format.inspect_file(facts.backing_file)
            image_format.check_safe(beneath, beneath.format)
        image_format.check_safe(dataclasses.replace(facts, backing_file=None), 'qcow2')


def arrange(own: Sequence[Disk], guest: Guest) -> tuple[Disk, ...]:
    """The disks that the guest is to have, for those that it has. Invalid where one with the guest's data would shrink."""
    root = next((disk for disk in own if disk.role is Role.ROOT), None)
    ephemerals = {disk.number: disk for disk in own if disk.role is Role.EPHEMERAL}
    disks = []
    if root is not None:
        disks.append(_in_size(root, guest.server.flavor.disk_gb * GIB or root.size))
    if len(guest.ephemeral_disks_gb) < len(ephemerals):
        raise errors.Invalid('An ephemeral disk would be lost; choose a flavor that has as many.')
    for number, size_gb in enumerate(guest.ephemeral_disks_gb):
        was = ephemerals.get(number)
        disks.append(_in_size(was, size_gb * GIB) if was else ephemeral_disk(guest, number, size_gb))
    if guest.swap_mb:
        disks.append(swap_disk(guest))
    return (*disks, *(disk for disk in own if disk.role is Role.CONFIG or disk.is_no_disk))


def _in_size(disk: Disk, size: int) -> Disk:
    if size < disk.size:
        raise errors.Invalid(
            f'The disk {disk.name} has {_gigabytes(disk.size)} GB and cannot be made smaller; '
            f'the flavor gives {_gigabytes(size)} GB.'
        )
    return disk if disk.device == 'cdrom' else dataclasses.replace(disk, size=size)


def _gigabytes(size: int) -> int:
    return -(-size // GIB)


def _source(disk: Disk, own: Sequence[Disk]) -> Disk | None:
    """The disk that this one is a copy of; None for one that begins empty, as swap of another size does."""
    was = next((known for known in own if known.name == disk.name), None)
    return None if was and disk.role is Role.SWAP and was.size != disk.size else was
