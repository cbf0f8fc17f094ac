"""Serve a WSGI application from threads of this process, and end in order."""

import threading
import time
from collections.abc import Callable

import waitress.channel
import waitress.server
import waitress.wasyncore

POLL_SECONDS = 0.5
# Bytes that are taken of a body, whoever sends it; the application refuses far less, in its own words.
LONGEST_BODY = 4_000_000


class HttpServer:
    """HTTP/1.1 with connections that are kept; one thread waits for sockets, a bounded pool runs the application."""

    def __init__(self, application: Callable, host: str, port: int, threads: int):
        self._map: dict = {}
        self._server = waitress.server.create_server(
            application,
            map=self._map,
            host=host,
            port=port,
            threads=threads,
            ident='nova-network',
            clear_untrusted_proxy_headers=True,
            max_request_body_size=LONGEST_BODY,
        )
        self._ends: float | None = None
        self._thread = threading.Thread(target=self._serve, name='api', daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, deadline_seconds: float) -> None:
        """Take no more connections, finish what was asked already, close."""
        self._ends = time.monotonic() + deadline_seconds
        self._thread.join(deadline_seconds + 2 * POLL_SECONDS)

    def _serve(self) -> None:
        # All of it in this one thread: nobody else may close a socket that it waits for.
        while self._ends is None:
            self._poll(POLL_SECONDS)
        for listener in list(self._map.values()):
            if isinstance(listener, waitress.server.BaseWSGIServer):
                waitress.wasyncore.dispatcher.close(listener)
        while self._is_busy() and time.monotonic() < self._ends:
            self._poll(0.02)
        self._server.task_dispatcher.shutdown(timeout=max(0.1, self._ends - time.monotonic()))
        waitress.wasyncore.close_all(self._map)

    def _poll(self, seconds: float) -> None:
        waitress.wasyncore.loop(timeout=seconds, map=self._map, count=1)

    def _is_busy(self) -> bool:
        tasks = self._server.task_dispatcher
        channels = [one for one in list(self._map.values()) if isinstance(one, waitress.channel.HTTPChannel)]
        return bool(tasks.queue or tasks.active_count or any(channel.total_outbufs_len for channel in channels))
