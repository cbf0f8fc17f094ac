"""Keep all that is on a guest's root disk in one file: from the disk itself, or from a copy of one that is in use.

Under the directory of snapshots each guest has one of its own with finished files, `<image>.<format>`, and what is being
made. Nothing in a disk is believed that its guest may have written: its format is that of the plan.
"""

import json
import logging
import os
import shutil

from nova import errors
from nova.domain import image_format
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce, Snapshot
from nova.virt.libvirt import agent, block_copy, commands, saved_aside
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.disk import Disk
from nova.virt.libvirt.settings import Settings
from nova.virt.libvirt.storage import GUEST_ID, MIB, Storage

LOG = logging.getLogger(__name__)

IN_USE = frozenset({Power.RUNNING, Power.PAUSED, Power.SUSPENDED})
# What is being made; a note that the guest's file systems are held still.
COPY, PART, FROZEN = 'copy', 'part', 'frozen'
# Bytes that qemu-img surely converts in a second of its processor time: it may compress them.
CONVERTED_PER_SECOND = 4 * MIB


class Snapshots:
    """The snapshots of one host's guests."""

    def __init__(self, settings: Settings, connection: Connection, storage: Storage):
        self._settings, self._connection, self._storage = settings, connection, storage
        self._root = settings.snapshots_path or os.path.join(settings.instances_path, 'snapshots')

    def take(self, guest_id: str, image_id: str, quiesce: Quiesce, working_on: saved_aside.WorkingOn) -> Snapshot:
        """`working_on` is for the time in which the guest is made to be off, if it has to."""
        disk, path = self._storage.root_disk(guest_id)
        kind = self._settings.snapshot_format or disk.format
        done = self._file(guest_id, image_id, kind)
        if not os.path.exists(done):
            self.forget(guest_id)
            os.makedirs(self._directory(guest_id))
            try:
                self._make(guest_id, disk, path, kind, quiesce, working_on)
                os.rename(self._file(guest_id, PART), done)
            except OSError as failure:
                raise errors.HostFailed(f'The image of guest {guest_id} could not be made: {failure}.') from failure
            finally:
                self._remove_unfinished(guest_id)
        return _facts(done, kind)

    def file(self, guest_id: str, image_id: str) -> str | None:
        try:
            names = os.listdir(self._directory(guest_id))
        except FileNotFoundError:
            return None
        name = next((name for name in names if name.rpartition('.')[0] == image_id), None)
        return self._file(guest_id, name) if name else None

    def discard(self, guest_id: str, image_id: str) -> None:
        path = self.file(guest_id, image_id)
        if path is not None:
            _unlink(path)
        try:
            os.rmdir(self._directory(guest_id))
        except OSError:
            # Something is being made there just now, or nothing ever was.
            pass

    def forget(self, guest_id: str) -> None:
        """Remove everything there is of the guest's snapshots, and let go of the guest if it is held."""
        if not os.path.isdir(self._directory(guest_id)):
            return
        saved_aside.go_on(self._connection, guest_id, self._directory(guest_id))
        if os.path.exists(self._file(guest_id, COPY)):
            block_copy.give_up(self._connection, guest_id)
        self._thaw(guest_id)
        shutil.rmtree(self._directory(guest_id), ignore_errors=True)

    def forget_all(self) -> None:
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return
        for guest_id in filter(GUEST_ID.fullmatch, names):
            try:
                self.forget(guest_id)
            except (errors.HostFailed, errors.HostAway) as failure:
                LOG.warning('What is left of snapshots of guest %s stays for now: %s', guest_id, failure)

    def let_go(self, guest_id: str) -> None:
        """Have a guest go on that somebody who is gone has saved; any other is left alone."""
        saved_aside.go_on(self._connection, guest_id, self._directory(guest_id))

    def started(self, guest_id: str) -> None:
        """A guest that somebody has started needs to be let go of no more."""
        saved_aside.forget(self._directory(guest_id))

    def saved(self) -> list[str]:
        """The guests that are off only as long as their disks are read."""
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return []
        return [name for name in names if GUEST_ID.fullmatch(name) and saved_aside.is_noted(self._directory(name))]

    def _make(
        self, guest_id: str, disk: Disk, path: str, kind: str, quiesce: Quiesce, working_on: saved_aside.WorkingOn
    ) -> None:
        found = self._connection.power(guest_id)
        if found is None or found[1] not in IN_USE or disk.device != 'disk':
            self._flatten(disk, path, self._file(guest_id, PART), kind)
            return
        power, source = found[1], path
        try:
            if self._copy(guest_id, disk, path, quiesce, runs=power is Power.RUNNING):
                source = self._file(guest_id, COPY)
        except block_copy.Impossible as reason:
            LOG.info('Guest %s is saved while its disk is read: %s', guest_id, reason)
            self._read_saved(guest_id, disk, path, kind, quiesce, power, working_on)
            return
        self._flatten(disk, source, self._file(guest_id, PART), kind)

    def _read_saved(
        self,
        guest_id: str,
        disk: Disk,
        path: str,
        kind: str,
        quiesce: Quiesce,
        power: Power,
        working_on: saved_aside.WorkingOn,
    ) -> None:
        """Its memory is kept meanwhile, and it goes on from there."""
        if power is Power.SUSPENDED:
            raise errors.HostFailed(f'Guest {guest_id} sleeps by itself and cannot be saved; wake it up first.')
        try:
            self._freeze(guest_id, quiesce if power is Power.RUNNING else Quiesce.NO)
            with saved_aside.saved(self._connection, guest_id, self._directory(guest_id), power, working_on):
                self._flatten(disk, path, self._file(guest_id, PART), kind)
        finally:
            self._thaw(guest_id)

    def _copy(self, guest_id: str, disk: Disk, path: str, quiesce: Quiesce, runs: bool) -> bool:
        """Whether there is a copy; the guest may have stopped instead, and then its disk is as good as one."""
        if quiesce is Quiesce.REQUIRE:
            agent.check(self._connection, guest_id)
        if not self._settings.live_snapshots:
            raise block_copy.Impossible('The option disable_libvirt_livesnapshot says so.')
        shallow = self._make_empty(disk, path, self._file(guest_id, COPY))
        try:
            block_copy.begin(self._connection, guest_id, path, self._file(guest_id, COPY), disk.format, shallow)
            if not block_copy.wait(self._connection, guest_id, path):
                return False
            self._freeze(guest_id, quiesce if runs else Quiesce.NO)
            return block_copy.end(self._connection, guest_id, path)
        except BaseException:
            block_copy.give_up(self._connection, guest_id)
            raise
        finally:
            self._thaw(guest_id)

    def _make_empty(self, disk: Disk, path: str, copy: str) -> bool:
        """What the disk is copied to: as large, and on top of the same image; whether it is on top of one."""
        if disk.format != 'qcow2':
            with open(copy, 'wb') as file:
                file.truncate(os.path.getsize(path))
            return False
        # QEMU alone writes the header of this file; the guest sees only what is in it.
        facts = json.loads(self._qemu_img('info', '-U', '--output=json', '-f', 'qcow2', path))
        base = facts.get('full-backing-filename') or facts.get('backing-filename')
        beneath = ('-F', facts['backing-filename-format'], '-b', base) if base else ()
        self._qemu_img('create', '-q', '-f', 'qcow2', *beneath, copy, str(facts['virtual-size']))
        return bool(base)

    def _freeze(self, guest_id: str, quiesce: Quiesce) -> None:
        if quiesce is Quiesce.NO:
            return
        with open(self._file(guest_id, FROZEN), 'wb'):
            pass
        try:
            agent.freeze(self._connection, guest_id)
        except errors.Conflict as failure:
            if quiesce is Quiesce.REQUIRE:
                raise
            LOG.warning('Guest %s is copied as it is: %s', guest_id, failure)

    def _thaw(self, guest_id: str) -> None:
        note = self._file(guest_id, FROZEN)
        if os.path.exists(note):
            agent.thaw(self._connection, guest_id)
            _unlink(note)

    def _flatten(self, disk: Disk, source: str, target: str, kind: str) -> None:
        compressed = ('-c',) if kind == 'qcow2' and self._settings.snapshot_compression else ()
        self._qemu_img('convert', '-f', disk.format, '-O', kind, *compressed, source, target, size=disk.size)
        if kind == 'qcow2':
            image_format.check_safe(image_format.inspect_file(target), kind)

    def _qemu_img(self, *arguments: str, size: int = 0) -> str:
        return commands.run(
            ['qemu-img', *arguments],
            memory_gb=self._settings.qemu_img_memory_gb,
            cpu_seconds=self._settings.qemu_img_cpu_seconds + size // CONVERTED_PER_SECOND,
        )

    def _remove_unfinished(self, guest_id: str) -> None:
        for name in (COPY, PART):
            _unlink(self._file(guest_id, name))

    def _directory(self, guest_id: str) -> str:
        if not GUEST_ID.fullmatch(guest_id):
            raise errors.Invalid(f'"{guest_id}" is not an id of a server.')
        return os.path.join(self._root, guest_id)

    def _file(self, guest_id: str, name: str, kind: str | None = None) -> str:
        return os.path.join(self._directory(guest_id), f'{name}.{kind}' if kind else name)


def _facts(path: str, kind: str) -> Snapshot:
    size = os.path.getsize(path)
    # Plain bytes say nothing of themselves: whatever they look like, the guest may have written it.
    inside = size if kind == 'raw' else image_format.inspect_file(path).virtual_size
    return Snapshot(kind, size, inside)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
