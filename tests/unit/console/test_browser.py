import pytest

from nova.console import browser
from nova.console.browser import Head, Malformed, Pages
from nova.console.origin import Origins


@pytest.mark.parametrize(
    ('target', 'token'),
    [
        ('/websockify?token=abc', 'abc'),
        ('/?token=abc', 'abc'),
        ('/websockify?path=%3Ftoken%3Dabc', 'abc'),
        ('/?path=websockify%3Ftoken%3Dabc', 'abc'),
        ('/websockify?token=', None),
        ('/websockify', None),
        ('/vnc_lite.html?path=x', None),
    ],
)
def test_the_token_is_found_where_clients_put_it(target, token):
    assert Head('GET', target, {}).token == token


def pieces_of(data, size):
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return lambda _most: pieces.pop(0) if pieces else b''


@pytest.mark.parametrize('size', [1, 7, 4096])
def test_a_head_is_read_however_it_arrives(size):
    data = b'GET /x?y=1 HTTP/1.1\r\nHost: a\r\nUpgrade:  WebSocket \r\n\r\n'
    head, rest = browser.read_head(pieces_of(data, size))
    assert (head.path, head.headers, head.wants_websocket, rest) == (
        '/x',
        {'host': 'a', 'upgrade': 'WebSocket'},
        True,
        b'',
    )


def test_what_follows_the_head_is_kept():
    assert browser.read_head(pieces_of(b'GET / HTTP/1.1\r\n\r\nmore', 4096))[1] == b'more'


def test_a_silent_peer_is_no_error():
    assert browser.read_head(lambda most: b'') is None


@pytest.mark.parametrize(
    'data',
    [
        b'RFB 003.008\n\r\n\r\n',
        b'GET http://elsewhere/ HTTP/1.1\r\n\r\n',
        b'GET / HTTP/2\r\n\r\n',
        b'GET //[x HTTP/1.1\r\n\r\n',
        b'GET / HTTP/1.1\r\nno colon\r\n\r\n',
        b'GET / HTTP/1.1\r\n folded: x\r\n\r\n',
        b'GET / HTTP/1.1\r\nHost: a',
        b'GET / HTTP/1.1\r\nX: ' + b'y' * 20000,
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(Malformed):
        browser.read_head(pieces_of(data, 4096))


@pytest.fixture
def pages(tmp_path):
    directory = tmp_path / 'novnc'
    (directory / 'core').mkdir(parents=True)
    (directory / 'vnc_lite.html').write_text('<p>lite</p>')
    (directory / 'core' / 'rfb.js').write_text('export default 1')
    (directory / '.secret').write_text('hidden')
    (tmp_path / 'outside').write_text('outside')
    return Pages(str(directory))


def answer(pages, target, method='GET'):
    head, _, body = pages.answer(Head(method, target, {})).partition(b'\r\n\r\n')
    return int(head.split(b' ')[1]), head.decode(), body


def test_pages_are_served_with_their_type(pages):
    status, head, body = answer(pages, '/core/rfb.js?v=1')
    assert (status, body) == (200, b'export default 1')
    assert 'javascript' in head


def test_the_page_of_older_clients_is_the_one_that_exists(pages):
    assert answer(pages, '/vnc_auto.html?path=x')[2] == b'<p>lite</p>'
    assert answer(pages, '/')[2] == b'<p>lite</p>'


@pytest.mark.parametrize(
    'target', ['/../outside', '/core/../../outside', '/%2e%2e/outside', '//etc/passwd', '/.secret', '/core', '/a%00b']
)
def test_nothing_but_the_pages_is_served(pages, target):
    assert answer(pages, target)[0] == 404


def test_only_reading_is_allowed(pages):
    assert answer(pages, '/vnc_lite.html', 'POST')[0] == 405
    assert answer(pages, '/vnc_lite.html', 'HEAD')[2] == b''


def test_without_the_client_a_page_says_so(tmp_path):
    status, head, body = answer(Pages(str(tmp_path / 'nowhere')), '/vnc_auto.html?path=x')
    assert status == 200
    assert 'text/html' in head
    assert b'novnc' in body


@pytest.mark.parametrize(
    ('origin', 'reason'),
    [
        (None, None),
        ('https://cloud.example', None),
        ('https://cloud.example:6080', None),
        ('https://dashboard.example', None),
        ('https://other.example:8443', None),
        ('https://[2001:db8::7]:6080', None),
        ('http://cloud.example', 'Origin header protocol does not match.'),
        ('https://evil.example', 'Origin header does not match this host.'),
        ('https://cloud.example.evil.example', 'Origin header does not match this host.'),
        ('null', 'Origin header does not match this host.'),
        ('https://[broken', 'Origin header is malformed.'),
    ],
)
def test_only_pages_of_configured_hosts_may_open_a_console(origin, reason):
    origins = Origins.of(
        ['https://cloud.example:6080/vnc_auto.html'],
        ['dashboard.example', 'https://other.example:8443', '[2001:db8::7]'],
    )
    assert origins.refuse(origin) == reason
