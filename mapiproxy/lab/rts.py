"""The PDUs with which RPC over HTTP v2 opens a virtual connection, as bytes and as values.

MS-RPCH 2.2.3.6 (header and flags), 2.2.3.5 (commands), 2.2.4 (which PDU holds what). Only what the
lab needs: opening (CONN/A1, A3, B1, C2) and the echo probe; recycling of channels, flow control and
pings are not spoken.
"""

from __future__ import annotations

import struct

from attrs import field, frozen

_RTS = 20
_FIRST_AND_LAST = 3
_HEADER = struct.Struct("<BBBB4sHHIHH")

FLAG_ECHO = 0x40

RECEIVE_WINDOW, CONNECTION_TIMEOUT, COOKIE = 0, 2, 3
CHANNEL_LIFETIME, CLIENT_KEEPALIVE, VERSION, ASSOCIATION_GROUP = 4, 5, 6, 12
#: Command → bytes that follow its type; others are not read.
_SIZES = {
    RECEIVE_WINDOW: 4, CONNECTION_TIMEOUT: 4, COOKIE: 16, CHANNEL_LIFETIME: 4,
    CLIENT_KEEPALIVE: 4, VERSION: 4, ASSOCIATION_GROUP: 16,
}  # fmt: skip

#: What Windows declares as the length of both channels: an upper bound that nobody wants to reach.
CHANNEL_LENGTH = 1 << 30
WINDOW = 0x10000
#: The body of the echo probe that Windows sends (reference mapi-http-protocol 10.2).
ECHO_BODY = bytes.fromhex("f8e81808")
#: The longest body that makes a request an echo probe.
ECHO_LIMIT = 16


class BadPdu(Exception):
    """Bytes that are no RTS PDU of those that the lab speaks."""


@frozen
class Pdu:
    """One RTS PDU.

    :ivar commands: (type, content), in order.
    """

    flags: int
    commands: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The types of its commands: what tells one PDU from another."""
        return tuple(kind for kind, _ in self.commands)

    @property
    def raw(self) -> bytes:
        body = b"".join(struct.pack("<I", kind) + content for kind, content in self.commands)
        size = _HEADER.size + len(body)
        drep = b"\x10\0\0\0"
        header = _HEADER.pack(5, 0, _RTS, _FIRST_AND_LAST, drep, size, 0, 0, self.flags, len(self.commands))
        return header + body


ECHO = Pdu(FLAG_ECHO)
A1 = (VERSION, COOKIE, COOKIE, RECEIVE_WINDOW)
A3 = (CONNECTION_TIMEOUT,)
B1 = (VERSION, COOKIE, COOKIE, CHANNEL_LIFETIME, CLIENT_KEEPALIVE, ASSOCIATION_GROUP)
C2 = (VERSION, RECEIVE_WINDOW, CONNECTION_TIMEOUT)


def conn_a1(connection: bytes, channel: bytes) -> Pdu:
    """The client's first words on OUT: 76 bytes. Cookies have 16 bytes each."""
    return _pdu(A1, _u32(1), connection, channel, _u32(WINDOW))


def conn_b1(connection: bytes, channel: bytes, group: bytes) -> Pdu:
    """The client's first words on IN: 104 bytes; its keep-alive is 5 minutes."""
    return _pdu(B1, _u32(1), connection, channel, _u32(CHANNEL_LENGTH), _u32(300_000), group)


def conn_a3(timeout: int) -> Pdu:
    """The server's first words on OUT. *timeout* is in milliseconds."""
    return _pdu(A3, _u32(timeout))


def conn_c2(timeout: int) -> Pdu:
    """The server says on OUT that both channels are there."""
    return _pdu(C2, _u32(1), _u32(WINDOW), _u32(timeout))


def take_pdu(buffer: bytearray, limit: int = 1024) -> Pdu | None:
    """Cut one PDU off the front of *buffer*; ``None`` when it is not complete.

    :raise BadPdu: it is another kind of PDU, longer than *limit*, or broken.
    """
    if len(buffer) < _HEADER.size:
        return None
    major, minor, kind, _, drep, size, auth, _, flags, count = _HEADER.unpack_from(buffer)
    if (major, minor, kind, auth, drep[0]) != (5, 0, _RTS, 0, 0x10):
        raise BadPdu("not an RTS PDU")
    if not _HEADER.size <= size <= limit:
        raise BadPdu(f"an RTS PDU of {size} bytes")
    if len(buffer) < size:
        return None
    commands, at = [], _HEADER.size
    for _ in range(count):
        kind = int.from_bytes(buffer[at : at + 4], "little")
        end = at + 4 + _SIZES.get(kind, limit)
        if at + 4 > size or end > size:
            raise BadPdu(f"an RTS PDU whose command {kind} is unknown or cut")
        commands.append((kind, bytes(buffer[at + 4 : end])))
        at = end
    if at != size:
        raise BadPdu("an RTS PDU with something behind its commands")
    del buffer[:size]
    return Pdu(flags, tuple(commands))


def _pdu(shape: tuple[int, ...], *contents: bytes) -> Pdu:
    return Pdu(0, tuple(zip(shape, contents, strict=True)))


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)
