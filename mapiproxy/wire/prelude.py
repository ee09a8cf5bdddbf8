"""The PROXY protocol, versions 1 and 2: where a connection really comes from, said before its first byte.

Read in pieces, strictly: what is not exactly a header is an error, because believing half of one would
believe a stranger. Written in either version (haproxy's proxy-protocol.txt 2.1 and 2.2).
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from attrs import frozen

from mapiproxy.wire.errors import WireError, show

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
#: A version 1 line has so many bytes at most (2.1).
_LONGEST_LINE = 107
#: And what follows a version 2 header, of which TLVs are read over.
_LONGEST_BLOCK = 4096
_FAMILIES = {0x11: (4, 12), 0x21: (16, 36)}


@frozen
class Source:
    """What a header says; ``ip`` is ``None`` for a health check of the peer itself (LOCAL, UNKNOWN)."""

    ip: str | None = None
    port: int = 0


class HeaderReader:
    """Fed with the first bytes of a connection.

    :ivar rest: what came behind the header, once it is complete.
    """

    def __init__(self) -> None:
        self._seen = b""
        self.rest = b""

    def feed(self, data: bytes) -> Source | None:
        """The source once the header is complete, ``None`` before. :raise WireError: it is no header."""
        self._seen += data
        if self._seen[: len(SIGNATURE)] == SIGNATURE[: len(self._seen)]:
            return self._read_block()
        if self._seen[:6] == b"PROXY "[: len(self._seen)]:
            return self._read_line()
        raise WireError(f"no PROXY header: the connection begins with {show(self._seen[:16])}")

    def _read_line(self) -> Source | None:
        line, end, rest = self._seen.partition(b"\r\n")
        if not end:
            if len(self._seen) >= _LONGEST_LINE:
                raise WireError(f"the PROXY line has no end within {_LONGEST_LINE} bytes")
            return None
        if len(line) + 2 > _LONGEST_LINE:
            raise WireError(f"the PROXY line is longer than {_LONGEST_LINE} bytes")
        self.rest = rest
        words = line.split(b" ")
        if words[1:2] == [b"UNKNOWN"]:
            return Source()
        if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
            raise WireError(f"the PROXY line cannot be read: {show(line[:64])}")
        wanted = 4 if words[1] == b"TCP4" else 6
        addresses = [_address(word, wanted) for word in words[2:4]]
        ports = [_port(word) for word in words[4:]]
        return Source(addresses[0], ports[0])

    def _read_block(self) -> Source | None:
        head = self._seen[:16]
        if len(head) < 16:
            return None
        command, family, length = struct.unpack(">BBH", head[12:])
        if command not in (0x20, 0x21):
            raise WireError(f"the PROXY header has version and command {command:#04x}")
        if length > _LONGEST_BLOCK:
            raise WireError(f"the PROXY header announces {length} bytes, more than {_LONGEST_BLOCK}")
        if len(self._seen) < 16 + length:
            return None
        block, self.rest = self._seen[16 : 16 + length], self._seen[16 + length :]
        if command == 0x20:
            return Source()
        if family not in _FAMILIES:
            raise WireError(f"the PROXY header has family {family:#04x}, which is not TCP over IP")
        size, least = _FAMILIES[family]
        if length < least:
            raise WireError(f"the PROXY header has {length} bytes of addresses, not {least}")
        address = IPv4Address(block[:4]) if size == 4 else IPv6Address(block[:16])
        return Source(str(address), int.from_bytes(block[2 * size : 2 * size + 2], "big"))


def encode_v1(ip: str, port: int, to_ip: str, to_port: int) -> bytes:
    """A version 1 line; addresses of two families are both told as IPv6, and none is UNKNOWN."""
    pair = _pair(ip, to_ip)
    if pair is None:
        return b"PROXY UNKNOWN\r\n"
    return f"PROXY TCP{pair[0].version} {pair[0]} {pair[1]} {port} {to_port}\r\n".encode("ascii")


def encode_v2(ip: str, port: int, to_ip: str, to_port: int) -> bytes:
    """A version 2 header; addresses of two families are both told as IPv6, and none is LOCAL."""
    pair = _pair(ip, to_ip)
    if pair is None:
        return SIGNATURE + struct.pack(">BBH", 0x20, 0, 0)
    block = pair[0].packed + pair[1].packed + struct.pack(">HH", port, to_port)
    family = 0x11 if pair[0].version == 4 else 0x21
    return SIGNATURE + struct.pack(">BBH", 0x21, family, len(block)) + block


def _pair(one: str, other: str) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address] | None:
    try:
        pair = _plain(one), _plain(other)
    except ValueError:
        return None
    return pair if pair[0].version == pair[1].version else (_mapped(pair[0]), _mapped(pair[1]))


def _plain(ip: str) -> IPv4Address | IPv6Address:
    """An IPv4 address within an IPv6 one is that IPv4 address; a zone means nothing elsewhere."""
    address = ip_address(ip.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _mapped(address: IPv4Address | IPv6Address) -> IPv6Address:
    if isinstance(address, IPv6Address):
        return address
    return IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _address(word: bytes, version: int) -> str:
    try:
        address = ip_address(word.decode("ascii"))
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise WireError(f"{show(word[:45])} in the PROXY line is no IPv{version} address")
    return str(address)


def _port(word: bytes) -> int:
    if not word.isdigit() or len(word) > 5 or (word[:1] == b"0" and len(word) > 1) or int(word) > 65535:
        raise WireError(f"{show(word[:8])} in the PROXY line is no port")
    return int(word)
