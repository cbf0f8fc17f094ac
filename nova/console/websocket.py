"""The server's side of WebSocket (RFC 6455): frames from bytes, and bytes from frames."""

import base64
import dataclasses
import hashlib
import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL, GOING_AWAY, PROTOCOL_ERROR, TOO_BIG = 1000, 1001, 1002, 1009

# Browsers send key presses and clipboards; what is longer than this is not meant for a console.
LONGEST_PAYLOAD = 1 << 20

_KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
_KNOWN = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_CONTROL = 0x8


class Broken(Exception):
    """The peer does not keep to the protocol; `code` is what the connection is closed with."""

    def __init__(self, message: str, code: int = PROTOCOL_ERROR):
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes


def accept_key(key: str) -> str:
    """The answer to a client's Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1((key + _KEY_SUFFIX).encode(), usedforsecurity=False).digest()).decode()


def encode(opcode: int, payload: bytes = b'') -> bytes:
    """A whole, unmasked frame, as servers send them."""
    size = len(payload)
    if size < 126:
        head = struct.pack('!BB', 0x80 | opcode, size)
    elif size < 1 << 16:
        head = struct.pack('!BBH', 0x80 | opcode, 126, size)
    else:
        head = struct.pack('!BBQ', 0x80 | opcode, 127, size)
    return head + payload


def encode_close(code: int, reason: str = '') -> bytes:
    return encode(CLOSE, struct.pack('!H', code) + reason.encode()[:123])


class Decoder:
    """Takes bytes as they arrive and gives the frames that they complete."""

    def __init__(self, longest: int = LONGEST_PAYLOAD):
        self._buffer, self._longest = bytearray(), longest
        self._in_message = False

    def feed(self, data: bytes) -> list[Frame]:
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        head = self._head()
        if head is None:
            return None
        opcode, start, size = head
        end = start + 4 + size
        if len(self._buffer) < end:
            return None
        payload = _unmask(bytes(self._buffer[start + 4 : end]), bytes(self._buffer[start : start + 4]))
        del self._buffer[:end]
        return Frame(opcode, payload)

    def _head(self) -> tuple[int, int, int] | None:
        """Opcode, where the mask begins, and the payload's size; None while the head is incomplete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        final, reserved, opcode = buffer[0] & 0x80, buffer[0] & 0x70, buffer[0] & 0x0F
        size, start = buffer[1] & 0x7F, 2
        if reserved or opcode not in _KNOWN:
            raise Broken('A frame uses an extension that was not agreed on.')
        if not buffer[1] & 0x80:
            raise Broken('A frame from a client is not masked.')
        if opcode & _CONTROL and (size > 125 or not final):
            raise Broken('A control frame is too long or in parts.')
        if size >= 126:
            layout = '!H' if size == 126 else '!Q'
            start += struct.calcsize(layout)
            if len(buffer) < start:
                return None
            (size,) = struct.unpack_from(layout, buffer, 2)
        if size > self._longest:
            raise Broken(f'A frame is longer than {self._longest} bytes.', TOO_BIG)
        if len(buffer) < start + 4 + size:
            return opcode, start, size
        self._follow(opcode, bool(final))
        return opcode, start, size

    def _follow(self, opcode: int, final: bool) -> None:
        """Keep track of messages in parts; a console is a stream, so the parts need not be put together."""
        if opcode & _CONTROL:
            return
        if (opcode == CONTINUATION) != self._in_message:
            raise Broken('The parts of a message are out of order.')
        self._in_message = not final


def _unmask(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, 'big') ^ int.from_bytes(repeated, 'big')).to_bytes(size, 'big')
