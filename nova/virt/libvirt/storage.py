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
from nova.domain.image import Image
from nova.virt.driver import ImageSource
from nova.virt.libvirt import aside, commands, config_drive, exchange, file_systems, kernel, rescue
from nova.virt.libvirt.disk import Disk, Role, as_asked
from nova.virt.libvirt.domain_xml.devices import CONSOLE_LOG
from nova.virt.libvirt.settings import Settings

# Which disks a guest has and in what format; written before the first of them. A disk's own bytes are never asked:
# its guest may have written them.
PLAN = 'disk.info'
# The same of a guest that is rescued; it is one as long as this is there.
RESCUE_PLAN = 'rescue.info'
OF_RESCUES = (Role.RESCUE, Role.RESCUE_CONFIG, Role.RESCUE_KERNEL, Role.RESCUE_RAMDISK)
REMOVED = '_del'
GUEST_ID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
GIB, MIB = 1 << 30, 1 << 20


@dataclasses.dataclass(frozen=True)
class Base:
    """A cached image. `format` is QEMU's name, `size` is of the disk in it, in bytes."""

    path: str
    format: str
    size: int
    # False: disks are not to lean on it.
    stays: bool = True


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
        exchange.complete(directory, PLAN, _names_in)
        planned = self._ensure_in(directory, guest, source, drive)
        self._ensure_log(directory)
        return planned

    def _ensure_in(
        self, directory: str, guest: Guest, source: ImageSource, drive: Mapping[str, bytes] | None
    ) -> tuple[Disk, ...]:
        planned = _planned(directory)
        base = None
        if planned is None:
            base = self._base(guest, source)
            planned = plan(guest, base, self._settings, self._root_device(guest), drive is not None)
            _write_plan(directory, planned)
        for disk in planned:
            path = os.path.join(directory, disk.name)
            if not os.path.exists(path):
                if disk.is_no_disk:
                    self._fetch(disk, path, guest.image, source)
                    continue
                base = base or (self._base(guest, source) if disk.role is Role.ROOT else None)
                self._make(disk, path, base, drive or {})
        return planned

    # --- other disks

    def prepare_exchange(self, guest: Guest, source: ImageSource, drive: Mapping[str, bytes] | None) -> None:
        """Make all of the guest's disks anew, beside those that it has."""
        directory = self.directory(guest.id)
        exchange.discard(directory)
        prepared = os.path.join(directory, exchange.PREPARED)
        os.makedirs(prepared)
        try:
            self._ensure_in(prepared, guest, source, drive)
        except Exception as failure:
            exchange.discard(directory)
            raise _as_host_failure(failure, prepared) from failure

    def commit_exchange(self, guest_id: str) -> tuple[Disk, ...]:
        """Put what was prepared in the place of the guest's disks, once; the disks that it has then."""
        directory = self.directory(guest_id)
        exchange.commit(directory, PLAN, _names_in)
        self._delete_rescue(directory)
        planned = _planned(directory)
        if planned is None:
            raise errors.HostFailed(f'There are no disks in {directory}; rebuild the server.')
        self._ensure_log(directory)
        return planned

    def discard_exchange(self, guest_id: str) -> None:
        exchange.discard(self.directory(guest_id))

    def prepare_rescue(
        self, guest: Guest, image: Image, source: ImageSource, drive: Mapping[str, bytes] | None
    ) -> tuple[Disk, ...]:
        """Make what the guest is rescued from, beside its disks; all disks that it has then."""
        directory = self.directory(guest.id)
        exchange.complete(directory, PLAN, _names_in)
        own = _planned(directory)
        if own is None:
            raise errors.HostFailed(f'There are no disks in {directory} that could be mended.')
        self._delete_rescue(directory)
        try:
            base = self._base(dataclasses.replace(guest, image=image), source)
            device = drive_device(self._settings) if drive is not None else None
            disk_format = self._settings.disk_format
            disks = rescue.arrange(own, image.properties, image.disk_format, base.size, disk_format, device)
            for disk in disks:
                path = os.path.join(directory, disk.name)
                if disk.role in (Role.RESCUE, Role.RESCUE_CONFIG):
                    self._make(disk, path, base, drive or {})
                elif disk.is_no_disk:
                    self._fetch(disk, path, image, source)
        except Exception as failure:
            self._delete_rescue(directory)
            raise _as_host_failure(failure, directory) from failure
        return disks

    def commit_rescue(self, guest_id: str, disks: tuple[Disk, ...]) -> None:
        """From now on the guest is one that is rescued, until `end_rescue`."""
        _write_plan(self.directory(guest_id), disks, RESCUE_PLAN)

    def rescue_disks(self, guest_id: str) -> tuple[Disk, ...] | None:
        """The disks that the guest has while it is rescued; None if it is not."""
        return _planned(self.directory(guest_id), RESCUE_PLAN)

    def end_rescue(self, guest_id: str) -> None:
        """Delete what the guest was rescued from. A guest that is not rescued is fine."""
        self._delete_rescue(self.directory(guest_id))

    def own_disks(self, guest_id: str) -> tuple[Disk, ...] | None:
        """The disks that the guest has by itself; None if it has none here."""
        return _planned(self.directory(guest_id))

    @staticmethod
    def _delete_rescue(directory: str) -> None:
        # The plan first: what is left then is nobody's.
        for name in (RESCUE_PLAN, *(role.value for role in OF_RESCUES)):
            for path in (os.path.join(directory, name), os.path.join(directory, f'{name}.part')):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def root_disk(self, guest_id: str) -> tuple[Disk, str]:
        """The disk that the guest boots from, as it was planned, and its path; NotFound if it has none here."""
        directory = self.directory(guest_id)
        root = next((disk for disk in _planned(directory) or () if disk.role is Role.ROOT), None)
        if root is None:
            raise errors.NotFound(f'Guest {guest_id} has no disk on this host.')
        return root, os.path.join(directory, root.name)

    def fill(self, directory: str, guest: Guest, disks: tuple[Disk, ...]) -> None:
        """Note which disks are in a directory, and make those that it lacks; they are empty."""
        _write_plan(directory, disks)
        self._ensure_in(directory, guest, _no_image, None)
        self._ensure_log(directory)

    def remove(self, guest_id: str) -> None:
        """Delete the guest's directory, and what an earlier try left of it."""
        directory = self.directory(guest_id)
        if os.path.islink(directory):
            raise errors.HostFailed(f'{directory} is a link; nothing was deleted. See where it leads and remove it.')
        aside.forget(directory)
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
        owners = {aside.owner(name.removesuffix(REMOVED)) for name in names}
        return {name for name in owners if GUEST_ID.fullmatch(name)}

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
                planned = _planned(directory)
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
        return Base(os.path.abspath(path), facts.qemu_format, facts.virtual_size, guest.image_stays)

    @staticmethod
    def _root_device(guest: Guest) -> str:
        return 'cdrom' if guest.image and guest.image.disk_format == 'iso' else 'disk'

    def _make(self, disk: Disk, path: str, base: Base | None, drive: Mapping[str, bytes]) -> None:
        part = f'{path}.part'
        if os.path.exists(part):
            os.unlink(part)
        if disk.holds_data:
            config_drive.make(part, drive, self._settings.config_drive_format, self._settings.mkisofs_command)
        elif disk.role in (Role.ROOT, Role.RESCUE):
            self._make_root(disk, part, base)
        else:
            self._make_blank(disk, part)
        os.rename(part, path)

    @staticmethod
    def _fetch(disk: Disk, path: str, image: Image, source: ImageSource) -> None:
        """A copy of what an image starts from, so that the cached one may go."""
        part = f'{path}.part'
        shutil.copyfile(source(Image(kernel.image_id(disk, image.properties))), part)
        os.rename(part, path)

    def _make_root(self, disk: Disk, path: str, base: Base) -> None:
        if disk.format == 'qcow2' and not base.stays:
            self._qemu_img('convert', '-f', base.format, '-O', 'qcow2', base.path, path, size=base.size)
            self._qemu_img('resize', '-q', '-f', 'qcow2', path, str(disk.size))
        elif disk.format == 'qcow2':
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
            file_systems.make(path, f'ephemeral{disk.number}', disk.file_system, disk.os_type, self._settings)

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


