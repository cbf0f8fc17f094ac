"""Simulate guests: for tests, and for clouds that try out everything but a hypervisor."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

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
from nova.virt.fake.simulation import Simulated, Simulation
from nova.virt.fake.snapshots import SnapshotFiles
from nova.virt.fake.tpms import Modules
from nova.virt.fake.trouble import Trouble, wishes_of

HYPERVISOR_TYPE = 'fake'
TRAITS = ('COMPUTE_IMAGE_TYPE_QCOW2', 'COMPUTE_IMAGE_TYPE_RAW', 'COMPUTE_NODE', 'COMPUTE_TRUSTED_CERTS')
TPM_TRAITS = ('COMPUTE_SECURITY_TPM_1_2', 'COMPUTE_SECURITY_TPM_2_0')
SUPPORTED = (
    ('x86_64', 'fake', 'hvm'),
    ('x86_64', 'qemu', 'hvm'),
    ('i686', 'fake', 'hvm'),
    ('i686', 'qemu', 'hvm'),
)

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
    driver.Tpms,
):
    """Guests live in memory and, with a `directory`, in a file each: they outlive this process as real ones would.

    `fetch_images` makes it ask for a guest's image as a real driver does; without, nothing is downloaded. `tpms`: whether
    guests may have any.
    """

    def __init__(
        self,
        host: str,
        inventory: HostInventory | None = None,
        directory: str | None = None,
        fetch_images: bool = False,
        console_address: ConsoleAddress | None = None,
        sleep: Callable[[float], None] = time.sleep,
        tpms: bool = False,
    ):
        place = Path(directory) if directory else None
        self._host, self._fetch_images, self._has_tpms = host, fetch_images, tpms
        self._inventory = inventory or HostInventory(vcpus=1000, memory_mb=800_000, disk_gb=600_000)
        self._console_address = console_address
        self._simulation, self._trouble = Simulation(place), Trouble(host, sleep)
        self._snapshots, self._tpms = SnapshotFiles(place), Modules(place)
        self._listener: driver.PowerListener | None = None
        self.trouble: str | None = None
        # By guest: the user and the password that were set last.
        self.passwords: dict[str, tuple[str, str]] = {}
        # Whether guests run on while images are made of them.
        self.live_snapshots = True
        # What the last snapshot of each guest was asked for.
        self.quiesced: dict[str, Quiesce] = {}

    # Guests

    def ensure(
        self,
        guest: Guest,
        image_source: driver.ImageSource,
        config_drive: Mapping[str, bytes] | None,
        held: bool = False,
    ) -> Power:
        wishes = wishes_of(guest)
        self._trouble.at('ensure', guest.id, wishes)
        known = self._simulation.find(guest.id)
        if known is None or known.power not in (Power.RUNNING, Power.PAUSED):
            self._power_tpm_on(guest)
        if known is None:
            disk = self._new_disk(guest.image, image_source)
            known = Simulated(guest.id, guest.name, Power.SHUTDOWN, boot_log(guest, config_drive), wishes, disk)
        rescue_disk = known.rescue_disk if guest.server.state is State.RESCUED else None
        power = Power.PAUSED if held and known.power is not Power.RUNNING else Power.RUNNING
        plugged = tuple(port.id for port in guest.ports)
        return self._simulation.keep(known, power=power, rescue_disk=rescue_disk, interfaces=plugged).power

    def _new_disk(self, image: Image | None, image_source: driver.ImageSource) -> str:
        if image and self._fetch_images:
            return Path(image_source(image)).read_bytes()[:DISK_BYTES].decode(errors='replace')
        return f'made from {image.id}' if image else ''

    def remove(self, guest_id: str, guest_name: str | None, destroy_disks: bool = True) -> None:
        known = self._simulation.find(guest_id)
        if known is not None:
            self._trouble.at('remove', guest_id, known.wishes)
            self._simulation.forget(guest_id)
            self._snapshots.discard_of(guest_id)
        self._tpms.remove(guest_id)

    def list(self) -> tuple[Observed, ...]:
        return tuple(Observed(known.id, known.name, known.power) for known in self._simulation.all())

    def observe(self, guest_id: str) -> Observed | None:
        known = self._simulation.find(guest_id)
        return known and Observed(known.id, known.name, known.power)

    def leftovers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(known.id for known in self._simulation.all()), *self._tpms.guests())))

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
        known = self._simulation.find(guest_id)
        if known is None or known.power is not Power.RUNNING:
            raise errors.Conflict(f'Guest {guest_id} does not run on this host.')
        self._trouble.at('crash_dump', guest_id, known.wishes)

    def _turn(self, guest_id: str, method: str, power: Power) -> Power:
        return self._simulation.keep(self._asked(guest_id, method), power=power).power

    def _asked(self, guest_id: str, method: str) -> Simulated:
        """A guest that is there, and bears what is done to it. Errors: `NotFound`, and what it wishes for."""
        known = self._simulation.get(guest_id)
        self._trouble.at(method, guest_id, known.wishes)
        return known

    # Rebuild

    def prepare_rebuild(
        self, guest: Guest, image_source: driver.ImageSource, config_drive: Mapping[str, bytes] | None
    ) -> None:
        known = self._known(guest, 'prepare_rebuild')
        self._simulation.keep(known, prepared=self._new_disk(guest.image, image_source))

    def replace_disks(self, guest: Guest) -> Power:
        known = self._known(guest, 'replace_disks')
        changes = {}
        if known.prepared is not None:
            changes = {'disk': known.prepared, 'prepared': None, 'rescue_disk': None}
            changes |= {'log': boot_log(guest, None), 'wishes': wishes_of(guest)}
            self._tpms.renew(guest.id)
        return self._simulation.keep(known, power=Power.SHUTDOWN, **changes).power

    def discard_rebuild(self, guest_id: str) -> None:
        if known := self._simulation.find(guest_id):
            self._simulation.keep(known, prepared=None)

    def _known(self, guest: Guest, method: str) -> Simulated:
        """The guest as it is; one that is not there is off, and has nothing on its disk."""
        known = self._simulation.find(guest.id)
        known = known or Simulated(guest.id, guest.name, Power.SHUTDOWN, wishes=wishes_of(guest))
        self._trouble.at(method, guest.id, known.wishes)
        return known

    # Resize

    def resize_disks(self, guest: Guest) -> None:
        known = self._simulation.get(guest.id)
        known.refuse_running()
        self._trouble.at('resize_disks', guest.id, known.wishes)
        if known.aside is None:
            self._simulation.keep(known, aside=(known.disk, known.sizes or []), sizes=_sizes(guest))

    def restore_disks(self, guest_id: str) -> None:
        known = self._simulation.find(guest_id)
        if known is None or known.aside is None:
            return
        known.refuse_running()
        self._trouble.at('restore_disks', guest_id, known.wishes)
        disk, sizes = known.aside
        self._simulation.keep(known, disk=disk, sizes=sizes or None, aside=None)

    def forget_old_disks(self, guest_id: str) -> None:
        known = self._simulation.find(guest_id)
        if known is None or known.aside is None:
            return
        self._trouble.at('forget_old_disks', guest_id, known.wishes)
        self._simulation.keep(known, aside=None)

    def disk_sizes(self, guest_id: str) -> Sequence[int] | None:
        """In GB, root and ephemeral ones, and of swap in MB; None for a guest that was not resized."""
        return self._simulation.get(guest_id).sizes

    def set_aside(self) -> Sequence[str]:
        """The ids of the guests whose former disks are kept."""
        return sorted(known.id for known in self._simulation.all() if known.aside is not None)

    # Rescue

    def rescue(
        self,
        guest: Guest,
        image: Image,
        image_source: driver.ImageSource,
        config_drive: Mapping[str, bytes] | None,
        timeout: float,
    ) -> Power:
        known = self._known(guest, 'rescue')
        disk = known.rescue_disk
        if disk is None:
            self._power_tpm_on(guest)
            disk = self._new_disk(image, image_source)
        return self._simulation.keep(known, power=Power.RUNNING, rescue_disk=disk).power

    def unrescue(self, guest: Guest) -> Power:
        known = self._known(guest, 'unrescue')
        if known.rescue_disk is not None:
            known = self._simulation.keep(known, power=Power.SHUTDOWN, rescue_disk=None)
        return known.power

    def booted_from(self, guest_id: str) -> str:
        """What is on the disk that the guest boots from."""
        known = self._simulation.get(guest_id)
        return known.disk if known.rescue_disk is None else known.rescue_disk

    # Snapshots

    def take_snapshot(self, guest_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        known = self._asked(guest_id, 'take_snapshot')
        self.quiesced[guest_id] = quiesce
        if not self.live_snapshots and known.power in (Power.RUNNING, Power.PAUSED):
            self._simulation.keep(known, power=Power.SHUTDOWN, saved_as=known.power.name)
        taken = self._read_disk(guest_id, image_id)
        self.let_go(guest_id)
        return taken

    def _read_disk(self, guest_id: str, image_id: str) -> Snapshot:
        return self._snapshots.take(guest_id, image_id, self._simulation.get(guest_id).disk)

    def snapshot_file(self, guest_id: str, image_id: str) -> str | None:
        return self._snapshots.file(guest_id, image_id)

    def discard_snapshot(self, guest_id: str, image_id: str) -> None:
        self._snapshots.discard(guest_id, image_id)

    def discard_all_snapshots(self) -> None:
        for guest_id in self.saved_for_snapshots():
            self.let_go(guest_id)
        self._snapshots.discard_all()

    def saved_for_snapshots(self) -> Sequence[str]:
        return [known.id for known in self._simulation.all() if known.saved_as]

    def let_go(self, guest_id: str) -> None:
        known = self._simulation.find(guest_id)
        if known and known.saved_as:
            self._simulation.keep(known, power=Power[known.saved_as], saved_as=None)

    def write_disk(self, guest_id: str, text: str) -> None:
        """Let the guest write to its disk."""
        self._simulation.keep(self._simulation.get(guest_id), disk=text)

    def read_disk(self, guest_id: str) -> str:
        return self._simulation.get(guest_id).disk

    def snapshots(self) -> Sequence[str]:
        """The ids of the images whose data is kept here."""
        return self._snapshots.images()

    # Passwords

    def check_password_change(self, guest_id: str) -> None:
        if self._simulation.get(guest_id).power is not Power.RUNNING:
            raise errors.Conflict(f'Guest {guest_id} does not run, so nobody in it can change passwords.')

    def set_password(self, guest_id: str, user: str, password: str) -> None:
        self.check_password_change(guest_id)
        self._asked(guest_id, 'set_password')
        self.passwords[guest_id] = (user, password)

    # TPMs

    def tpm_key(self, guest_id: str) -> str | None:
        return self._tpms.key_of(guest_id)

    def keep_tpm_key(self, guest_id: str, key_id: str) -> None:
        self._tpms.keep_key(guest_id, key_id)

    def unlock_tpm(self, guest_id: str, key_id: str, secret: bytes) -> None:
        self._tpms.unlock(guest_id, key_id, secret)

    def _power_tpm_on(self, guest: Guest) -> None:
        if self._has_tpms:
            self._tpms.power_on(guest)

    # Interfaces

    def attach_interface(self, guest: Guest, port: Port) -> None:
        self._connect(guest.id, 'attach_interface', lambda known: dict.fromkeys((*known, port.id)))

    def detach_interface(self, guest_id: str, port_id: str) -> None:
        self._connect(guest_id, 'detach_interface', lambda known: (one for one in known if one != port_id))

    def describe_network(self, guest: Guest) -> None:
        self._connect(guest.id, 'describe_network', lambda known: known)

    def interfaces_of(self, guest_id: str) -> tuple[str, ...]:
        """The ports that are plugged into a guest."""
        return tuple(self._simulation.get(guest_id).interfaces)

    def _connect(self, guest_id: str, method: str, change: Callable[[Sequence[str]], Iterable[str]]) -> None:
        known = self._asked(guest_id, method)
        self._simulation.keep(known, interfaces=tuple(change(known.interfaces)))

    # Measures

    def diagnose(self, guest_id: str) -> Diagnostics:
        if self._simulation.get(guest_id).power is not Power.RUNNING:
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
            traits=TRAITS + (TPM_TRAITS if self._has_tpms else ()),
            cpu_info={
                'arch': 'x86_64',
                'model': 'Simulated',
                'vendor': 'fake',
                'features': ['pge', 'clflush'],
                'topology': {'sockets': self._inventory.vcpus, 'cores': 1, 'threads': 1},
            },
            supported_instances=SUPPORTED,
            running_guests=len(self._simulation.all()),
            trouble=self.trouble,
        )

    def connected(self) -> bool:
        return self.trouble is None

    # Console

    def output(self, guest_id: str, length: int | None = None) -> bytes:
        lines = self._simulation.get(guest_id).log.splitlines(keepends=True)
        return ''.join(lines if length is None else lines[len(lines) - min(length, len(lines)) :]).encode()

    def address(self, guest_id: str, kind: str) -> ConsoleAddress:
        self._simulation.get(guest_id)
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
        known = self._simulation.get(guest_id)
        if power is None:
            self._simulation.forget(guest_id)
        else:
            self._simulation.keep(known, power=power)
        if self._listener:
            self._listener(guest_id, power)

    def end_trouble(self) -> None:
        """Let no guest fail or take its time any more, whatever it was made to wish for."""
        for known in self._simulation.all():
            self._simulation.keep(known, wishes={})


def _sizes(guest: Guest) -> list[int]:
    return [guest.server.flavor.disk_gb, *guest.ephemeral_disks_gb, guest.swap_mb]
