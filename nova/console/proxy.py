"""Carry bytes between browsers and the consoles of guests, thousands of quiet connections at a time."""

import contextlib
import datetime
import itertools
import logging
import os
import socket as native
from collections.abc import Callable, Iterator
from typing import Any

import eventlet
from eventlet import greenpool, semaphore, tpool
from eventlet.green import socket, ssl

from nova import errors
from nova.console import browser, websocket
from nova.console.browser import Head, Pages
from nova.console.origin import Origins
from nova.console.tokens import Authorize
from nova.domain.guest import ConsoleAddress, ConsoleGrant

LOG = logging.getLogger(__name__)

MOST_CONNECTIONS = 20000
HEAD_SECONDS = 15
CONNECT_SECONDS = 10
PIECE = 64 * 1024
TLS_HANDSHAKE = b'\x16'


class Refusal(Exception):
    """The request is answered with a status and a sentence instead of a console."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


class Proxy:
    """One listening socket and the sessions behind it. `authorize` may block; it runs in a native thread."""

    def __init__(
        self,
        authorize: Authorize,
        origins: Origins,
        pages: Pages,
        address: tuple[str, int],
        tls: ssl.SSLContext | None = None,
        tls_only: bool = False,
        record: str | None = None,
        enforce_expiry: bool = False,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ):
        self._authorize, self._origins, self._pages, self._address = authorize, origins, pages, address
        self._tls, self._tls_only, self._record = tls, tls_only, record
        self._enforce_expiry, self._now = enforce_expiry, now
        self._pool = greenpool.GreenPool(MOST_CONNECTIONS)
        self._sessions: dict[int, Session] = {}
        self._numbers = itertools.count(1)
        self._listener: Any = None
        self.opened = self.refused = 0

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    def listen(self) -> None:
        family = socket.AF_INET6 if ':' in self._address[0] else socket.AF_INET
        self._listener = eventlet.listen(self._address, family, backlog=1024)

    def serve(self) -> None:
        """Accept connections until `close`."""
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            self._pool.spawn_n(self._handle, connection, peer)

    def close(self) -> None:
        """Accept no more, and tell the browsers that the proxy goes away."""
        self._listener.close()
        for session in list(self._sessions.values()):
            session.close(websocket.GOING_AWAY, 'The console proxy stops.')

    def _handle(self, connection: Any, peer: tuple) -> None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with eventlet.Timeout(HEAD_SECONDS):
                connection = self._secured(connection)
                read = connection and browser.read_head(connection.recv)
            if read:
                self._answer(connection, *read)
        except browser.Malformed as failure:
            _send_quietly(connection, browser.response(400, f'{failure}\n'.encode()))
        except (OSError, eventlet.Timeout) as failure:
            LOG.debug('The connection from %s ended: %s', peer[0], failure)
        except Exception:
            LOG.exception('The connection from %s failed.', peer[0])
        finally:
            if connection:
                connection.close()

    def _secured(self, connection: Any) -> Any:
        """The connection as it is, or with TLS when the browser begins with that; None when it is not acceptable."""
        first = connection.recv(1, socket.MSG_PEEK)
        if first == TLS_HANDSHAKE and self._tls:
            return self._tls.wrap_socket(connection, server_side=True)
        if first != TLS_HANDSHAKE and not self._tls_only:
            return connection
        connection.close()
        return None

    def _answer(self, connection: Any, head: Head, rest: bytes) -> None:
        if not head.wants_websocket:
            connection.sendall(self._pages.answer(head))
            return
        try:
            key = self._acceptable(head)
            grant = self._granted(head)
            guest = _reach(grant.address)
        except Refusal as refusal:
            self.refused += 1
            LOG.info('A console was refused: %s', refusal)
            connection.sendall(browser.response(refusal.status, f'{refusal}\n'.encode()))
            return
        with contextlib.closing(guest):
            connection.sendall(browser.switching(websocket.accept_key(key), _protocol(head)))
            self._run(Session(connection, guest, self._open_record()), grant, rest)

    def _acceptable(self, head: Head) -> str:
        key = head.headers.get('sec-websocket-key')
        if head.method != 'GET' or not key or head.headers.get('sec-websocket-version') != '13':
            raise Refusal(400, 'This WebSocket request is not one of version 13.')
        reason = self._origins.refuse(head.headers.get('origin'))
        if reason:
            raise Refusal(403, reason)
        return key

    def _granted(self, head: Head) -> ConsoleGrant:
        if not head.token:
            raise Refusal(403, 'The request has no console token.')
        try:
            grant = tpool.execute(self._authorize, head.token)
        except errors.ServiceDown as failure:
            LOG.warning('Console tokens cannot be looked up: %s', failure)
            raise Refusal(503, 'Console tokens cannot be looked up now; try again later.') from failure
        if grant is None:
            raise Refusal(403, 'The console token is not known, or its time is over. Ask for a new console.')
        return grant

    def _run(self, session: 'Session', grant: ConsoleGrant, rest: bytes) -> None:
        number = next(self._numbers)
        self._sessions[number] = session
        self.opened += 1
        LOG.info('Console %d of server %s opens.', number, grant.server_id)
        timer = self._expiry(session, grant)
        try:
            session.run(rest)
        finally:
            timer.cancel()
            del self._sessions[number]
            LOG.info('Console %d of server %s closes.', number, grant.server_id)

    def _expiry(self, session: 'Session', grant: ConsoleGrant) -> Any:
        if not self._enforce_expiry:
            return _NoTimer()
        left = max((grant.expires_at - self._now()).total_seconds(), 0)
        return eventlet.spawn_after(left, session.close, websocket.GOING_AWAY, 'The time of this console is over.')

    def _open_record(self) -> Any:
        if not self._record:
            return None
        # What guests show may be confidential.
        name = f'{self._record}.{self.opened + 1}'
        return os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb', buffering=0)


class Session:
    """One open console: two greenlets, each waiting for one side."""

    def __init__(self, browser_side: Any, guest: Any, record: Any = None):
        self._browser, self._guest, self._record = browser_side, guest, record
        self._decoder = websocket.Decoder()
        self._sending = semaphore.Semaphore()
        self._closing = False

    def run(self, rest: bytes) -> None:
        """Carry bytes both ways until either side ends."""
        outward = eventlet.spawn(self._show)
        try:
            self._follow_browser(rest)
        finally:
            outward.kill()
            if self._record:
                self._record.close()

    def close(self, code: int, reason: str) -> None:
        """Tell the browser, once, and end the guest's side; the browser's side ends with its answer."""
        if self._closing:
            return
        self._closing = True
        with contextlib.suppress(OSError):
            self._send(websocket.encode_close(code, reason))
        for end in (self._guest, self._browser):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _follow_browser(self, rest: bytes) -> None:
        try:
            data = rest or self._browser.recv(PIECE)
            while data:
                for frame in self._decoder.feed(data):
                    if not self._take(frame):
                        return
                data = self._browser.recv(PIECE)
        except websocket.Broken as failure:
            self.close(failure.code, str(failure))
        except OSError:
            return

    def _take(self, frame: websocket.Frame) -> bool:
        """Act on a frame of the browser; whether the session goes on."""
        if frame.opcode == websocket.CLOSE:
            self.close(websocket.NORMAL, '')
            return False
        if frame.opcode == websocket.PING:
            self._send(websocket.encode(websocket.PONG, frame.payload))
        elif frame.opcode != websocket.PONG and frame.payload:
            self._guest.sendall(frame.payload)
        return True

    def _show(self) -> None:
        try:
            while data := self._guest.recv(PIECE):
                if self._record:
                    self._record.write(data)
                self._send(websocket.encode(websocket.BINARY, data))
        except OSError as failure:
            LOG.debug('A guest ended its console: %s', failure)
        self.close(websocket.NORMAL, 'The guest ended the console.')

    def _send(self, frame: bytes) -> None:
        # Answers to pings come from another greenlet than what the guest shows; frames must not mix.
        with self._sending:
            self._browser.sendall(frame)


class _NoTimer:
    def cancel(self) -> None:
        """There is nothing to cancel: this console stays open until somebody closes it."""


def _protocol(head: Head) -> str | None:
    offered = [name.strip() for name in head.headers.get('sec-websocket-protocol', '').split(',')]
    return 'binary' if 'binary' in offered else None


def _reach(address: ConsoleAddress) -> Any:
    """A connection to the guest's console."""
    try:
        with eventlet.Timeout(CONNECT_SECONDS, TimeoutError(f'no connection within {CONNECT_SECONDS} seconds')):
            guest = _connect(address)
            if address.path:
                _ask_for(guest, address.path)
    except OSError as failure:
        LOG.warning('The console at %s port %d does not answer: %s', address.host, address.port, failure)
        raise Refusal(502, "The guest's console does not answer.") from failure
    return guest


