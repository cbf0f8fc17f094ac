"""Talk to libvirt. Nothing else in the driver does."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import libvirt

from nova import errors
from nova.domain.lifecycle import Power

LOG = logging.getLogger(__name__)
T = TypeVar('T')

# A daemon that does not answer for so long (seconds, times) counts as gone.
KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 5, 3
# How long a call waits for a daemon that went away while it was being asked.
PATIENCE = 10.0
RETRY_INTERVAL = 0.2
LOCK_TIMEOUT = 5.0
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
# What a lifecycle event means, by event or by event and detail. None: the domain is gone. Others mean nothing new.
EVENTS: dict[int | tuple[int, int], Power | None] = {
    libvirt.VIR_DOMAIN_EVENT_STARTED: Power.RUNNING,
    libvirt.VIR_DOMAIN_EVENT_RESUMED: Power.RUNNING,
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: Power.PAUSED,
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: Power.SUSPENDED,
    libvirt.VIR_DOMAIN_EVENT_STOPPED: Power.SHUTDOWN,
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED): Power.CRASHED,
    (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED): Power.CRASHED,
    libvirt.VIR_DOMAIN_EVENT_CRASHED: Power.CRASHED,
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: None,
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

# The guest's id and its power, None when it is gone.
PowerHandler = Callable[[str, Power | None], None]


class Connection:
    """A connection to one libvirt that is opened when it is needed, and again when it is lost. For any thread."""

    def __init__(self, uri: str):
        self._uri = uri
        self._lock = threading.Lock()
        self._connection: Any = None
        self._handler: PowerHandler | None = None
        # Whose changes somebody waits for, by the guest's id.
        self._awaited: dict[str, threading.Event] = {}
        self._closed = False
        # Counts connections, so that what was learnt on an earlier one can be asked again.
        self.generation = 0

    def connected(self) -> bool:
        try:
            self._open()
        except errors.HostFailed:
            return False
        return True

    def trouble(self) -> str | None:
        """Why libvirt cannot be talked to, or None if it can."""
        try:
            self._open()
        except errors.HostFailed as failure:
            return str(failure)
        return None

    def listen(self, handler: PowerHandler) -> None:
        """Have the handler called for every change of a domain's power, from the thread of libvirt's events."""
        with self._lock:
            self._handler = handler
            if self._connection is not None:
                self._register_events(self._connection)

    def close(self) -> None:
        with self._lock:
            self._closed, self._handler = True, None
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(libvirt.libvirtError):
                connection.unregisterCloseCallback()
            with contextlib.suppress(libvirt.libvirtError):
                connection.close()

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
        with self._told_of(guest_id) as changed:
            while (left := until - time.monotonic()) > 0:
                changed.clear()
                if not self._ask(lambda connection: _found(connection, guest_id).isActive()):
                    return
                if time.monotonic() >= ask_at:
                    self._ask(lambda connection: _press_button(_found(connection, guest_id)))
                    ask_at += ask_every
                changed.wait(min(SHUTDOWN_LOOK, left))
        self.end(guest_id)

    @contextlib.contextmanager
    def _told_of(self, guest_id: str) -> Iterator[threading.Event]:
        """While inside, what this gives is set when libvirt tells of the domain, if its events are listened to."""
        changed = self._awaited.setdefault(guest_id, threading.Event())
        try:
            yield changed
        finally:
            self._awaited.pop(guest_id, None)

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

        self._ask(plug)

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

    # --- the connection itself

    def _ask(self, question: Callable[[Any], T]) -> T:
        """Put the question; once more if the daemon went away meanwhile. So each question must bear repeating."""
        connection = self._open()
        try:
            return question(connection)
        except libvirt.libvirtError as failure:
            if _alive(connection):
                raise errors.HostFailed(_sentence(failure)) from failure
            LOG.warning('libvirt went away while it was being asked; asking again: %s', failure)
        connection = self._reopen(time.monotonic() + PATIENCE)
        try:
            return question(connection)
        except libvirt.libvirtError as failure:
            raise errors.HostFailed(_sentence(failure)) from failure

    def _reopen(self, deadline: float) -> Any:
        while True:
            try:
                return self._open()
            except errors.HostFailed:
                if time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_INTERVAL)

    def _open(self) -> Any:
        if not self._lock.acquire(timeout=LOCK_TIMEOUT):
            raise errors.HostFailed('libvirt is being connected to, and does not answer.')
        try:
            if self._closed:
                raise errors.HostFailed('The connection to libvirt was closed.')
            if self._connection is None or not _alive(self._connection):
                self._connection = None
                self._connection = self._connect()
                self.generation += 1
            return self._connection
        except libvirt.libvirtError as failure:
            raise errors.HostFailed(
                f'libvirt at {self._uri} cannot be reached; see that it runs. {_sentence(failure)}'
            ) from failure
        finally:
            self._lock.release()

    def _connect(self) -> Any:
        _run_events()
        connection = libvirt.open(self._uri)
        # Drivers inside this process have no daemon to keep alive or to lose.
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(KEEPALIVE_INTERVAL, KEEPALIVE_COUNT)
        with contextlib.suppress(libvirt.libvirtError):
            connection.registerCloseCallback(self._lost, None)
        if self._handler is not None:
            self._register_events(connection)
        return connection

    def _register_events(self, connection: Any) -> None:
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._changed, None)

    def _changed(self, _connection: Any, domain: Any, event: int, detail: int, _opaque: Any) -> None:
        handler, guest_id = self._handler, domain.UUIDString()
        if waiting := self._awaited.get(guest_id):
            waiting.set()
        meaning = (event, detail) if (event, detail) in EVENTS else event
        if handler is not None and meaning in EVENTS:
            handler(guest_id, EVENTS[meaning])

    def _lost(self, _connection: Any, _reason: int, _opaque: Any) -> None:
        LOG.warning('The connection to libvirt at %s was lost.', self._uri)


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


def _alive(connection: Any) -> bool:
    try:
        return connection.isAlive() == 1
    except libvirt.libvirtError:
        return False


def _sentence(failure: libvirt.libvirtError) -> str:
    return f'libvirt says: {failure.get_error_message() or failure}.'


_events_lock = threading.Lock()
_events_thread: threading.Thread | None = None


def _run_events() -> None:
    """Start the loop that carries libvirt's events; it belongs to the process, not to a connection."""
    global _events_thread
    with _events_lock:
        if _events_thread is not None:
            return
        # Failures arrive as exceptions; libvirt would also print them.
        libvirt.registerErrorHandler(lambda *_arguments: None, None)
        libvirt.virEventRegisterDefaultImpl()
        _events_thread = threading.Thread(target=_carry_events, name='libvirt-events', daemon=True)
        _events_thread.start()


def _carry_events() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            LOG.exception("libvirt's event loop failed; it goes on.")
            time.sleep(RETRY_INTERVAL)
