"""Have guests wait until the network service has wired their ports, where it says when it has."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator

from nova import errors
from nova.domain.external_event import FAILED
from nova.domain.guest import Guest

LOG = logging.getLogger(__name__)


class Plugging:
    """`timeout` seconds are waited at most, 0: not at all. `fatal`: a port that is not wired then fails its guest."""

    def __init__(self, timeout: float = 0.0, fatal: bool = True, clock: Callable[[], float] = time.monotonic):
        self._timeout, self._fatal, self._clock = timeout, fatal, clock
        self._changed = threading.Condition()
        self._expected: dict[str, Wait] = {}
        self._closed = False

    @contextlib.contextmanager
    def expected(self, guest: Guest) -> Iterator['Wait | None']:
        """What is heard of the guest's ports from now on counts. None if there is nothing to wait for."""
        ports = {port.id for port in guest.ports if port.tells_when_wired} if self._timeout > 0 else set()
        if not ports:
            yield None
            return
        wait = Wait(guest.id, ports)
        with self._changed:
            self._expected[guest.id] = wait
        try:
            yield wait
        finally:
            with self._changed:
                del self._expected[guest.id]

    def heard(self, server_id: str, port_id: str | None, status: str) -> None:
        """The network service has wired a port, or could not."""
        with self._changed:
            wait = self._expected.get(server_id)
            if wait is None or port_id not in wait.missing:
                LOG.debug('Nobody waits for port %s of server %s (%s).', port_id, server_id, status)
                return
            if status == FAILED:
                wait.failed.add(port_id)
            else:
                wait.missing.discard(port_id)
            self._changed.notify_all()

    def give_up(self, server_id: str) -> None:
        """Whoever waits for the server's ports need not any more: it is to be deleted."""
        with self._changed:
            if (wait := self._expected.get(server_id)) is not None:
                wait.given_up = True
                self._changed.notify_all()

    def close(self) -> None:
        """The daemon stops: another one has to wait on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, wait: 'Wait') -> None:
        """Return when all that is waited for is wired, or may be missing. Errors: HostFailed, ServiceDown."""
        until = self._clock() + self._timeout
        with self._changed:
            while wait.missing and not wait.over and not self._closed and (left := until - self._clock()) > 0:
                self._changed.wait(left)
            closed = self._closed
        if not wait.missing:
            return
        if wait.given_up:
            raise errors.HostFailed(f'Server {wait.server_id} is to be deleted, so its ports are waited for no longer.')
        if wait.failed:
            self._fall_short(wait, f'the network service could not wire {_named(wait.failed)}.')
        elif closed:
            raise errors.ServiceDown(f'nova-compute stops while server {wait.server_id} waits for its ports.')
        else:
            missing = _named(wait.missing)
            self._fall_short(wait, f'the network service did not wire {missing} within {self._timeout:g} seconds.')

    def _fall_short(self, wait: 'Wait', why: str) -> None:
        if self._fatal:
            raise errors.HostFailed(f'Virtual Interface creation failed: {why}')
        LOG.warning('Guest %s starts all the same: %s', wait.server_id, why)


class Wait:
    """For the ports of one guest."""

    def __init__(self, server_id: str, missing: set[str]):
        self.server_id, self.missing = server_id, missing
        self.failed: set[str] = set()
        self.given_up = False

    @property
    def over(self) -> bool:
        return bool(self.failed) or self.given_up


def _named(port_ids: set[str]) -> str:
    return f'port {", ".join(sorted(port_ids))}'