def _connect(address: ConsoleAddress) -> Any:
    failure: OSError = OSError(f'{address.host} has no address.')
    for family, target in _addresses(address):
        guest = socket.socket(family, socket.SOCK_STREAM)
        try:
            guest.connect(target)
        except OSError as error:
            guest.close()
            failure = error
        else:
            guest.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            guest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return guest
    raise failure


def _addresses(address: ConsoleAddress) -> Iterator[tuple[int, tuple]]:
    # The resolver blocks, so it is asked in a native thread.
    found = tpool.execute(native.getaddrinfo, address.host, address.port, type=native.SOCK_STREAM)
    return ((family, target) for family, _, _, _, target in found)


def _ask_for(guest: Any, path: str) -> None:
    """Some hypervisors serve all their consoles on one port, and are told by CONNECT which one is meant."""
    guest.sendall(f'CONNECT {path} HTTP/1.1\r\n\r\n'.encode())
    answer = b''
    while b'\r\n\r\n' not in answer:
        piece = guest.recv(1)
        if not piece or len(answer) > browser.LONGEST_HEAD:
            raise ConnectionError('The hypervisor closed the connection.')
        answer += piece
    if not answer.split(b'\r\n', 1)[0].split(b' ')[1:2] == [b'200']:
        raise ConnectionError('The hypervisor does not know this console.')


def _send_quietly(connection: Any, data: bytes) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sendall(data)
