"""Run guests on QEMU through libvirt."""

import contextlib
import dataclasses
import logging
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

from oslo_config import cfg

from nova import errors
from nova.domain.diagnostics import Diagnostics
from nova.domain.guest import ConsoleAddress, Guest, Observed
from nova.domain.guest_devices import Description
from nova.domain.host import HostReport
from nova.domain.image import Image
from nova.domain.lifecycle import Power, State
from nova.domain.network import Port
from nova.domain.snapshot import Quiesce, Snapshot
from nova.virt.driver import (
    Console,
    Descriptions,
    Events,
    Guests,
    ImageSource,
    Interfaces,
    Inventory,
    Measures,
    Passwords,
    PowerControl,
    PowerListener,
    Rebuild,
    Rescue,
    Resize,
    Snapshots,
    Tpms,
)
from nova.virt.libvirt import agent, console_log, diagnostics, events, interfaces, limits, tagged
from nova.virt.libvirt.connection import Connection
from nova.virt.libvirt.disk import Disk
from nova.virt.libvirt.domain_xml.domain import domain_xml
from nova.virt.libvirt.domain_xml.machine import architecture, machine_type
from nova.virt.libvirt.domain_xml.server_facts import NAMESPACE
from nova.virt.libvirt.domain_xml.wishes import wishes_of
from nova.virt.libvirt.inventory import HostInventory
from nova.virt.libvirt.options import settings_from
from nova.virt.libvirt.resize import Resizes
from nova.virt.libvirt.settings import Settings
from nova.virt.libvirt.snapshots import Snapshots as SnapshotFiles
from nova.virt.libvirt.storage import Storage
from nova.virt.libvirt.tpm import Keys as TpmKeys

LOG = logging.getLogger(__name__)

MACHINE_ID = '/etc/machine-id'
HOST_SYSTEM = platform.system().lower()


def build(conf: cfg.ConfigOpts) -> 'LibvirtDriver':
    """The driver that the configuration describes; it connects when it is first asked something."""
    return LibvirtDriver(settings_from(conf))


