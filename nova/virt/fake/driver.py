"""Simulate guests: for tests, and for clouds that try out everything but a hypervisor."""

import dataclasses
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nova import errors
from nova.domain.diagnostics import Diagnostics, DiskTraffic, InterfaceTraffic, Processor, Traffic
from nova.domain.guest import ConsoleAddress, Guest, Observed
from nova.domain.host import HostReport
from nova.domain.host import Inventory as HostInventory
from nova.domain.lifecycle import Power
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


class FakeDriver(driver.Guests, driver.PowerControl, driver.Measures, driver.Inventory, driver.Console, driver.Events):
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
            if guest.image and self._fetch_images:
                image_source(guest.image)
            known = Simulated(guest.id, guest.name, Power.RUNNING, boot_log(guest, config_drive), wishes)
        known = dataclasses.replace(known, power=Power.RUNNING)
        self._write(known)
        with self._lock:
            self._guests[guest.id] = known
        return known.power

    def remove(self, guest_id: str, guest_name: str | None, destroy_disks: bool = True) -> None:
        with self._lock:
            known = self._guests.get(guest_id)
        if known is None:
            return
        self._misbehave('remove', guest_id, known.wishes)
        if self._directory:
            self._file(guest_id).unlink(missing_ok=True)
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


def _wishes(guest: Guest) -> dict[str, str]:
    given = {**guest.server.flavor.extra_specs, **guest.server.metadata}
    return {key: given[key] for key in (FAIL, FAIL_ON, DELAY) if key in given}
