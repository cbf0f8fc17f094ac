"""Tell of guests that change by themselves, and keep silent about what this host did to them."""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator

from nova.domain.lifecycle import Power
from nova.virt.driver import PowerListener

LOG = logging.getLogger(__name__)

# A reboot is a stop and a start. A guest that is up again within this time (seconds) has not stopped.
SETTLE = 3.0
# How often a lost hypervisor is looked for while nobody asks it anything.
LOOK = 5.0
# How long a guest that is gone is remembered: its last events may be late.
REMEMBER = 60.0

DOWN = frozenset({Power.SHUTDOWN, Power.CRASHED})


@dataclasses.dataclass
class _Hand:
    """A guest that this host is working on: how many do, and the last that was heard of it meanwhile."""

    users: int = 0
    heard: list[Power | None] = dataclasses.field(default_factory=list)


class News:
    """Decides what of all that the hypervisor says is news: what differs from what is known already. No threads."""

    def __init__(self, settle: float = SETTLE):
        self._settle = settle
        self._known: dict[str, tuple[Power | None, float]] = {}
        self._pending: dict[str, tuple[float, Power | None]] = {}
        self._in_hand: dict[str, _Hand] = {}

    def heard(self, guest_id: str, power: Power | None, now: float) -> None:
        """The hypervisor said this of a guest."""
        if guest_id in self._in_hand:
            self._in_hand[guest_id].heard.append(power)
            return
        self._forget(now)
        known, at = self._known.get(guest_id, (..., now))
        # What is heard of a guest right after its end is older than that, as its last stop is at any time.
        if known is None and (power in DOWN or now - at < self._settle):
            return
        self._pending[guest_id] = (now + (self._settle if power in DOWN else 0), power)

    def take(self, guest_id: str) -> None:
        """This host begins to work on the guest; what is heard of it now is our own doing."""
        self._in_hand.setdefault(guest_id, _Hand()).users += 1

    def release(self, guest_id: str, now: float, *result: Power | None) -> None:
        """The work is done, and left the guest like this; no result if the work failed."""
        hand = self._in_hand[guest_id]
        hand.users -= 1
        if not hand.users:
            del self._in_hand[guest_id]
        if result:
            self._known[guest_id] = (result[0], now)
            self._pending.pop(guest_id, None)
        removed = result == (None,)
        if hand.heard and not hand.users and not removed:
            self.heard(guest_id, hand.heard[-1], now)

    def due(self, now: float) -> list[tuple[str, Power | None]]:
        """What is to be told now."""
        ripe = [(guest_id, power) for guest_id, (at, power) in self._pending.items() if at <= now]
        news = [(guest_id, power) for guest_id, power in ripe if self._known.get(guest_id, (...,))[0] != power]
        for guest_id, power in ripe:
            del self._pending[guest_id]
            self._known[guest_id] = (power, now)
        return news

    def wait(self, now: float) -> float | None:
        """Seconds until something may be due; None if nothing waits."""
        return max(0.0, min(at for at, _power in self._pending.values()) - now) if self._pending else None

    def _forget(self, now: float) -> None:
        gone = [key for key, (power, at) in self._known.items() if power is None and at < now - REMEMBER]
        for guest_id in gone:
            del self._known[guest_id]


class Teller:
    """Carries the news to the listener, in a thread of its own."""

    def __init__(self, news: News, look: Callable[[], object]):
        self._news = news
        self._look = look
        self._listener: PowerListener | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def listen(self, listener: PowerListener) -> None:
        """Begin to tell; `look` is called now and then, to open a connection that was lost."""
        with self._changed:
            self._listener = listener
            if self._thread is None:
                self._thread = threading.Thread(target=self._tell, name='guest-events', daemon=True)
                self._thread.start()

    def hear(self, guest_id: str, power: Power | None) -> None:
        """Take an event; returns at once."""
        with self._changed:
            self._news.heard(guest_id, power, time.monotonic())
            self._changed.notify()

    @contextlib.contextmanager
    def working_on(self, guest_id: str) -> Iterator[Callable[[Power | None], None]]:
        """While inside, what is heard of the guest is our own doing. Call what is given with how the guest is left."""
        result: list[Power | None] = []
        with self._changed:
            self._news.take(guest_id)
        try:
            yield result.append
        finally:
            with self._changed:
                self._news.release(guest_id, time.monotonic(), *result[-1:])
                self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(LOOK)

    def _tell(self) -> None:
        while True:
            with self._changed:
                wait = self._news.wait(time.monotonic())
                if wait is None or wait > 0:
                    self._changed.wait(LOOK if wait is None else min(wait, LOOK))
                if self._stopping:
                    return
                news = self._news.due(time.monotonic())
            for guest_id, power in news:
                self._tell_one(guest_id, power)
            # Events come only over an open connection, so a lost one is opened again here.
            self._look()

    def _tell_one(self, guest_id: str, power: Power | None) -> None:
        LOG.info('Guest %s changed by itself: it is %s.', guest_id, power.name if power else 'gone')
        try:
            self._listener(guest_id, power)
        except Exception:
            LOG.exception('Nobody could be told that guest %s changed.', guest_id)