class LibvirtDriver(
    Guests,
    Tpms,
    Descriptions,
    PowerControl,
    Rescue,
    Rebuild,
    Resize,
    Measures,
    Interfaces,
    Inventory,
    Console,
    Events,
    Snapshots,
    Passwords,
):
    """The guests of one host."""

    def __init__(self, settings: Settings, settle: float = events.SETTLE):
        self._settings = settings
        self._connection = Connection(settings.connection_uri)
        self._storage = Storage(settings)
        self._tpm_keys = TpmKeys(self._connection, self._storage.directory)
        self._snapshots = SnapshotFiles(settings, self._connection, self._storage)
        self._resizes = Resizes(settings, self._storage)
        self._inventory = HostInventory(settings, self._connection, self._storage)
        self._interfaces = interfaces.Interfaces(self._connection, settings)
        self._teller = events.Teller(events.News(settle), self._look)
        # Whether a domain is ours, by its id: it carries our metadata. Asked once for each.
        self._ours: dict[str, bool] = {}

    # --- guests

    def ensure(
        self, guest: Guest, image_source: ImageSource, config_drive: Mapping[str, bytes] | None, held: bool = False
    ) -> Power:
        with self._teller.working_on(guest.id) as left:
            power = self._ensure(guest, image_source, config_drive, held)
            left(power)
        return power

    def _ensure(
        self, guest: Guest, image_source: ImageSource, config_drive: Mapping[str, bytes] | None, held: bool
    ) -> Power:
        found = self._connection.power(guest.id)
        if found is not None and found[1] is Power.PAUSED:
            if held:
                return Power.PAUSED
            self._connection.resume(guest.id)
            return Power.RUNNING
        if found is not None and found[1] is Power.RUNNING:
            return Power.RUNNING
        disks = self._storage.ensure(guest, image_source, config_drive)
        if guest.server.state is State.RESCUED:
            disks = self._storage.rescue_disks(guest.id) or disks
        else:
            self._storage.end_rescue(guest.id)
        return self._start(guest, disks, held)

    def _start(self, guest: Guest, disks: Sequence[Disk], held: bool = False) -> Power:
        xml = self._xml(guest, disks)
        with limits.explaining(guest):
            power = self._connection.start(guest.id, xml, held)
        self._snapshots.started(guest.id)
        self._ours[guest.id] = True
        limits.check_processors(self._connection, guest)
        return power

    def _xml(self, guest: Guest, disks: Sequence[Disk]) -> str:
        cache_mode, settings, wishes = self._storage.cache_mode(), self._settings, wishes_of(guest)
        arch = architecture(wishes, settings)
        if arch != settings.arch and not self._inventory.runs(arch):
            raise errors.NotImplementedHere(f'This host has no QEMU for guests of the architecture {arch}.')
        self._inventory.refuse_unknown_machine(arch, machine_type(wishes, dataclasses.replace(settings, arch=arch)))
        if wishes.secure_boot() == 'optional':
            settings = dataclasses.replace(settings, secure_boot=self._inventory.has_secure_boot())
        xml = domain_xml(
            guest,
            disks,
            settings,
            cache_mode=cache_mode,
            serial=self._serial(guest.id),
            cpu_model=self._inventory.cpu_model(guest.server.flavor.extra_specs),
            tpm_secret=self._tpm_keys.of(guest.id),
        )
        LOG.debug('The domain of guest %s:\n%s', guest.id, xml)
        return xml

    def remove(self, guest_id: str, guest_name: str | None, destroy_disks: bool = True) -> None:
        self._storage.directory(guest_id)
        with self._teller.working_on(guest_id) as left:
            self._connection.remove(guest_id)
            self._tpm_keys.forget(guest_id)
            left(None)
        self._ours.pop(guest_id, None)
        self._snapshots.forget(guest_id)
        if destroy_disks:
            self._storage.remove(guest_id)

    def list(self) -> tuple[Observed, ...]:
        found = self._connection.powers()
        for gone in set(self._ours) - {guest_id for guest_id, _name, _power in found}:
            self._ours.pop(gone, None)
        return tuple(self._observed(*domain) for domain in found)

    def observe(self, guest_id: str) -> Observed | None:
        found = self._connection.power(guest_id)
        return Observed(guest_id, *found) if found is not None else None

    def leftovers(self) -> tuple[str, ...]:
        domains = {guest.id for guest in self.list() if guest.id is not None}
        return tuple(sorted(domains | self._storage.guests()))

    def _observed(self, domain_id: str, name: str, power: Power) -> Observed:
        return Observed(domain_id if self._is_ours(domain_id) else None, name, power)

    def _is_ours(self, domain_id: str) -> bool:
        known = self._ours.get(domain_id)
        if known is None:
            # A domain that is gone cannot be asked any more; the files of ours outlive it.
            known = self._connection.has_metadata(domain_id, NAMESPACE) or self._storage.has(domain_id)
            self._ours[domain_id] = known
        return known

    def _serial(self, guest_id: str) -> str | None:
        """The serial number that the guest's firmware shows."""
        source = self._settings.serial_source
        if source == 'auto':
            source = 'os' if os.path.exists(MACHINE_ID) else 'hardware'
        if source == 'os':
            with open(MACHINE_ID, encoding='ascii') as file:
                return file.read().strip()
        if source == 'hardware':
            return self._inventory.host_uuid()
        return guest_id if source == 'unique' else None

    # --- power

    def stop(self, guest_id: str, timeout: float) -> Power:
        return self._left(guest_id, lambda guest_id: self._shut_down(guest_id, timeout), Power.SHUTDOWN)

    def _shut_down(self, guest_id: str, timeout: float) -> None:
        self._connection.shut_down(guest_id, timeout, self._settings.shutdown_retry)

    def pause(self, guest_id: str) -> Power:
        return self._left(guest_id, self._connection.pause, Power.PAUSED)

    def unpause(self, guest_id: str) -> Power:
        return self._left(guest_id, self._connection.resume, Power.RUNNING)

    def suspend(self, guest_id: str) -> Power:
        return self._left(guest_id, self._connection.save, Power.SHUTDOWN)

    def crash_dump(self, guest_id: str) -> None:
        self._connection.inject_nmi(guest_id)

    def _left(self, guest_id: str, work: Callable[[str], None], power: Power) -> Power:
        with self._teller.working_on(guest_id) as left:
            work(guest_id)
            left(power)
        return power

    # --- interfaces

    def attach_interface(self, guest: Guest, port: Port) -> None:
        self._interfaces.attach(guest, port)

    def detach_interface(self, guest_id: str, port_id: str) -> None:
        self._interfaces.detach(guest_id, port_id)

    def describe_network(self, guest: Guest) -> None:
        self._interfaces.describe(guest)

    # --- other disks

    def prepare_rebuild(
        self, guest: Guest, image_source: ImageSource, config_drive: Mapping[str, bytes] | None
    ) -> None:
        self._storage.prepare_exchange(guest, image_source, config_drive)

    def replace_disks(self, guest: Guest) -> Power:
        with self._teller.working_on(guest.id) as left:
            # With its memory and its firmware's variables: they belong to the system that goes.
            self._connection.remove(guest.id)
            disks = self._storage.commit_exchange(guest.id)
            self._connection.define(self._xml(guest, disks))
            self._ours[guest.id] = True
            left(Power.SHUTDOWN)
        return Power.SHUTDOWN

    def discard_rebuild(self, guest_id: str) -> None:
        self._storage.discard_exchange(guest_id)

    def rescue(
        self,
        guest: Guest,
        image: Image,
        image_source: ImageSource,
        config_drive: Mapping[str, bytes] | None,
        timeout: float,
    ) -> Power:
        disks = self._storage.rescue_disks(guest.id)
        with self._teller.working_on(guest.id) as left:
            if disks is None:
                disks = self._storage.prepare_rescue(guest, image, image_source, config_drive)
                with contextlib.suppress(errors.NotFound):
                    self._shut_down(guest.id, timeout)
                # It would go on in place of the rescue system.
                self._connection.forget_memory(guest.id)
                self._storage.commit_rescue(guest.id, disks)
            power = self._start(guest, disks)
            left(power)
        return power

    def unrescue(self, guest: Guest) -> Power:
        disks = self._storage.own_disks(guest.id)
        if self._storage.rescue_disks(guest.id) is None or disks is None:
            self._storage.end_rescue(guest.id)
            seen = self.observe(guest.id)
            return Power.SHUTDOWN if seen is None else seen.power
        with self._teller.working_on(guest.id) as left:
            with contextlib.suppress(errors.NotFound):
                self._connection.end(guest.id)
            self._connection.define(self._xml(guest, disks))
            self._storage.end_rescue(guest.id)
            left(Power.SHUTDOWN)
        return Power.SHUTDOWN

    # --- snapshots

    def take_snapshot(self, guest_id: str, image_id: str, quiesce: Quiesce) -> Snapshot:
        return self._snapshots.take(guest_id, image_id, quiesce, self._teller.working_on)

    def snapshot_file(self, guest_id: str, image_id: str) -> str | None:
        return self._snapshots.file(guest_id, image_id)

    def discard_snapshot(self, guest_id: str, image_id: str) -> None:
        self._snapshots.discard(guest_id, image_id)

    def discard_all_snapshots(self) -> None:
        self._snapshots.forget_all()

    def saved_for_snapshots(self) -> Sequence[str]:
        return self._snapshots.saved()

    def let_go(self, guest_id: str) -> None:
        with self._teller.working_on(guest_id):
            self._snapshots.let_go(guest_id)

    # --- passwords

    def check_password_change(self, guest_id: str) -> None:
        agent.check(self._connection, guest_id)

    def set_password(self, guest_id: str, user: str, password: str) -> None:
        agent.set_password(self._connection, guest_id, user, password)

    def resize_disks(self, guest: Guest) -> None:
        self._refuse_running(guest.id)
        self._resizes.resize(guest)

    def restore_disks(self, guest_id: str) -> None:
        self._refuse_running(guest_id)
        self._resizes.restore(guest_id)

    def forget_old_disks(self, guest_id: str) -> None:
        self._resizes.forget(guest_id)

    def _refuse_running(self, guest_id: str) -> None:
        found = self._connection.power(guest_id)
        if found is not None and found[1] not in (Power.SHUTDOWN, Power.CRASHED):
            raise errors.HostFailed(f'Guest {guest_id} is not off, so its disks cannot be exchanged.')

    # --- what guests use

    def diagnose(self, guest_id: str) -> Diagnostics:
        if self.observe(guest_id) is None:
            raise errors.NotFound(f'Guest {guest_id} is not on this host.')
        measured = self._connection.measured(guest_id)
        if measured is None:
            raise errors.Conflict(f'Guest {guest_id} does not run, so there is nothing to measure.')
        return diagnostics.of_domain(*measured, self._settings.virt_type, HOST_SYSTEM)

    def tpm_key(self, guest_id: str) -> str | None:
        return self._tpm_keys.of(guest_id)

    def keep_tpm_key(self, guest_id: str, key_id: str) -> None:
        self._tpm_keys.keep(guest_id, key_id)

    def unlock_tpm(self, guest_id: str, key_id: str, secret: bytes) -> None:
        self._tpm_keys.unlock(guest_id, key_id, secret)

    def describe(self, guest: Guest) -> Description:
        wishes = wishes_of(guest)
        settings = dataclasses.replace(self._settings, arch=architecture(wishes, self._settings))
        xml = self._connection.live_xml(guest.id)
        found = tagged.devices(guest, xml) if xml else ()
        return Description(machine_type(wishes, settings), found)

    # --- the host

    def report(self) -> HostReport:
        return self._inventory.report()

    def connected(self) -> bool:
        return self._connection.link.connected()

    # --- consoles

    def output(self, guest_id: str, length: int | None = None) -> bytes:
        if not self._storage.has(guest_id):
            raise errors.NotFound(f'Guest {guest_id} is not on this host.')
        return console_log.tail(self._storage.console_log(guest_id), length)

    def address(self, guest_id: str, kind: str) -> ConsoleAddress:
        if kind != 'novnc' or not self._settings.vnc_enabled:
            raise errors.NotImplementedHere(f'Guests on this host have no console of the type {kind}.')
        xml = self._connection.live_xml(guest_id)
        if xml is None:
            raise errors.NotFound(f'Guest {guest_id} does not run on this host, so it has no console.')
        screen = ElementTree.fromstring(xml).find("devices/graphics[@type='vnc']")
        port = int(screen.get('port', '-1')) if screen is not None else -1
        if port <= 0:
            raise errors.NotFound(f'Guest {guest_id} has no VNC console; start it anew to give it one.')
        return ConsoleAddress(kind, self._settings.vnc_proxyclient_address, port)

    # --- events

    def listen(self, listener: PowerListener) -> None:
        def tell(guest_id: str, power: Power | None) -> None:
            if self._is_ours(guest_id):
                listener(guest_id, self._as_it_is(guest_id, power))
            if power is None:
                self._ours.pop(guest_id, None)

        self._teller.listen(tell)
        self._connection.link.listen(self._teller.hear)
        self._connection.link.connected()

    def _as_it_is(self, guest_id: str, power: Power | None) -> Power | None:
        """An event may be older than what was done to the guest since: the guest itself knows better."""
        try:
            found = self._connection.power(guest_id)
        except (errors.HostFailed, errors.HostAway):
            return power
        return found[1] if found is not None else power

    def close(self) -> None:
        self._teller.close()
        self._connection.link.close()

    def _look(self) -> None:
        self._connection.link.connected()
