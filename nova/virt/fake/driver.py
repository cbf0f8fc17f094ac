"""Simulate guests: for tests, and for clouds that try out everything but a hypervisor."""

import dataclasses
import json
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nova import errors
from nova.domain.diagnostics import Diagnostics, DiskTraffic, InterfaceTraffic, Processor, Traffic
from nova.domain.guest import ConsoleAddress, Guest, Observed
from nova.domain.host import HostReport
from nova.domain.host import Inventory as HostInventory
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.domain.network import Port
from nova.domain.snapshot import Quiesce, Snapshot
from nova.virt import driver
from nova.virt.fake.boot_log import boot_log

LOG = logging.getLogger(__name__)

HYPERVISOR_TYPE = 'fake'
TRAITS = ('COMPUTE_IMAGE_TYPE_QCOW2', 'COMPUTE_IMAGE_TYPE_RAW', 'COMPUTE_NODE', 'COMPUTE_TRUSTED_CERTS')
SUPPORTED = (
    ('x86_64', 'fake', 'hvm'),
    ('x86_64', 'qemu', 'hvm'),
    ('i686', 'fake', 'hvm'),
    ('i686', 'qemu', 'hvm'),
)

# A server's metadata, or its flavor's extra specs, may ask for trouble: `fake:fail` names the method that fails (with
# `fake:fail_on` only on that host), `fake:delay` the seconds that each method takes.
FAIL, FAIL_ON, DELAY = 'fake:fail', 'fake:fail_on', 'fake:delay'

DISK_BYTES = 4096  # so much of a disk's data is kept

SIMULATED_FIGURES = Diagnostics(
    driver='fake',
    hypervisor='fake',
    hypervisor_os='linux',
    processors=(Processor(0, 17_300_000_000, 15),),
    disks=(DiskTraffic('vda', 262144, 112, 5778432, 488, 1),),
    interfaces=(
        InterfaceTraffic(
            'vnet1', '01:23:45:67:89:ab', Traffic(2070139, 26701, 100, 200), Traffic(140208, 662, 400, 500)
        ),
    ),
    memory_maximum=524288,
    memory_used=131072,
    memory={'maximum': 524288},
)


@dataclasses.dataclass
class Simulated:
    """One guest."""

    id: str
    name: str
    power: Power
    log: str = ''
    wishes: dict[str, str] = dataclasses.field(default_factory=dict)
    # What is on its disk.
    disk: str = ''
    # What was made for a rebuild, and did not replace its disk yet.
    prepared: str | None = None
    # What is on the disk that it is rescued from.
    rescue_disk: str | None = None
    # Its disks in GB, root and ephemeral ones, and of swap in MB; None while nobody has asked for other sizes.
    sizes: list[int] | None = None
    # What was on its disk, and the sizes, when it was resized.
    aside: tuple[str, list[int]] | None = None
    # The ports that are plugged in.
    interfaces: Sequence[str] = ()


