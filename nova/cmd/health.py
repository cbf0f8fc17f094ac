"""Serve /healthz, /readyz and /metrics on an address of their own."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nova import errors

LOG = logging.getLogger(__name__)

Check = Callable[[], None]


class Readiness:
    """Runs checks side by side, keeps each outcome for a while, and counts one that does not end as failed."""

    def __init__(
        self,
        checks: Callable[[], Mapping[str, Check]],
        max_age: float = 2.0,
        timeout: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._checks, self._max_age, self._timeout, self._clock = checks, max_age, timeout, clock
        self._probes: dict[str, _Probe] = {}
        self._lock = threading.Lock()

    def report(self) -> dict[str, str | None]:
        """For each check None when it passed, or the sentence that says why it did not."""
        with self._lock:
            probes = {name: self._probe(name, check) for name, check in self._checks().items()}
        for probe in probes.values():
            probe.begin(self._clock(), self._max_age)
        ends = time.monotonic() + self._timeout
        return {name: probe.outcome(ends - time.monotonic(), self._timeout) for name, probe in probes.items()}

    def _probe(self, name: str, check: Check) -> '_Probe':
        probe = self._probes.get(name)
        if probe is None or probe.check != check:
            probe = self._probes[name] = _Probe(name, check, self._clock)
        return probe


class _Probe:
    """One check: at most one thread is at it at a time, however long that takes."""

    def __init__(self, name: str, check: Check, clock: Callable[[], float]):
        self.check = check
        self._name, self._clock = name, clock
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._running = False
        self._at: float | None = None
        self._failure: str | None = None

    def begin(self, now: float, max_age: float) -> None:
        with self._lock:
            if self._running or (self._at is not None and now - self._at < max_age):
                return
            self._running = True
            self._ended.clear()
        threading.Thread(target=self._run, name=f'check-{self._name}', daemon=True).start()

    def outcome(self, wait: float, timeout: float) -> str | None:
        if not self._ended.wait(max(wait, 0)):
            return f'The check of the {self._name} did not end within {timeout:g} seconds.'
        return self._failure

    def _run(self) -> None:
        failure = None
        try:
            self.check()
        except (errors.NovaError, OSError) as error:
            failure = str(error) or f'The check of the {self._name} failed: {type(error).__name__}.'
        except Exception as error:
            failure = f'The check of the {self._name} failed: {type(error).__name__}: {error}'
            if failure != self._failure:
                LOG.exception('The check of the %s is broken.', self._name)
        with self._lock:
            self._failure, self._at, self._running = failure, self._clock(), False
            self._ended.set()


def answer(path: str, readiness: Readiness, metrics: Callable[[], bytes]) -> tuple[int, str, bytes] | None:
    """Status, content type and body for a path; None when there is nothing there."""
    path = path.partition('?')[0]
    if path == '/healthz':
        return 200, 'application/json', b'{"alive": true}\n'
    if path == '/readyz':
        report = readiness.report()
        ready = not any(report.values())
        checks = {
            name: {'ok': reason is None} | ({'reason': reason} if reason else {}) for name, reason in report.items()
        }
        body = json.dumps({'ready': ready, 'checks': checks}, sort_keys=True).encode() + b'\n'
        return 200 if ready else 503, 'application/json', body
    if path == '/metrics':
        return 200, 'text/plain; version=0.0.4; charset=utf-8', metrics()
    return None


class HealthServer:
    """Answers from threads of its own, so that a busy daemon is still seen to be alive."""

    def __init__(self, host: str, port: int, readiness: Readiness, metrics: Callable[[], bytes]):
        self._server = _Server((host, port), _handler(readiness, metrics))
        self._thread = threading.Thread(target=self._server.serve_forever, name='health', daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Any):
        self.address_family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # The usual way asks the resolver for this host's full name, which can take ten seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]


def _handler(readiness: Readiness, metrics: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10
        server_version = 'nova'
        sys_version = ''

        def do_GET(self) -> None:
            found = answer(self.path, readiness, metrics)
            status, kind, body = found or (404, 'text/plain', b'Try /healthz, /readyz or /metrics.\n')
            self.send_response(status)
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            LOG.debug(format, *arguments)

    return Handler
