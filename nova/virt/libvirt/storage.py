"""Keep guests' files: a directory for each guest, with its disks and its console log."""

import contextlib
import dataclasses
import fcntl
import json
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Mapping

from nova import errors
from nova.domain import image_format
from nova.domain.guest import Guest
from nova.virt.driver import ImageSource
from nova.virt.libvirt import commands, config_drive
from nova.virt.libvirt.disk import Disk, Role
from nova.virt.libvirt.domain_xml.devices import CONSOLE_LOG
from nova.virt.libvirt.settings import Settings

# Which disks a guest has and in what format; written before the first of them. A disk's own bytes are never asked:
# its guest may have written them.
PLAN = 'disk.info'
REMOVED = '_del'
GUEST_ID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
GIB, MIB = 1 << 30, 1 << 20


@dataclasses.dataclass(frozen=True)
class Base:
    """A cached image. `format` is QEMU's name, `size` is of the disk in it, in bytes."""

    path: str
    format: str
    size: int


class Storage:
    """The guests' files of one host. Everything can be repeated after a crash at any point."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._root = settings.instances_path
        self._cache_mode: str | None = None

    def directory(self, guest_id: str) -> str:
        if not GUEST_ID.fullmatch(guest_id):
            raise errors.Invalid(f'"{guest_id}" is not an id of a server.')
        return os.path.join(self._root, guest_id)

    def console_log(self, guest_id: str) -> str:
        return os.path.join(self.directory(guest_id), CONSOLE_LOG)

    def ensure(self, guest: Guest, source: ImageSource, drive: Mapping[str, bytes] | None) -> tuple[Disk, ...]:
        """Make the guest's disks, as far as they are not there."""
        directory = self.directory(guest.id)
        os.makedirs(directory, exist_ok=True)
        planned = self._planned(directory)
        base = None
        if planned is None:
            base = self._base(guest, source)
            planned = plan(guest, base, self._settings, self._root_device(guest), drive is not None)
            self._write_plan(directory, planned)
        for disk in planned:
            path = os.path.join(directory, disk.name)
            if not os.path.exists(path):
                base = base or (self._base(guest, source) if disk.role is Role.ROOT else None)
                self._make(disk, path, base, drive or {})
        self._ensure_log(directory)
        return planned

    def remove(self, guest_id: str) -> None:
        """Delete the guest's directory, and what an earlier try left of it."""
        directory = self.directory(guest_id)
        if os.path.islink(directory):
            raise errors.HostFailed(f'{directory} is a link; nothing was deleted. See where it leads and remove it.')
        doomed = directory + REMOVED
        self._delete(doomed)
        try:
            # A name of its own first: whatever happens then, nobody takes the rest for a guest's files.
            os.rename(directory, doomed)
        except FileNotFoundError:
            return
        self._delete(doomed)

    def guests(self) -> set[str]:
        """The ids of guests that have files here, whole or in part."""
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return set()
        return {name.removesuffix(REMOVED) for name in names if GUEST_ID.fullmatch(name.removesuffix(REMOVED))}

    def has(self, guest_id: str) -> bool:
        return os.path.isdir(self.directory(guest_id))

    def cache_mode(self) -> str:
        """The operator's mode; else none where the file system can do without the host's cache, which is safest."""
        if self._cache_mode is None:
            self._cache_mode = self._settings.cache_modes.get('file') or self._best_cache_mode()
        return self._cache_mode

    def promised(self) -> int:
        """Bytes that guests' disks may still grow by."""
        total = 0
        for guest_id in self.guests():
            directory = os.path.join(self._root, guest_id)
            planned = None
            # A damaged record is told of when its guest is next worked on.
            with contextlib.suppress(errors.HostFailed):
                planned = self._planned(directory)
            total += sum(max(0, disk.size - _used(os.path.join(directory, disk.name))) for disk in planned or ())
        return total

    # --- making

    def _base(self, guest: Guest, source: ImageSource) -> Base:
        if guest.image is None:
            raise errors.NotImplementedHere(f'Guest {guest.id} has no image; this host boots guests from images.')
        path = source(guest.image)
        # Looked at anew each time: what lies beneath a disk must not lead QEMU to other files.
        facts = image_format.inspect_file(path)
        image_format.check_safe(facts, guest.image.disk_format)
        return Base(os.path.abspath(path), facts.qemu_format, facts.virtual_size)

    @staticmethod
    def _root_device(guest: Guest) -> str:
        return 'cdrom' if guest.image and guest.image.disk_format == 'iso' else 'disk'

    def _make(self, disk: Disk, path: str, base: Base | None, drive: Mapping[str, bytes]) -> None:
        part = f'{path}.part'
        if os.path.exists(part):
            os.unlink(part)
        if disk.role is Role.CONFIG:
            config_drive.make(part, drive, self._settings.config_drive_format, self._settings.mkisofs_command)
        elif disk.role is Role.ROOT:
            self._make_root(disk, part, base)
        else:
            self._make_blank(disk, part)
        os.rename(part, path)

    def _make_root(self, disk: Disk, path: str, base: Base) -> None:
        if disk.format == 'qcow2':
            beneath = ('-F', base.format, '-b', base.path)
            self._qemu_img('create', '-q', '-f', 'qcow2', *beneath, path, str(disk.size))
        else:
            self._qemu_img('convert', '-f', base.format, '-O', 'raw', base.path, path, size=base.size)
            os.truncate(path, disk.size)
        if self._settings.preallocate:
            with open(path, 'r+b') as file:
                os.posix_fallocate(file.fileno(), 0, disk.size)

    def _make_blank(self, disk: Disk, path: str) -> None:
        with open(path, 'wb') as file:
            file.truncate(disk.size)
            if self._settings.preallocate:
                os.posix_fallocate(file.fileno(), 0, disk.size)
        if disk.role is Role.SWAP:
            commands.run(['mkswap', '-q', path])
        else:
            commands.run(['mkfs.ext4', '-q', '-F', '-L', f'ephemeral{disk.number}', path])

    def _qemu_img(self, *arguments: str, size: int = 0) -> None:
        commands.run(
            ['qemu-img', *arguments],
            memory_gb=self._settings.qemu_img_memory_gb,
            cpu_seconds=self._settings.qemu_img_cpu_seconds + size // (20 * MIB),
        )

    @staticmethod
    def _ensure_log(directory: str) -> None:
        # libvirt's log daemon keeps the owner of a file that is there; one that it makes is readable to root alone.
        with open(os.path.join(directory, CONSOLE_LOG), 'ab'):
            pass

    # --- the plan

    @staticmethod
    def _planned(directory: str) -> tuple[Disk, ...] | None:
        try:
            with open(os.path.join(directory, PLAN), 'rb') as file:
                entries = json.load(file)['disks']
            return tuple(Disk(**{**entry, 'role': Role(entry['role'])}) for entry in entries)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as damage:
            raise errors.HostFailed(f'{os.path.join(directory, PLAN)} is damaged: {damage}.') from damage

    @staticmethod
    def _write_plan(directory: str, disks: tuple[Disk, ...]) -> None:
        part = os.path.join(directory, f'{PLAN}.part')
        with open(part, 'w', encoding='utf-8') as file:
            json.dump({'disks': [{**dataclasses.asdict(disk), 'role': disk.role.value} for disk in disks]}, file)
        os.rename(part, os.path.join(directory, PLAN))

    # --- the file system

    @staticmethod
    def _delete(path: str) -> None:
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            pass
        except OSError as failure:
            raise errors.HostFailed(f'{path} cannot be deleted: {failure}.') from failure

    def _best_cache_mode(self) -> str:
        try:
            # Some file systems take the flag and refuse the write. A map of memory is aligned as O_DIRECT needs it.
            with tempfile.TemporaryFile(dir=self._root) as probe, mmap.mmap(-1, 4096) as block:
                fcntl.fcntl(probe, fcntl.F_SETFL, os.O_DIRECT)
                os.write(probe.fileno(), block)
        except OSError:
            return 'writeback'
        return 'none'


def _used(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512
    except OSError:
        return 0


def plan(guest: Guest, base: Base, settings: Settings, root_device: str, with_drive: bool) -> tuple[Disk, ...]:
    """The disks that a guest is to have. A flavor without a disk size takes the image's."""
    flavor = guest.server.flavor
    size = flavor.disk_gb * GIB
    if size and size < base.size:
        needed = -(-base.size // GIB)
        raise errors.Invalid(f'The image needs a disk of {needed} GB, and the flavor gives {flavor.disk_gb} GB.')
    disks = [Disk(Role.ROOT, settings.disk_format, size or base.size, root_device)]
    for number, size_gb in enumerate(guest.ephemeral_disks_gb):
        disks.append(Disk(Role.EPHEMERAL, 'raw', size_gb * GIB, number=number))
    if guest.swap_mb:
        disks.append(Disk(Role.SWAP, 'raw', guest.swap_mb * MIB))
    if with_drive:
        device = 'disk' if settings.config_drive_format == 'vfat' else 'cdrom'
        # Its size is no promise of room: it never grows.
        disks.append(Disk(Role.CONFIG, 'raw', 0, device))
    return tuple(disks)
