"""Run a service as a daemon: logging, signals, readiness, and waiting for what it needs at start."""

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from oslo_config import cfg
from oslo_log import log

import nova.conf
from nova import errors
from nova.cmd import configuration, report, threads
from nova.cmd.health import HealthServer, Readiness
from nova.cmd.notify import notify, reloading, watchdog_interval

if TYPE_CHECKING:
    import prometheus_client

LOG = logging.getLogger(__name__)

# What a service that lacks something it needs at start may raise, to be started again a little later.
WORTH_WAITING = (errors.ServiceDown, ConnectionError, TimeoutError)
LONGEST_PAUSE = 5.0

# Checks that must pass before a service is started: its libraries would wait for these in silence.
ESSENTIAL = ('bus', 'database')


class Service(Protocol):
    """What runs in a daemon. `reload` and `metrics` may be missing; `checks` are read again for each report."""

    checks: Mapping[str, Callable[[], None]]

    def start(self) -> None:
        """Begin to serve. Raises ServiceDown while something it needs is away; is then called again."""

    def stop(self, deadline_seconds: float) -> None:
        """Finish or hand over what runs, within the deadline."""

    def reload(self) -> None:
        """Take up options that may change while running."""

    def metrics(self, registry: 'prometheus_client.CollectorRegistry') -> None:
        """Register what can be measured."""


def run(
    prog: str,
    argv: Sequence[str],
    build: Callable[[cfg.ConfigOpts], Service],
    cli: Callable[[cfg.ConfigOpts], None] | None = None,
    with_neighbours: bool = True,
    about: str | None = None,
) -> int:
    """Serve until told to stop; the exit status of the process."""
    conf = configure(prog, argv, cli, with_neighbours, about)
    return Daemon(prog, conf, build).run()


def configure(
    prog: str,
    argv: Sequence[str],
    cli: Callable[[cfg.ConfigOpts], None] | None = None,
    with_neighbours: bool = True,
    about: str | None = None,
) -> cfg.ConfigOpts:
    """Read the options, begin to log, and say which options have no effect."""
    threads.native()
    try:
        conf = configuration.load(prog, argv, cli, with_neighbours, about)
    except errors.Invalid as failure:
        raise SystemExit(f'{prog}: {failure}') from failure
    report.declare(conf)
    log.setup(conf, 'nova')
    for sentence in nova.conf.warnings(conf):
        LOG.warning(sentence)
    return conf


