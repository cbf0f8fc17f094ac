"""nova-novncproxy: VNC consoles in the browser."""

import datetime
import errno
import os
import ssl as native_ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any

import eventlet
from eventlet import tpool
from eventlet.green import ssl

from nova import errors
from nova.console import tokens
from nova.console.browser import Pages
from nova.console.origin import Origins
from nova.console.proxy import Proxy
from nova.db.engine import Databases

KIND = 'novnc'
DATABASE_THREADS = 4

VERSIONS = {
    'tlsv1_1': native_ssl.TLSVersion.TLSv1_1,
    'tlsv1_2': native_ssl.TLSVersion.TLSv1_2,
    'tlsv1_3': native_ssl.TLSVersion.TLSv1_3,
}


def build(conf: Any) -> 'ConsoleService':
    """The service as the options describe it; neither listens nor connects yet."""
    databases = Databases.from_conf(conf)
    proxy = Proxy(
        tokens.stored(databases.own, KIND, lambda: datetime.datetime.now(datetime.UTC)),
        Origins.of([conf.vnc.novncproxy_base_url], conf.console.allowed_origins),
        Pages(conf.web),
        (listening_host(conf), conf.vnc.novncproxy_port),
        tls=secure(conf),
        tls_only=conf.ssl_only,
        record=conf.record,
        enforce_expiry=conf.consoleauth.enforce_session_timeout,
    )
    return ConsoleService(proxy, {'database': databases.own.check})


def listening_host(conf: Any) -> str:
    host = conf.vnc.novncproxy_host
    return '::' if conf.source_is_ipv6 and host == '0.0.0.0' else host


def secure(conf: Any) -> Any:
    """The TLS side as the options describe it; None without a certificate file."""
    if not os.path.exists(conf.cert):
        if conf.ssl_only:
            raise SystemExit(
                f'The certificate file {conf.cert} does not exist, and ssl_only wants it. Set option cert.'
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(conf.cert, conf.key or None)
    if conf.console.ssl_ciphers:
        context.set_ciphers(conf.console.ssl_ciphers)
    if conf.console.ssl_minimum_version in VERSIONS:
        context.minimum_version = VERSIONS[conf.console.ssl_minimum_version]
    return context


class ConsoleService:
    """The proxy in a native thread of its own, where all its greenlets live; the rest of the daemon is ordinary."""

    def __init__(self, proxy: Proxy, checks: Mapping[str, Callable[[], None]]):
        self._proxy, self.checks = proxy, dict(checks)
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self._stopping = threading.Event()
        self._failure: Exception | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name='proxy', daemon=True)
        self._thread.start()
        self._listening.wait()
        if self._failure:
            raise self._failure

    def stop(self, deadline_seconds: float) -> None:
        """Close all consoles: they cannot be handed over, and browsers open them again by themselves."""
        self._stopping.set()
        if self._thread:
            self._thread.join(deadline_seconds)

    def metrics(self, registry: Any) -> None:
        from prometheus_client import Gauge

        proxy = self._proxy
        for name, text, value in (
            ('nova_console_sessions', 'Consoles that are open.', lambda: proxy.sessions),
            ('nova_console_opened', 'Consoles opened since the start.', lambda: proxy.opened),
            ('nova_console_refused', 'Requests for a console that were refused.', lambda: proxy.refused),
        ):
            Gauge(name, text, registry=registry).set_function(value)

    def _run(self) -> None:
        tpool.set_num_threads(DATABASE_THREADS)
        try:
            self._proxy.listen()
        except OSError as failure:
            self._failure = _listening_failed(failure)
            self._listening.set()
            return
        self._listening.set()
        eventlet.spawn_n(self._proxy.serve)
        # A native event cannot wake greenlets; looking at it costs next to nothing.
        while not self._stopping.is_set():
            eventlet.sleep(0.1)
        self._proxy.close()
        # Gives the sessions a moment to send their last words.
        eventlet.sleep(0.1)
        # The native threads answer to this thread's greenlets only; a proxy started later needs others.
        tpool.killall()


def _listening_failed(failure: OSError) -> Exception:
    if failure.errno == errno.EADDRINUSE:
        return errors.Conflict(
            'The port of nova-novncproxy is in use. Stop what uses it, or set [vnc] novncproxy_port to another.'
        )
    return failure
