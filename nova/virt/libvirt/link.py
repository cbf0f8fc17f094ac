"""Hold the one connection to libvirt: open it, put questions over it, hear its events. Nothing else in the driver does."""

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

# The guest's id and its power, None when it is gone.
PowerHandler = Callable[[str, Power | None], None]


class Link:
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
        except errors.HostAway:
            return False
        return True

    def trouble(self) -> str | None:
        """Why libvirt cannot be talked to, or None if it can."""
        try:
            self._open()
        except errors.HostAway as failure:
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

    @contextlib.contextmanager
    def told_of(self, guest_id: str) -> Iterator[threading.Event]:
        """While inside, what this gives is set when libvirt tells of the domain, if its events are listened to."""
        changed = self._awaited.setdefault(guest_id, threading.Event())
        try:
            yield changed
        finally:
            self._awaited.pop(guest_id, None)

    def ask(self, question: Callable[[Any], T]) -> T:
        """Put the question; once more if the daemon went away meanwhile. So each question must bear repeating.

        Errors: HostFailed for what libvirt refuses; HostAway while there is no libvirt, for it may be there in a moment.
        """
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
            kind = errors.HostFailed if _alive(connection) else errors.HostAway
            raise kind(_sentence(failure)) from failure

    def _reopen(self, deadline: float) -> Any:
        while True:
            try:
                return self._open()
            except errors.HostAway:
                if time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_INTERVAL)

    def _open(self) -> Any:
        if not self._lock.acquire(timeout=LOCK_TIMEOUT):
            raise errors.HostAway('libvirt is being connected to, and does not answer.')
        try:
            if self._closed:
                raise errors.HostAway('The connection to libvirt was closed.')
            if self._connection is None or not _alive(self._connection):
                self._connection = None
                self._connection = self._connect()
                self.generation += 1
            return self._connection
        except libvirt.libvirtError as failure:
            raise errors.HostAway(
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
