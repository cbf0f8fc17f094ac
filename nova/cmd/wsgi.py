"""Serve WSGI applications from several worker processes that share memory, by gunicorn."""

import contextlib
import ctypes
import dataclasses
import gc
import importlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import ThreadWorker
from oslo_config import cfg

from nova import errors
from nova.cmd import daemon, health, metrics
from nova.cmd.notify import notify, reloading, watchdog_interval

LOG = logging.getLogger(__name__)

Application = Callable[[dict, Callable], Iterable[bytes]]

KEEP_ALIVE_SECONDS = 75
LONGEST_REQUEST_LINE = 8190
# What libraries load only when they are asked for something; each worker would keep a copy of its own.
LATE_MODULES = ('concurrent.futures.thread', 'netrc', 'prometheus_client.multiprocess')


@dataclasses.dataclass(frozen=True)
class Site:
    """One application and where it is served. What `build` returns may have `checks` by name, as a service has."""

    name: str
    host: str
    port: int
    build: Callable[[cfg.ConfigOpts], Application]

    @property
    def address(self) -> str:
        return f'[{self.host}]:{self.port}' if ':' in self.host else f'{self.host}:{self.port}'


def run(
    prog: str,
    argv: Sequence[str],
    sites: Callable[[cfg.ConfigOpts], list[Site]],
    workers: Callable[[cfg.ConfigOpts], int],
    about: str | None = None,
) -> int:
    """Serve the sites until told to stop; the exit status of the process."""
    with metrics.shared(prog):
        conf = daemon.configure(prog, argv, about=about)
        try:
            return Server(prog, conf, sites(conf), workers(conf)).serve()
        except errors.Refused as failure:
            raise SystemExit(f'{prog} did not start: {failure}') from failure


