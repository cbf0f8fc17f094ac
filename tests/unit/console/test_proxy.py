"""The proxy over real sockets: a fake VNC server on one side, a WebSocket client on the other."""

import contextlib
import datetime
import socket
import ssl
import threading

import pytest
import websocket

from nova import errors
from nova.console.browser import Pages
from nova.console.origin import Origins
from nova.console.proxy import Proxy
from nova.console.service import ConsoleService
from nova.domain.guest import ConsoleAddress, ConsoleGrant
from tests.unit.cmd.processes import eventually

GREETING = b'RFB 003.008\n'


class Guest:
    """A VNC server as a guest has it: greets, then says everything twice."""

    def __init__(self, wants_path=None):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self._wants_path = wants_path
        self.ended = threading.Event()
        self.connections = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def hang_up(self):
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        if self._wants_path:
            asked = b''
            while b'\r\n\r\n' not in asked:
                asked += connection.recv(1024)
            known = asked == f'CONNECT {self._wants_path} HTTP/1.1\r\n\r\n'.encode()
            connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n' if known else b'HTTP/1.1 404 Not Found\r\n\r\n')
        connection.sendall(GREETING)
        with contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data * 2)
        self.ended.set()


class Tokens:
    def __init__(self):
        self.grants, self.away = {}, False

    def allow(self, token, port, path=None, seconds=600):
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        address = ConsoleAddress('novnc', '127.0.0.1', port, path=path)
        self.grants[token] = ConsoleGrant('server', address, 'http://cloud.example:6080/vnc_auto.html', expires)

    def authorize(self, token):
        if self.away:
            raise errors.ServiceDown('The database is away.')
        return self.grants.get(token)


@pytest.fixture
def guest():
    guest = Guest()
    yield guest
    guest.close()


@pytest.fixture
def tokens(guest):
    tokens = Tokens()
    tokens.allow('good', guest.port)
    return tokens


@pytest.fixture
def served(tokens, tmp_path):
    """Starts proxies, and stops them at the end."""
    services = []

    def serve(**options):
        origins = Origins.of(['http://cloud.example:6080/vnc_auto.html'], [])
        proxy = Proxy(tokens.authorize, origins, Pages(str(tmp_path)), ('127.0.0.1', 0), **options)
        service = ConsoleService(proxy, {})
        service.start()
        services.append(service)
        proxy.service = service
        return proxy

    yield serve
    for service in services:
        service.stop(20)


def open_console(proxy, token='good', path='/websockify?token=', **options):
    options.setdefault('origin', 'http://cloud.example:6080')
    scheme = options.pop('scheme', 'ws')
    return websocket.create_connection(
        f'{scheme}://127.0.0.1:{proxy.port}{path}{token}', timeout=20, subprotocols=['binary'], **options
    )


def receive(console, size):
    data = b''
    while len(data) < size:
        data += console.recv()
    return data


def test_bytes_go_both_ways(served):
    console = open_console(served())
    assert receive(console, len(GREETING)) == GREETING
    console.send_binary(b'key')
    assert receive(console, 6) == b'keykey'
    console.close()


@pytest.mark.parametrize('path', ['/?token=', '/websockify?token=', '/websockify?path=%3Ftoken%3D'])
def test_the_token_may_come_as_clients_send_it(served, path):
    console = open_console(served(), path=path)
    assert receive(console, len(GREETING)) == GREETING
    console.close()


def test_much_data_arrives_whole(served):
    console = open_console(served())
    receive(console, len(GREETING))
    sent = bytes(range(256)) * 2000
    console.send_binary(sent)
    answer = receive(console, 2 * len(sent))
    assert len(answer) == 2 * len(sent)
    assert answer.count(bytes(range(256))) == 4000
    console.close()


def test_a_ping_is_answered_while_the_guest_is_quiet(served):
    console = open_console(served())
    receive(console, len(GREETING))
    console.ping('are you there')
    opcode, frame = console.recv_data_frame(control_frame=True)
    assert (opcode, frame.data) == (websocket.ABNF.OPCODE_PONG, b'are you there')
    console.close()


@pytest.mark.parametrize(
    ('options', 'status', 'sentence'),
    [
        ({'token': 'unknown'}, 403, b'The console token is not known, or its time is over.'),
        ({'token': ''}, 403, b'The request has no console token.'),
        ({'origin': 'http://evil.example'}, 403, b'Origin header does not match this host.'),
        ({'origin': 'https://cloud.example'}, 403, b'Origin header protocol does not match.'),
    ],
)
def test_what_is_not_allowed_is_refused_before_the_guest_is_reached(served, guest, options, status, sentence):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_console(served(), **options)
    assert refused.value.status_code == status
    assert sentence in refused.value.resp_body
    assert guest.connections == []


def test_a_client_that_is_no_browser_names_no_origin(served):
    console = open_console(served(), origin=None, suppress_origin=True)
    assert receive(console, len(GREETING)) == GREETING
    console.close()


def test_a_guest_that_does_not_answer_is_a_bad_gateway(served, tokens):
    with socket.create_server(('127.0.0.1', 0)) as nobody:
        port = nobody.getsockname()[1]
    tokens.allow('gone', port)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_console(served(), 'gone')
    assert refused.value.status_code == 502


