import struct

import pytest

from nova.console import websocket
from nova.console.websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, Broken, Decoder, Frame

MASK = b'\x11\x22\x33\x44'


def masked(opcode, payload, final=True):
    """A frame as a client sends it, put together by hand."""
    size = len(payload)
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = struct.pack('!BB', first, 0x80 | size)
    elif size < 65536:
        head = struct.pack('!BBH', first, 0x80 | 126, size)
    else:
        head = struct.pack('!BBQ', first, 0x80 | 127, size)
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def test_the_key_of_the_standards_example():
    assert websocket.accept_key('dGhlIHNhbXBsZSBub25jZQ==') == 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='


@pytest.mark.parametrize('size', [0, 1, 3, 4, 125, 126, 127, 65535, 65536, 100001])
def test_frames_of_every_size_are_read(size):
    payload = bytes(index % 251 for index in range(size))
    assert Decoder().feed(masked(BINARY, payload)) == [Frame(BINARY, payload)]


def test_frames_that_arrive_byte_by_byte_are_read():
    decoder, found = Decoder(), []
    for byte in masked(BINARY, b'x' * 200) + masked(PING, b'y'):
        found += decoder.feed(bytes([byte]))
    assert found == [Frame(BINARY, b'x' * 200), Frame(PING, b'y')]


def test_a_message_in_parts_is_a_stream_and_may_have_pings_between():
    data = masked(TEXT, b'a', final=False) + masked(PING, b'') + masked(CONTINUATION, b'b')
    assert Decoder().feed(data) == [Frame(TEXT, b'a'), Frame(PING, b''), Frame(CONTINUATION, b'b')]


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'\x82\x01x', websocket.PROTOCOL_ERROR),
        (b'\xc2\x81' + MASK + b'x', websocket.PROTOCOL_ERROR),
        (b'\x83\x80' + MASK, websocket.PROTOCOL_ERROR),
        (masked(PING, b'x' * 126), websocket.PROTOCOL_ERROR),
        (masked(PING, b'x', final=False), websocket.PROTOCOL_ERROR),
        (masked(CONTINUATION, b'x'), websocket.PROTOCOL_ERROR),
        (masked(TEXT, b'x', final=False) + masked(TEXT, b'y'), websocket.PROTOCOL_ERROR),
        (struct.pack('!BBQ', 0x82, 0xFF, 1 << 40), websocket.TOO_BIG),
    ],
    ids=['unmasked', 'reserved', 'unknown', 'long ping', 'ping in parts', 'no beginning', 'two beginnings', 'huge'],
)
def test_what_breaks_the_protocol_is_refused(data, code):
    with pytest.raises(Broken) as caught:
        Decoder().feed(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ('size', 'head'),
    [(125, b'\x82\x7d'), (126, b'\x82\x7e\x00\x7e'), (65536, b'\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00')],
)
def test_frames_are_written_with_the_shortest_head(size, head):
    assert websocket.encode(BINARY, b'z' * size) == head + b'z' * size


def test_a_close_frame_has_code_and_reason():
    assert websocket.encode_close(1001, 'bye') == bytes([0x80 | CLOSE, 5]) + struct.pack('!H', 1001) + b'bye'