class Server(BaseApplication):
    """The applications behind one set of workers: built before the fork, connected after it."""

    def __init__(self, prog: str, conf: cfg.ConfigOpts, sites: list[Site], workers: int):
        self._prog, self._conf, self._workers = prog, conf, workers
        self._sites = sites
        super().__init__(prog=prog)

    def serve(self) -> int:
        settings = self._conf.health
        port = settings[f'{self._prog.removeprefix("nova-").replace("-", "_")}_port']
        if port:
            self._sites = [*self._sites, Site('health', settings.listen, port, self._build_health)]
            self.do_load_config()
        for site in self._sites:
            refuse_taken(self._prog, site)
        pid = os.getpid()
        try:
            Master(self, self._conf, self._prog).run()
        except SystemExit as end:
            # Workers leave through here, too.
            if os.getpid() != pid:
                raise
            return end.code if isinstance(end.code, int) else 0
        return 0

    def load_config(self) -> None:
        settings = {
            'bind': [site.address for site in self._sites],
            'workers': self._workers,
            'worker_class': Worker,
            'threads': self._conf.api_threads,
            'preload_app': True,
            'keepalive': KEEP_ALIVE_SECONDS,
            'graceful_timeout': self._conf.graceful_shutdown_timeout,
            'limit_request_line': LONGEST_REQUEST_LINE,
            'control_socket_disable': True,
            'logger_class': Logger,
            'proc_name': self._prog,
            'worker_tmp_dir': '/dev/shm' if os.path.isdir('/dev/shm') else None,
            'pre_fork': lambda master, worker: share_memory(),
            'post_worker_init': self._follow_report_signal,
            'child_exit': _forget_worker,
            'on_reload': lambda master: notify('READY=1'),
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        """Build the applications; waits for what they cannot be built without."""
        built: list[Dispatch] = []
        daemon.wait_for_start(
            lambda: built.append(self._build()),
            threading.Event(),
            self._conf.health.waiting_log_interval,
            daemon.notify_waiting,
        )
        return built[0]

    def reload(self) -> None:
        """Read the options again, and build anew what the next workers serve."""
        LOG.info('%s reads its configuration again.', self._prog)
        reloading()
        try:
            daemon.reread(self._conf)
            self.callable = self._build()
        except (errors.NovaError, cfg.Error) as failure:
            LOG.error('The new configuration is not taken up; %s goes on as before. %s', self._prog, failure)
        except Exception:
            LOG.exception('The new configuration could not be taken up; %s goes on as before.', self._prog)
        super().reload()

    def _build(self) -> 'Dispatch':
        users = {site: Measured(site.name, site.build(self._conf)) for site in self._sites if site.name != 'health'}
        self._checks = {name: check for site in users.values() for name, check in site.checks.items()}
        by_port: dict[str, Application] = {str(site.port): application for site, application in users.items()}
        for site in self._sites:
            if site.name == 'health':
                by_port[str(site.port)] = site.build(self._conf)
        return Dispatch(by_port)

    def _build_health(self, conf: cfg.ConfigOpts) -> Application:
        settings, checks = conf.health, self._checks
        return HealthApplication(health.Readiness(lambda: checks, settings.max_age, settings.check_timeout))

    def _follow_report_signal(self, worker: Any) -> None:
        def write(number: int, frame: Any) -> None:
            threading.Thread(target=daemon.write_report, args=(self._conf, self._prog), daemon=True).start()

        signal.signal(signal.SIGUSR2, write)


class Master(Arbiter):
    """gunicorn's parent process with our meaning of signals, and a word to the service manager."""

    def __init__(self, app: Server, conf: cfg.ConfigOpts, prog: str):
        super().__init__(app)
        self._conf, self._prog = conf, prog
        self._watchdog, self._told_at = watchdog_interval(), 0.0

    def handle_term(self) -> None:
        LOG.info('%s stops.', self._prog)
        notify('STOPPING=1')
        super().handle_term()

    def handle_usr2(self) -> None:
        daemon.write_report(self._conf, self._prog)
        self.kill_workers(signal.SIGUSR2)

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        if self._watchdog:
            timeout = min(timeout, self._watchdog)
            if time.monotonic() - self._told_at >= self._watchdog:
                notify('WATCHDOG=1')
                self._told_at = time.monotonic()
        return super().wait_for_signals(timeout)


class Worker(ThreadWorker):
    """A worker that lets go of its ports once it is told to stop, or its parent is dead: clients are refused at once
    rather than left waiting, and who takes the parent's place can have the ports."""

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not (self.alive and self.is_parent_alive()):
            for listener in self.sockets:
                listener.close()


class Dispatch:
    """Sends a request to the application of the port that it came in by."""

    def __init__(self, by_port: Mapping[str, Application]):
        self._by_port = dict(by_port)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        return self._by_port[environ['SERVER_PORT']](environ, start_response)


class Measured:
    """Counts the requests of one application, and how long they take."""

    def __init__(self, name: str, application: Application):
        requests, seconds = _instruments()
        self._application, self._name = application, name
        self._requests, self._seconds = requests, seconds.labels(name)
        self.checks: Mapping[str, health.Check] = getattr(application, 'checks', {})

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        began = time.perf_counter()

        def respond(status: str, headers: list, *more: Any) -> Any:
            self._requests.labels(self._name, environ['REQUEST_METHOD'], status[:3]).inc()
            self._seconds.observe(time.perf_counter() - began)
            return start_response(status, headers, *more)

        return self._application(environ, respond)


class HealthApplication:
    """/healthz, /readyz and /metrics, answered by whichever worker is free."""

    def __init__(self, readiness: health.Readiness):
        self._readiness = readiness

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        found = health.answer(environ.get('PATH_INFO', ''), self._readiness, _all_metrics)
        status, kind, body = found or (404, 'text/plain', b'Try /healthz, /readyz or /metrics.\n')
        reasons = {200: 'OK', 404: 'Not Found', 503: 'Service Unavailable'}
        start_response(f'{status} {reasons[status]}', [('Content-Type', kind), ('Content-Length', str(len(body)))])
        return [body]


class Logger(glogging.Logger):
    """Hands gunicorn's own messages to our log."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


def refuse_taken(prog: str, site: Site) -> None:
    """End the process with a sentence when the address cannot be had."""
    family = socket.AF_INET6 if ':' in site.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((site.host, site.port))
        except OSError as failure:
            raise SystemExit(
                f'{prog} cannot serve {site.name} on {site.host} port {site.port}: {failure.strerror}. '
                f'Stop what uses the port, or configure another.'
            ) from failure


_made: list[Any] = []


def _instruments() -> list[Any]:
    # Made once: a reload builds the applications again, and a metric must not be registered twice.
    if not _made:
        import prometheus_client

        _made.append(prometheus_client.Counter('nova_api_requests', 'Requests answered.', ['api', 'method', 'status']))
        _made.append(prometheus_client.Histogram('nova_api_request_seconds', 'Time until the answer begins.', ['api']))
    return _made


def _all_metrics() -> bytes:
    import prometheus_client
    from prometheus_client import multiprocess

    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return prometheus_client.generate_latest(registry)


def share_memory() -> None:
    """Prepare for a fork: what is loaded and made by now is not written to without need, and so stays shared."""
    for name in LATE_MODULES:
        importlib.import_module(name)
    # The collector writes to what it looks at.
    gc.collect()
    gc.freeze()
    # Pages that building has left empty would be filled, and so copied, by each worker.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _forget_worker(master: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