class FakeDriver(
    driver.Guests,
    driver.PowerControl,
    driver.Measures,
    driver.Interfaces,
    driver.Inventory,
    driver.Console,
    driver.Events,
    driver.Snapshots,
    driver.Passwords,
    driver.Rebuild,
    driver.Resize,
    driver.Rescue,
):
    """Guests live in memory and, with a `directory`, in a file each: they outlive this process as real ones would.

    `fetch_images` makes it ask for a guest's image as a real driver does; without, nothing is downloaded.
    """

    def __init__(
        self,
        host: str,
        inventory: HostInventory | None = None,
        directory: str | None = None,
        fetch_images: bool = False,
        console_address: ConsoleAddress | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self._host, self._fetch_images, self._sleep = host, fetch_images, sleep
        self._inventory = inventory or HostInventory(vcpus=1000, memory_mb=800_000, disk_gb=600_000)
        self._directory = Path(directory) if directory else None
        self._console_address = console_address
        self._guests: dict[str, Simulated] = {}
        self._listener: driver.PowerListener | None = None
        self._lock = threading.Lock()
        self.trouble: str | None = None
        # By guest: the user and the password that were set last.
        self.passwords: dict[str, tuple[str, str]] = {}
        # What the last snapshot of each guest was asked for.
        self.quiesced: dict[str, Quiesce] = {}
        self._files = tempfile.TemporaryDirectory(prefix='fake-snapshots-')
        if self._directory:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._read_all()

    # Guests

    def ensure(self, guest: Guest, image_source: driver.ImageSource, config_drive: Mapping[str, bytes] | None) -> Power:
        wishes = _wishes(guest)
        self._misbehave('ensure', guest.id, wishes)
        with self._lock:
            known = self._guests.get(guest.id)
        if known is None:
            disk = self._new_disk(guest.image, image_source)
            known = Simulated(guest.id, guest.name, Power.RUNNING, boot_log(guest, config_drive), wishes, disk)
        elif guest.server.state is not State.RESCUED:
            known = dataclasses.replace(known, rescue_disk=None)
        plugged = tuple(port.id for port in guest.ports)
        known = dataclasses.replace(known, power=Power.RUNNING, interfaces=plugged)
        self._write(known)
        with self._lock:
            self._guests[guest.id] = known
        return known.power

    def _new_disk(self, image: Image | None, image_source: driver.ImageSource) -> str:
        if image and self._fetch_images:
            return Path(image_source(image)).read_bytes()[:DISK_BYTES].decode(errors='replace')
        return f'made from {image.id}' if image else ''

    def remove(self, guest_id: str, guest_name: str | None, destroy_disks: bool = True) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            return
        self._misbehave('remove', guest_id, known.wishes)
        if self._directory:
            self._file(guest_id).unlink(missing_ok=True)
        shutil.rmtree(self._snapshots(guest_id), ignore_errors=True)
        with self._lock:
            self._guests.pop(guest_id, None)

    def list(self) -> tuple[Observed, ...]:
        with self._lock:
            return tuple(Observed(known.id, known.name, known.power) for known in self._guests.values())

    def observe(self, guest_id: str) -> Observed | None:
        with self._lock:
            known = self._guests.get(guest_id)
        return known and Observed(known.id, known.name, known.power)

    def leftovers(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._guests)

    # PowerControl

    def stop(self, guest_id: str, timeout: float) -> Power:
        return self._turn(guest_id, 'stop', Power.SHUTDOWN)

    def pause(self, guest_id: str) -> Power:
        return self._turn(guest_id, 'pause', Power.PAUSED)

    def unpause(self, guest_id: str) -> Power:
        return self._turn(guest_id, 'unpause', Power.RUNNING)

    def suspend(self, guest_id: str) -> Power:
        return self._turn(guest_id, 'suspend', Power.SHUTDOWN)

    def crash_dump(self, guest_id: str) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None or known.power is not Power.RUNNING:
            raise errors.Conflict(f'Guest {guest_id} does not run on this host.')
        self._misbehave('crash_dump', guest_id, known.wishes)

    def _turn(self, guest_id: str, method: str, power: Power) -> Power:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        self._misbehave(method, guest_id, known.wishes)
        known = dataclasses.replace(known, power=power)
        self._write(known)
        with self._lock:
            self._guests[guest_id] = known
        return power

    # Rebuild

    def prepare_rebuild(
        self, guest: Guest, image_source: driver.ImageSource, config_drive: Mapping[str, bytes] | None
    ) -> None:
        known = self._known(guest)
        self._misbehave('prepare_rebuild', guest.id, known.wishes)
        self._keep(dataclasses.replace(known, prepared=self._new_disk(guest.image, image_source)))

    def replace_disks(self, guest: Guest) -> Power:
        known = self._known(guest)
        self._misbehave('replace_disks', guest.id, known.wishes)
        if known.prepared is not None:
            known = dataclasses.replace(known, disk=known.prepared, prepared=None, rescue_disk=None)
            known = dataclasses.replace(known, log=boot_log(guest, None), wishes=_wishes(guest))
        self._keep(dataclasses.replace(known, power=Power.SHUTDOWN))
        return Power.SHUTDOWN

    def discard_rebuild(self, guest_id: str) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known:
            self._keep(dataclasses.replace(known, prepared=None))

    # Resize

    def resize_disks(self, guest: Guest) -> None:
        with self._lock:
            known = self._guests.get(guest.id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest.id} on this host.')
        _refuse_running(known)
        self._misbehave('resize_disks', guest.id, known.wishes)
        if known.aside is None:
            known = dataclasses.replace(known, aside=(known.disk, known.sizes or []), sizes=_sizes(guest))
            self._keep(known)

    def restore_disks(self, guest_id: str) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None or known.aside is None:
            return
        _refuse_running(known)
        self._misbehave('restore_disks', guest_id, known.wishes)
        disk, sizes = known.aside
        self._keep(dataclasses.replace(known, disk=disk, sizes=sizes or None, aside=None))

    def forget_old_disks(self, guest_id: str) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None or known.aside is None:
            return
        self._misbehave('forget_old_disks', guest_id, known.wishes)
        self._keep(dataclasses.replace(known, aside=None))

    def disk_sizes(self, guest_id: str) -> Sequence[int] | None:
        """In GB, root and ephemeral ones, and of swap in MB; None for a guest that was not resized."""
        with self._lock:
            return self._guests[guest_id].sizes

    def set_aside(self) -> Sequence[str]:
        """The ids of the guests whose former disks are kept."""
        with self._lock:
            return sorted(guest_id for guest_id, known in self._guests.items() if known.aside is not None)

    # Rescue

    def rescue(
        self,
        guest: Guest,
        image: Image,
        image_source: driver.ImageSource,
        config_drive: Mapping[str, bytes] | None,
        timeout: float,
    ) -> Power:
        known = self._known(guest)
        self._misbehave('rescue', guest.id, known.wishes)
        disk = known.rescue_disk
        if disk is None:
            disk = self._new_disk(image, image_source)
        self._keep(dataclasses.replace(known, power=Power.RUNNING, rescue_disk=disk))
        return Power.RUNNING

    def unrescue(self, guest: Guest) -> Power:
        known = self._known(guest)
        self._misbehave('unrescue', guest.id, known.wishes)
        if known.rescue_disk is not None:
            known = dataclasses.replace(known, power=Power.SHUTDOWN, rescue_disk=None)
            self._keep(known)
        return known.power

    def booted_from(self, guest_id: str) -> str:
        """What is on the disk that the guest boots from."""
        with self._lock:
            known = self._guests[guest_id]
        return known.disk if known.rescue_disk is None else known.rescue_disk

    def _known(self, guest: Guest) -> Simulated:
        """The guest as it is; one that is not there is off, and has nothing on its disk."""
        with self._lock:
            known = self._guests.get(guest.id)
        return known or Simulated(guest.id, guest.name, Power.SHUTDOWN, wishes=_wishes(guest))

    def _keep(self, known: Simulated) -> None:
        self._write(known)
        with self._lock:
            self._guests[known.id] = known

    # Snapshots

    def take_snapshot(self, guest_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        self._misbehave('take_snapshot', guest_id, known.wishes)
        self.quiesced[guest_id] = quiesce
        place = self._snapshots(guest_id)
        place.mkdir(parents=True, exist_ok=True)
        data = known.disk.encode()
        (place / image_id).write_bytes(data)
        return Snapshot('raw', len(data), len(data))

    def snapshot_file(self, guest_id: str, image_id: str) -> str | None:
        path = self._snapshots(guest_id) / image_id
        return str(path) if path.exists() else None

    def discard_snapshot(self, guest_id: str, image_id: str) -> None:
        (self._snapshots(guest_id) / image_id).unlink(missing_ok=True)

    def discard_all_snapshots(self) -> None:
        shutil.rmtree(self._snapshots(''), ignore_errors=True)

    def write_disk(self, guest_id: str, text: str) -> None:
        """Let the guest write to its disk."""
        with self._lock:
            known = self._guests[guest_id] = dataclasses.replace(self._guests[guest_id], disk=text)
        self._write(known)

    def read_disk(self, guest_id: str) -> str:
        with self._lock:
            return self._guests[guest_id].disk

    def snapshots(self) -> Sequence[str]:
        """The ids of the images whose data is kept here."""
        return sorted(path.name for path in self._snapshots('').glob('*/*'))

    def _snapshots(self, guest_id: str) -> Path:
        return (self._directory or Path(self._files.name)) / 'snapshots' / guest_id

    # Passwords

    def check_password_change(self, guest_id: str) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        if known.power is not Power.RUNNING:
            raise errors.Conflict(f'Guest {guest_id} does not run, so nobody in it can change passwords.')

    def set_password(self, guest_id: str, user: str, password: str) -> None:
        self.check_password_change(guest_id)
        self._misbehave('set_password', guest_id, self._guests[guest_id].wishes)
        self.passwords[guest_id] = (user, password)

    # Interfaces

    def attach_interface(self, guest: Guest, port: Port) -> None:
        self._connect(guest.id, 'attach_interface', lambda known: dict.fromkeys((*known, port.id)))

    def detach_interface(self, guest_id: str, port_id: str) -> None:
        self._connect(guest_id, 'detach_interface', lambda known: (one for one in known if one != port_id))

    def describe_network(self, guest: Guest) -> None:
        self._connect(guest.id, 'describe_network', lambda known: known)

    def interfaces_of(self, guest_id: str) -> tuple[str, ...]:
        """The ports that are plugged into a guest."""
        with self._lock:
            return tuple(self._guests[guest_id].interfaces)

    def _connect(self, guest_id: str, method: str, change: Callable[[Sequence[str]], Iterable[str]]) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        self._misbehave(method, guest_id, known.wishes)
        known = dataclasses.replace(known, interfaces=tuple(change(known.interfaces)))
        self._write(known)
        with self._lock:
            self._guests[guest_id] = known

    # Measures

    def diagnose(self, guest_id: str) -> Diagnostics:
        seen = self.observe(guest_id)
        if seen is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        if seen.power is not Power.RUNNING:
            raise errors.Conflict(f'Guest {guest_id} does not run, so there is nothing to measure.')
        return SIMULATED_FIGURES

    # Inventory

    def report(self) -> HostReport:
        return HostReport(
            host=self._host,
            node=self._host,
            node_id='',
            hypervisor_type=HYPERVISOR_TYPE,
            hypervisor_version=1_000_000,
            inventory=self._inventory,
            traits=TRAITS,
            cpu_info={
                'arch': 'x86_64',
                'model': 'Simulated',
                'vendor': 'fake',
                'features': ['pge', 'clflush'],
                'topology': {'sockets': self._inventory.vcpus, 'cores': 1, 'threads': 1},
            },
            supported_instances=SUPPORTED,
            running_guests=len(self._guests),
            trouble=self.trouble,
        )

    def connected(self) -> bool:
        return self.trouble is None

    # Console

    def output(self, guest_id: str, length: int | None = None) -> bytes:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        lines = known.log.splitlines(keepends=True)
        return ''.join(lines if length is None else lines[len(lines) - min(length, len(lines)) :]).encode()

    def address(self, guest_id: str, kind: str) -> ConsoleAddress:
        if self.observe(guest_id) is None:
            raise errors.NotFound(f'There is no guest {guest_id} on this host.')
        if self._console_address is None or self._console_address.kind != kind:
            raise errors.NotImplementedHere(f'Simulated guests have no {kind} console.')
        return self._console_address

    # Events

    def listen(self, listener: driver.PowerListener) -> None:
        self._listener = listener

    def close(self) -> None:
        self._listener = None

    def change_by_itself(self, guest_id: str, power: Power | None) -> None:
        """Let a guest shut down, crash, or (None) vanish, without anybody having asked for it."""
        with self._lock:
            known = self._guests.pop(guest_id)
            if power is not None:
                self._guests[guest_id] = dataclasses.replace(known, power=power)
        if power is not None:
            self._write(dataclasses.replace(known, power=power))
        elif self._directory:
            self._file(guest_id).unlink(missing_ok=True)
        if self._listener:
            self._listener(guest_id, power)

    def _misbehave(self, method: str, guest_id: str, wishes: Mapping[str, str]) -> None:
        if delay := wishes.get(DELAY):
            self._sleep(float(delay))
        if wishes.get(FAIL) == method and wishes.get(FAIL_ON, self._host) == self._host:
            raise errors.HostFailed(f'Guest {guest_id} was asked to fail at {method} on {self._host}.')

    def _file(self, guest_id: str) -> Path:
        return self._directory / f'{guest_id}.json'

    def _write(self, known: Simulated) -> None:
        if not self._directory:
            return
        text = json.dumps({**dataclasses.asdict(known), 'power': known.power.value})
        with tempfile.NamedTemporaryFile('w', dir=self._directory, suffix='.part', delete=False) as file:
            file.write(text)
        os.replace(file.name, self._file(known.id))

    def _read_all(self) -> None:
        for part in self._directory.glob('*.part'):
            part.unlink(missing_ok=True)
        for path in sorted(self._directory.glob('*.json')):
            found: dict[str, Any] = json.loads(path.read_text())
            self._guests[found['id']] = Simulated(**{**found, 'power': Power(found['power'])})


def _refuse_running(known: Simulated) -> None:
    if known.power not in (Power.SHUTDOWN, Power.CRASHED):
        raise errors.HostFailed(f'Guest {known.id} is not off, so its disks cannot be exchanged.')


def _sizes(guest: Guest) -> list[int]:
    return [guest.server.flavor.disk_gb, *guest.ephemeral_disks_gb, guest.swap_mb]


def _wishes(guest: Guest) -> dict[str, str]:
    given = {**guest.server.flavor.extra_specs, **guest.server.metadata}
    return {key: given[key] for key in (FAIL, FAIL_ON, DELAY) if key in given}
