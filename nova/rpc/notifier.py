"""Send notifications in the background: nobody who causes one waits for the bus, or fails with it."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from nova import errors
from nova.domain.notifications import Notification, Wishes
from nova.domain.notifications.envelope import BOTH, INFO, UNVERSIONED, VERSIONED, unversioned

# By way of the bus, which has it use native threads before it is imported.
from nova.rpc.bus import oslo_messaging

LOG = logging.getLogger(__name__)

# How many wait for a bus that does not answer; what comes then is dropped.
MOST_WAITING = 10_000


class Notifier:
    """Hands notifications to `deliver`, one after the other. Without it nothing is sent, and nothing should be made.

    `host` is this daemon's; `sent` and `dropped` count.
    """

    def __init__(
        self,
        deliver: Callable[[Notification], None] | None = None,
        wishes: Wishes | None = None,
        host: str = '',
        most_waiting: int = MOST_WAITING,
    ):
        self._deliver, self.wishes, self.host = deliver, wishes or Wishes(), host
        self._waiting: queue.Queue[tuple[list[Notification], Callable[[bool], None] | None]] = queue.Queue(most_waiting)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._in_trouble = False
        self.sent = self.dropped = 0

    @property
    def on(self) -> bool:
        """Whether anybody is to know; ask before reading what only a notification needs."""
        return self._deliver is not None

    def notification(
        self, binary: str, event_type: str, payload: dict[str, Any], priority: str = INFO, host: str | None = None
    ) -> Notification:
        """As from `binary` on a host, this one unless said."""
        return Notification(event_type, payload, f'{binary}:{host or self.host}', priority)

    def send(self, batch: list[Notification], then: Callable[[bool], None] | None = None) -> None:
        """Send these soon, in their order, and call `then` with whether all of them were sent."""
        if not self.on or not (batch or then):
            return
        try:
            self._waiting.put_nowait((batch, then))
        except queue.Full:
            self._drop(batch, then, 'too many wait already')
        else:
            self._begin()

    def flush(self, seconds: float) -> bool:
        """Wait until everything is sent or dropped; False if that takes longer."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _begin(self) -> None:
        # Not before the first is to be sent: the process may fork until then.
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name='notifications', daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        while True:
            batch, then = self._waiting.get()
            try:
                self._send_now(batch, then)
            finally:
                self._waiting.task_done()

    def _send_now(self, batch: list[Notification], then: Callable[[bool], None] | None) -> None:
        for number, notification in enumerate(batch):
            try:
                self._deliver(notification)
            except Exception as failure:
                self._drop(batch[number:], then, failure)
                return
            self.sent += 1
            self._in_trouble = False
        if then:
            then(True)

    def _drop(self, batch: list[Notification], then: Callable[[bool], None] | None, why: object) -> None:
        self.dropped += len(batch)
        if then:
            then(False)
        if not self._in_trouble:
            LOG.warning('Notifications are dropped until the bus takes them again: %s', why)
        self._in_trouble = True


SILENT = Notifier()


def of(conf: Any) -> Notifier:
    """The notifier that the options describe; it connects when it first sends."""
    conf.register_opts(oslo_messaging.notify.notifier._notifier_opts, group='oslo_messaging_notifications')
    if not set(conf.oslo_messaging_notifications.driver) - {'', 'noop'}:
        return SILENT
    options = conf.notifications
    wishes = Wishes(
        options.notification_format,
        options.default_level,
        options.notify_on_state_change,
        options.bdms_in_notifications,
        conf.instance_usage_audit_period,
    )
    return Notifier(Outlet(conf, wishes), wishes, conf.host)


class Outlet:
    """Sends a notification over oslo.messaging in the formats that are wished for."""

    def __init__(self, conf: Any, wishes: Wishes):
        self._conf, self._wishes = conf, wishes
        self._notifiers: dict[str, Any] = {}
        self._failure: Exception | None = None

    def __call__(self, notification: Notification) -> None:
        if not self._notifiers:
            self._notifiers = self._made()
        self._failure = None
        for form, notifier in self._notifiers.items():
            told = notification if form == VERSIONED else unversioned(notification, self._wishes.default_level)
            send = getattr(notifier.prepare(publisher_id=told.publisher_id), told.priority.lower())
            # Without a context: it would carry the user's token.
            send({}, told.event_type, told.payload)
        if self._failure is not None:
            raise errors.ServiceDown(f'{type(self._failure).__name__}: {self._failure}') from self._failure

    def _made(self) -> dict[str, Any]:
        transport = oslo_messaging.get_notification_transport(self._conf)
        send = transport._send_notification

        def watched(*arguments: Any, **options: Any) -> None:
            # The library's drivers log each failure with the whole notification, and say nothing to their caller.
            try:
                send(*arguments, **options)
            except Exception as failure:
                self._failure = failure

        transport._send_notification = watched
        topics = {UNVERSIONED: None, VERSIONED: self._conf.notifications.versioned_notifications_topics}
        wanted = topics if self._wishes.format == BOTH else {self._wishes.format: topics[self._wishes.format]}
        return {form: oslo_messaging.Notifier(transport, topics=named) for form, named in wanted.items()}
