"""Ask libvirt about domains and the host, and have it change them."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import libvirt

from nova import errors
from nova.domain.lifecycle import Power
from nova.virt.libvirt.link import Link

T = TypeVar('T')

# How often a guest that is shutting down is looked at, beside whenever libvirt tells of a change.
SHUTDOWN_LOOK = 0.2

POWER = {
    libvirt.VIR_DOMAIN_NOSTATE: Power.NOSTATE,
    libvirt.VIR_DOMAIN_RUNNING: Power.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Power.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    # On its way down, but it still runs.
    libvirt.VIR_DOMAIN_SHUTDOWN: Power.RUNNING,
    libvirt.VIR_DOMAIN_SHUTOFF: Power.SHUTDOWN,
    libvirt.VIR_DOMAIN_CRASHED: Power.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.SUSPENDED,
}
# All that may hang on a domain, most libvirts first: drivers and older versions do not know every flag.
UNDEFINE_FLAGS = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    | getattr(libvirt, 'VIR_DOMAIN_UNDEFINE_TPM', 0),
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
)
MEASURED = (
    libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
# What a domain may say that is asked twice to let go of a device.
UNPLUGGING = (
    libvirt.VIR_ERR_OPERATION_FAILED,
    libvirt.VIR_ERR_OPERATION_INVALID,
    libvirt.VIR_ERR_INTERNAL_ERROR,
    libvirt.VIR_ERR_DEVICE_MISSING,
)
UNKNOWN_FLAGS = (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT)
# How libvirt says, by an error of no kind, that a running domain cannot have one more device.
NO_PORT_LEFT = 'No more available PCI'


class Connection:
    """What libvirt is asked about its domains and its host; each question bears repeating, as `link` may repeat it."""

    def __init__(self, uri: str):
        self.link = Link(uri)
        self._ask = self.link.ask

    # --- guests

    def power(self, guest_id: str) -> tuple[str, Power] | None:
        """The name and power of a domain, or None if there is no such domain."""

        def look(connection):
            domain = _find(connection, guest_id)
            return domain and (domain.name(), _power(*domain.state()[:2]))

        return self._ask(look)

    def powers(self) -> list[tuple[str, str, Power]]:
        """Identity, name and power of every domain, in one question."""

        def look(connection):
            stats = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
            return [
                (domain.UUIDString(), domain.name(), _power(values['state.state'], values.get('state.reason')))
                for domain, values in stats
            ]

        return self._ask(look)

    def start(self, guest_id: str, xml: str, held: bool = False) -> Power:
        """Define the domain, start it unless it runs, and say how it is. `held`: it does not begin to work yet."""

        def define_and_start(connection):
            domain = _find(connection, guest_id)
            if domain is None or not domain.isActive():
                domain = connection.defineXML(xml)
                domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED if held else 0)
                # It was started so; to ask again would cost a call.
                return Power.PAUSED if held else Power.RUNNING
            return POWER[domain.state()[0]]

        return self._ask(define_and_start)

    def define(self, xml: str) -> None:
        """Define a domain, or give one that does not run another description."""
        self._ask(lambda connection: connection.defineXML(xml))

    def forget_memory(self, guest_id: str) -> None:
        """Delete the memory that was kept of a domain: its next start is one from its disks."""

        def forget(connection):
            domain = _find(connection, guest_id)
            if domain is not None and domain.hasManagedSaveImage():
                domain.managedSaveRemove()

        self._ask(forget)

    def shares_processors(self, guest_id: str) -> bool:
        """Whether libvirt keeps a running domain to its share of processors; it takes no notice where it cannot."""

        def look(connection):
            try:
                return bool(_found(connection, guest_id).schedulerParameters())
            except libvirt.libvirtError as failure:
                if failure.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
                    return False
                raise

        return self._ask(look)

    def pause(self, guest_id: str) -> None:
        """Hold a domain that runs; one that is held already is fine."""

        def hold(connection):
            domain = _found(connection, guest_id)
            if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
                domain.suspend()

        self._ask(hold)

    def resume(self, guest_id: str) -> None:
        """Let a domain that is held go on; one that runs already is fine."""

        def go_on(connection):
            domain = _found(connection, guest_id)
            if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
                domain.resume()

        self._ask(go_on)

    def save(self, guest_id: str) -> None:
        """Keep the domain's memory on disk and end it; the next start goes on from there."""

        def save(connection):
            domain = _found(connection, guest_id)
            if domain.isActive():
                # Held or not, it goes on running when it is started.
                domain.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING)

        self._ask(save)

    def inject_nmi(self, guest_id: str) -> None:
        self._ask(lambda connection: _found(connection, guest_id).injectNMI())

    def shut_down(self, guest_id: str, timeout: float, ask_every: float = 10.0) -> None:
        """Ask the guest's system to shut down until it has, for `timeout` seconds at most; then end the domain."""
        until = time.monotonic() + timeout
        ask_at = time.monotonic()
        with self.link.told_of(guest_id) as changed:
            while (left := until - time.monotonic()) > 0:
                changed.clear()
                if not self._ask(lambda connection: _found(connection, guest_id).isActive()):
                    return
                if time.monotonic() >= ask_at:
                    self._ask(lambda connection: _press_button(_found(connection, guest_id)))
                    ask_at += ask_every
                changed.wait(min(SHUTDOWN_LOOK, left))
        self.end(guest_id)

    def end(self, guest_id: str) -> None:
        """End the domain at once; it stays known."""

        def end(connection):
            with _unless(libvirt.VIR_ERR_OPERATION_INVALID):
                _found(connection, guest_id).destroy()

        self._ask(end)

    def remove(self, guest_id: str) -> None:
        """End the domain at once and forget it with all that hangs on it. One that is not there is fine."""

        def end_and_forget(connection):
            domain = _find(connection, guest_id)
            if domain is None:
                return
            # Somebody else may be quicker: it does not run any more, or is not there at all.
            with _unless(libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID):
                domain.destroy()
            with _unless(libvirt.VIR_ERR_NO_DOMAIN):
                _undefine(domain)

        self._ask(end_and_forget)

    def plug(self, guest_id: str, xml: str, is_there: Callable[[str], bool]) -> None:
        """Add a device to the domain's record and, if it runs, to it; where it `is_there` by the domain's description."""

        def plug(connection):
            domain = _found(connection, guest_id)
            if domain.isActive() and not is_there(domain.XMLDesc()):
                domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            if domain.isPersistent() and not is_there(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)):
                domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)

        try:
            self._ask(plug)
        except errors.HostFailed as failure:
            if NO_PORT_LEFT not in str(failure):
                raise
            raise errors.Conflict(
                f'Guest {guest_id} has no PCI port left for another device; detach one, or attach it while the server '
                'is stopped.'
            ) from failure

    def unplug(self, guest_id: str, device: Callable[[str], str | None]) -> bool:
        """Ask a running domain to let go of what `device` finds in its description; whether it has it still.

        Asking again while it has not answered yet is refused by some, and does no harm.
        """

        def ask(connection):
            domain = _found(connection, guest_id)
            xml = device(domain.XMLDesc()) if domain.isActive() else None
            if xml is None:
                return False
            with _unless(*UNPLUGGING):
                domain.detachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
            return True

        return self._ask(ask)

    def unplug_from_record(self, guest_id: str, device: Callable[[str], str | None]) -> None:
        """Leave what `device` finds out of the domain's next start."""

        def forget(connection):
            domain = _found(connection, guest_id)
            xml = device(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)) if domain.isPersistent() else None
            if xml is not None:
                domain.detachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_CONFIG)

        self._ask(forget)

    def describe(self, guest_id: str, xml: str, namespace: str) -> None:
        """Replace the metadata element of this namespace."""

        def write(connection):
            domain = _found(connection, guest_id)
            live = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
            flags = live | libvirt.VIR_DOMAIN_AFFECT_CONFIG
            domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xml, 'instance', namespace, flags)

        self._ask(write)

    def hold_secret(self, xml: str, value: bytes) -> None:
        """Have libvirt know a secret."""
        self._ask(lambda connection: connection.secretDefineXML(xml).setValue(value))

    def forget_secret(self, secret_id: str) -> None:
        """Have libvirt not know a secret. One that it does not know is fine."""

        def forget(connection):
            with _unless(libvirt.VIR_ERR_NO_SECRET):
                connection.secretLookupByUUIDString(secret_id).undefine()

        self._ask(forget)

    def live_xml(self, guest_id: str) -> str | None:
        """The description of a running domain; None if it does not run."""

        def look(connection):
            domain = _find(connection, guest_id)
            return domain.XMLDesc() if domain is not None and domain.isActive() else None

        return self._ask(look)

    def measured(self, guest_id: str) -> tuple[dict[str, Any], str] | None:
        """The statistics of a running domain, and its description; None if it does not run."""

        def look(connection):
            domain = _find(connection, guest_id)
            if domain is None or not domain.isActive():
                return None
            found = connection.domainListGetStats([domain], MEASURED)
            return (found[0][1], domain.XMLDesc()) if found else None

        return self._ask(look)

    def ask_domain(self, guest_id: str, question: Callable[[Any], T]) -> T:
        """Put a question, which must bear repeating, to a domain. Errors: NotFound if there is none; HostFailed."""
        return self._ask(lambda connection: question(_found(connection, guest_id)))

    def has_metadata(self, guest_id: str, namespace: str) -> bool:
        """Whether the domain carries a metadata element of this namespace."""

        def look(connection):
            domain = _find(connection, guest_id)
            try:
                return bool(domain and domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, namespace))
            except libvirt.libvirtError as failure:
                if failure.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN_METADATA, libvirt.VIR_ERR_NO_DOMAIN):
                    return False
                raise

        return self._ask(look)

    # --- the host

    def version(self) -> int:
        """The hypervisor's version, as in 7002022 for 7.2.22."""
        return self._ask(lambda connection: connection.getVersion())

    def running(self) -> int:
        """How many domains run."""
        return self._ask(lambda connection: connection.numOfDomains())

    def capabilities(self) -> str:
        return self._ask(lambda connection: connection.getCapabilities())

    def domain_capabilities(self, arch: str, virt_type: str, machine: str | None) -> str:
        return self._ask(lambda connection: connection.getDomainCapabilities(None, arch, machine, virt_type))

    def expanded_cpu(self, arch: str, virt_type: str, machine: str | None, cpu_xml: str) -> str:
        """The CPU description with every feature that its model implies written out."""
        flags = libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
        return self._ask(
            lambda connection: connection.baselineHypervisorCPU(None, arch, machine, virt_type, [cpu_xml], flags)
        )

    def can_be(self, arch: str, virt_type: str, machine: str | None, cpu_xml: str) -> bool:
        """Whether guests on this host can have the processor described."""
        result = self._ask(
            lambda connection: connection.compareHypervisorCPU(None, arch, machine, virt_type, cpu_xml, 0)
        )
        return result in (libvirt.VIR_CPU_COMPARE_IDENTICAL, libvirt.VIR_CPU_COMPARE_SUPERSET)