def _planned(directory: str, plan_name: str = PLAN) -> tuple[Disk, ...] | None:
    path = os.path.join(directory, plan_name)
    try:
        with open(path, 'rb') as file:
            entries = json.load(file)['disks']
        return tuple(Disk(**{**entry, 'role': Role(entry['role'])}) for entry in entries)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as damage:
        raise errors.HostFailed(f'{path} is damaged: {damage}.') from damage


def _write_plan(directory: str, disks: tuple[Disk, ...], plan_name: str = PLAN) -> None:
    part = os.path.join(directory, f'{plan_name}.part')
    with open(part, 'w', encoding='utf-8') as file:
        json.dump({'disks': [{**dataclasses.asdict(disk), 'role': disk.role.value} for disk in disks]}, file)
    os.rename(part, os.path.join(directory, plan_name))


def _no_image(image: Image) -> str:
    raise errors.HostFailed(f'A disk that was made from image {image.id} is missing.')


def _names_in(directory: str) -> set[str] | None:
    planned = _planned(directory)
    return None if planned is None else {disk.name for disk in planned}


def _as_host_failure(failure: Exception, place: str) -> Exception:
    """A host whose disk is full, or broken, may be no reason to call this a bug."""
    if isinstance(failure, OSError):
        return errors.HostFailed(f'Disks cannot be made in {place}: {failure}.')
    return failure


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
    root = next((device for device in guest.block_devices if device.is_root), None)
    disks = [as_asked(Disk(Role.ROOT, settings.disk_format, size or base.size, root_device), root)]
    for number, size_gb in enumerate(guest.ephemeral_disks_gb):
        disks.append(ephemeral_disk(guest, number, size_gb))
    if guest.swap_mb:
        disks.append(swap_disk(guest))
    if with_drive:
        device = drive_device(settings)
        # Its size is no promise of room: it never grows.
        disks.append(Disk(Role.CONFIG, 'raw', 0, device))
    return (*disks, *kernel.files(guest.image.properties if guest.image else {}))


def ephemeral_disk(guest: Guest, number: int, size_gb: int) -> Disk:
    """An empty disk of a guest, as its image and its user want it."""
    kind, system = guest.ephemeral_file_system(number), guest.server.image_properties.get('os_type')
    disk = Disk(Role.EPHEMERAL, 'raw', size_gb * GIB, number=number, file_system=kind, os_type=system)
    asked = [device for device in guest.block_devices if device.is_ephemeral]
    return as_asked(disk, asked[number] if asked else None)


def swap_disk(guest: Guest) -> Disk:
    asked = next((device for device in guest.block_devices if device.is_swap), None)
    return as_asked(Disk(Role.SWAP, 'raw', guest.swap_mb * MIB), asked)


def drive_device(settings: Settings) -> str:
    """What the guest sees its config drive as."""
    return 'disk' if settings.config_drive_format == 'vfat' else 'cdrom'