class Daemon:
    """One service with its signals and its health address. The main thread only waits for signals."""

    def __init__(self, prog: str, conf: cfg.ConfigOpts, build: Callable[[cfg.ConfigOpts], Service]):
        self._prog, self._conf, self._build = prog, conf, build
        self._service: Service | None = None
        self._started = threading.Event()
        self._stopping = threading.Event()
        self._waiting_for = f'{prog} has not started yet.'
        self._signals = Signals()
        self._failure: BaseException | None = None
        self._registry = _registry()
        self._readiness = Readiness(self._checks, conf.health.max_age, conf.health.check_timeout)

    def run(self) -> int:
        self._signals.listen(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)
        health = self._serve_health()
        starter = threading.Thread(target=self._start, name='start', daemon=True)
        starter.start()
        try:
            return self._follow_signals()
        finally:
            if health:
                health.stop()

    def _serve_health(self) -> HealthServer | None:
        settings = self._conf.health
        port = settings[f'{self._prog.removeprefix("nova-").replace("-", "_")}_port']
        if not port:
            return None
        try:
            server = HealthServer(settings.listen, port, self._readiness, self._measured)
        except OSError as failure:
            raise SystemExit(
                f'{self._prog} cannot say how it is on {settings.listen} port {port}: {failure.strerror}. '
                f'Free the port, or choose another in group [health].'
            ) from failure
        server.start()
        return server

    def _measured(self) -> bytes:
        import prometheus_client

        return prometheus_client.generate_latest(self._registry)

    def _checks(self) -> Mapping[str, Callable[[], None]]:
        checks = {} if self._service is None else self._service.checks
        return checks if self._started.is_set() else {'start': self._not_started, **checks}

    def _not_started(self) -> None:
        raise errors.ServiceDown(self._waiting_for)

    def _start(self) -> None:
        try:
            wait_for_start(self._start_once, self._stopping, self._conf.health.waiting_log_interval, self._say_waiting)
        except BaseException as failure:
            self._failure = failure
            self._signals.wake()

    def _start_once(self) -> None:
        if self._service is None:
            service = self._build(self._conf)
            if hasattr(service, 'metrics'):
                service.metrics(self._registry)
            self._service = service
        missing = [reason for name, reason in self._readiness.report().items() if name in ESSENTIAL and reason]
        if missing:
            raise errors.ServiceDown(' '.join(missing))
        self._service.start()
        self._started.set()
        LOG.info('%s is ready.', self._prog)
        notify('READY=1', f'STATUS={self._prog} is ready.')

    def _say_waiting(self, reason: str) -> None:
        self._waiting_for = reason
        notify_waiting(reason)

    def _follow_signals(self) -> int:
        interval = watchdog_interval()
        while True:
            number = self._signals.next(interval)
            if number is None:
                notify('WATCHDOG=1')
            elif number == Signals.WOKEN:
                self._log_failure()
                return 1
            elif number in (signal.SIGTERM, signal.SIGINT):
                return self._stop()
            elif number == signal.SIGHUP:
                self._reload()
            elif number == signal.SIGUSR2:
                write_report(self._conf, self._prog)

    def _log_failure(self) -> None:
        if isinstance(self._failure, errors.Refused | SystemExit):
            LOG.critical('%s did not start: %s', self._prog, self._failure)
        else:
            LOG.critical('%s did not start.', self._prog, exc_info=self._failure)

    def _reload(self) -> None:
        LOG.info('%s reads its configuration again.', self._prog)
        reloading()
        try:
            reread(self._conf)
            if self._started.is_set() and hasattr(self._service, 'reload'):
                self._service.reload()
        except (errors.NovaError, cfg.Error) as failure:
            LOG.error('The new configuration is not taken up; %s goes on as before. %s', self._prog, failure)
        except Exception:
            LOG.exception('The new configuration could not be taken up; %s goes on as before.', self._prog)
        notify('READY=1' if self._started.is_set() else 'STATUS=starting')

    def _stop(self) -> int:
        LOG.info('%s stops.', self._prog)
        notify('STOPPING=1')
        self._stopping.set()
        deadline = float(self._conf.graceful_shutdown_timeout)
        if self._service is not None:
            worker = threading.Thread(target=self._stop_service, args=(deadline,), name='stop', daemon=True)
            worker.start()
            self._await_end(worker, deadline)
            if worker.is_alive():
                LOG.warning('%s did not end its work within %d seconds; what is left is taken up elsewhere or at '
                            'the next start.', self._prog, deadline)  # fmt: skip
        LOG.info('%s has stopped.', self._prog)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads that hang in a neighbour's answer must not keep the process.
        os._exit(0)

    def _stop_service(self, deadline: float) -> None:
        try:
            self._service.stop(deadline)
        except Exception:
            LOG.exception('%s did not stop in order.', self._prog)

    def _await_end(self, worker: threading.Thread, deadline: float) -> None:
        """Wait for the service to stop; a second SIGTERM or SIGINT ends the waiting."""
        ends = time.monotonic() + deadline + 1
        while worker.is_alive() and time.monotonic() < ends:
            if self._signals.next(0.05) in (signal.SIGTERM, signal.SIGINT):
                return


def _registry() -> 'prometheus_client.CollectorRegistry':
    # Imported late: nova-api first says where its workers share their counters.
    import prometheus_client

    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    return registry


class Signals:
    """Signals as a stream to wait on: it works with native threads and on eventlet alike."""

    WOKEN = 0

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def listen(self, *numbers: int) -> None:
        for number in numbers:
            signal.signal(number, lambda received, frame: None)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def wake(self) -> None:
        self._sender.send(bytes([self.WOKEN]))

    def next(self, timeout: float | None) -> int | None:
        """The number of the next signal, WOKEN, or None when the time is over."""
        readable, _, _ = select.select([self._receiver], [], [], timeout)
        return self._receiver.recv(1)[0] if readable else None


def wait_for_start(
    start: Callable[[], Any], stopping: threading.Event, log_interval: float, say: Callable[[str], None]
) -> None:
    """Call `start` until it succeeds, pausing longer each time; log once per interval what is missing."""
    pause, said_at = 0.25, None
    while not stopping.is_set():
        reason = _missing(start)
        if reason is None:
            return
        say(reason)
        # Logged out here, because inside an except clause oslo.log would append the same words again.
        if said_at is None or time.monotonic() - said_at >= log_interval:
            LOG.warning('Waiting to start: %s', reason)
            said_at = time.monotonic()
        stopping.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def notify_waiting(reason: str) -> None:
    """Tell the service manager what the daemon waits for, so that it does not take it for hung."""
    notify(f'STATUS={reason}', f'EXTEND_TIMEOUT_USEC={int(4 * LONGEST_PAUSE * 1_000_000)}')


def _missing(start: Callable[[], Any]) -> str | None:
    try:
        start()
    except WORTH_WAITING as failure:
        return str(failure) or type(failure).__name__
    return None


def reread(conf: cfg.ConfigOpts) -> None:
    """Read the configuration files again; options that are not declared mutable keep their values."""
    conf.mutate_config_files()


def write_report(conf: cfg.ConfigOpts, prog: str) -> None:
    try:
        path = report.write(conf, prog)
    except Exception:
        LOG.exception('The report could not be written.')
    else:
        LOG.info('A report was written to %s.', path or 'stderr')