def _power(state: int, reason: int | None) -> Power:
    if state == libvirt.VIR_DOMAIN_SHUTOFF and reason == libvirt.VIR_DOMAIN_SHUTOFF_CRASHED:
        return Power.CRASHED
    return POWER[state]


def _find(connection: Any, guest_id: str) -> Any:
    try:
        return connection.lookupByUUIDString(guest_id)
    except libvirt.libvirtError as failure:
        if failure.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def _found(connection: Any, guest_id: str) -> Any:
    domain = _find(connection, guest_id)
    if domain is None:
        raise errors.NotFound(f'Guest {guest_id} is not on this host.')
    return domain


def _press_button(domain: Any) -> None:
    """What has no system that listens, or is down already, does not mind."""
    with _unless(libvirt.VIR_ERR_OPERATION_INVALID):
        if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            domain.resume()
        domain.shutdown()


@contextlib.contextmanager
def _unless(*harmless: int) -> Iterator[None]:
    """Ignore these errors of libvirt's."""
    try:
        yield
    except libvirt.libvirtError as failure:
        if failure.get_error_code() not in harmless:
            raise


def _undefine(domain: Any) -> None:
    for flags in UNDEFINE_FLAGS:
        try:
            domain.undefineFlags(flags)
            return
        except libvirt.libvirtError as failure:
            if failure.get_error_code() not in UNKNOWN_FLAGS:
                raise
    domain.undefine()