def test_while_tokens_cannot_be_looked_up_clients_are_asked_to_come_back(served, tokens):
    tokens.away = True
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_console(served())
    assert refused.value.status_code == 503


def test_when_the_browser_goes_the_guests_side_is_closed(served, guest):
    proxy = served()
    console = open_console(proxy)
    receive(console, len(GREETING))
    console.close()
    assert guest.ended.wait(20)
    eventually(lambda: proxy.sessions == 0)


def test_when_the_browser_vanishes_the_guests_side_is_closed(served, guest):
    console = open_console(served())
    receive(console, len(GREETING))
    console.shutdown()
    assert guest.ended.wait(20)


def test_when_the_guest_goes_the_browser_is_told(served, guest):
    console = open_console(served())
    receive(console, len(GREETING))
    guest.hang_up()
    opcode, frame = console.recv_data_frame(control_frame=True)
    assert (opcode, frame.data[2:]) == (websocket.ABNF.OPCODE_CLOSE, b'The guest ended the console.')


def test_when_the_proxy_stops_the_browser_is_told(served):
    proxy = served()
    console = open_console(proxy)
    receive(console, len(GREETING))
    proxy.service.stop(20)
    opcode, frame = console.recv_data_frame(control_frame=True)
    assert (opcode, frame.data) == (websocket.ABNF.OPCODE_CLOSE, b'\x03\xe9The console proxy stops.')
    with pytest.raises(OSError):
        open_console(proxy)


def test_an_open_console_may_end_with_its_token(served, tokens, guest):
    tokens.allow('short', guest.port, seconds=0.2)
    console = open_console(served(enforce_expiry=True), 'short')
    receive(console, len(GREETING))
    opcode, frame = console.recv_data_frame(control_frame=True)
    assert (opcode, frame.data[2:]) == (websocket.ABNF.OPCODE_CLOSE, b'The time of this console is over.')


@pytest.mark.parametrize(('path', 'reached'), [('vm-7', True), ('vm-8', False)])
def test_a_path_is_asked_for_at_hypervisors_that_share_a_port(served, tokens, path, reached):
    shared = Guest(wants_path='vm-7')
    tokens.allow('shared', shared.port, path=path)
    proxy = served()
    if reached:
        assert receive(open_console(proxy, 'shared'), len(GREETING)) == GREETING
    else:
        with pytest.raises(websocket.WebSocketBadStatusException, match='502'):
            open_console(proxy, 'shared')
    shared.close()


def test_what_a_guest_shows_can_be_recorded(served, tmp_path):
    console = open_console(served(record=str(tmp_path / 'tape')))
    receive(console, len(GREETING))
    console.close()
    eventually(lambda: (tmp_path / 'tape.1').read_bytes() == GREETING)
    assert (tmp_path / 'tape.1').stat().st_mode & 0o077 == 0


def test_many_consoles_are_open_at_once(served):
    proxy = served()
    consoles = [open_console(proxy) for _ in range(100)]
    assert all(receive(console, len(GREETING)) == GREETING for console in consoles)
    assert proxy.sessions == 100
    for console in consoles:
        console.close()
    eventually(lambda: proxy.sessions == 0)


def test_a_broken_frame_closes_the_console(served):
    console = open_console(served())
    receive(console, len(GREETING))
    console.sock.sendall(b'\x82\x01x')
    opcode, frame = console.recv_data_frame(control_frame=True)
    assert (opcode, frame.data[:2]) == (websocket.ABNF.OPCODE_CLOSE, b'\x03\xea')


def talk(port, data):
    with socket.create_connection(('127.0.0.1', port), timeout=20) as connection:
        connection.sendall(data)
        answer = b''
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


def test_pages_come_from_the_same_port(served, tmp_path):
    (tmp_path / 'vnc_lite.html').write_text('<p>screen</p>')
    answer = talk(served().port, b'GET /vnc_auto.html?path=%3Ftoken%3Dx HTTP/1.1\r\nHost: a\r\n\r\n')
    assert answer.startswith(b'HTTP/1.1 200 OK')
    assert answer.endswith(b'<p>screen</p>')


def test_what_is_no_http_is_answered_with_400(served):
    assert talk(served().port, b'RFB 003.008\n\r\n\r\n').startswith(b'HTTP/1.1 400')


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'cloud.example')])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp('tls') / 'self.pem'
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate):
    from eventlet.green import ssl as green

    context = green.SSLContext(green.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_one_port_speaks_tls_and_plain(served, tls):
    proxy = served(tls=tls)
    for scheme in ('ws', 'wss'):
        console = open_console(proxy, scheme=scheme, sslopt={'cert_reqs': ssl.CERT_NONE})
        receive(console, len(GREETING))
        console.send_binary(b'x' * 1000)
        assert receive(console, 2000) == b'x' * 2000
        console.close()


def test_plain_connections_may_be_refused(served, tls):
    assert talk(served(tls=tls, tls_only=True).port, b'GET / HTTP/1.1\r\n\r\n') == b''
