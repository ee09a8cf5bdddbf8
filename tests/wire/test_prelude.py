"""The PROXY protocol: read in any pieces, and refused where it is not exactly one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.wire.errors import WireError
from mapiproxy.wire.prelude import SIGNATURE, HeaderReader, Source, encode_v1, encode_v2

PAIRS = [("192.0.2.7", "10.0.0.1"), ("2001:db8::7", "::1")]


def read(data: bytes, size: int | None = None) -> tuple[Source | None, bytes]:
    reader = HeaderReader()
    if size is None:
        return reader.feed(data), reader.rest
    source, at = None, 0
    while source is None and at < len(data):
        source = reader.feed(data[at : at + size])
        at += size
    return source, reader.rest + data[at:]


@pytest.mark.parametrize("encode", [encode_v1, encode_v2])
@pytest.mark.parametrize(("ip", "to"), PAIRS)
@pytest.mark.parametrize("size", [None, 1, 5])
def test_what_is_written_is_read_and_the_rest_is_left(encode, ip, to, size):
    header = encode(ip, 4711, to, 443)
    assert read(header + b"\x16\x03\x01rest", size) == (Source(ip, 4711), b"\x16\x03\x01rest")


def test_the_examples_of_the_specification():
    assert read(b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\nGET") == (
        Source("255.255.255.255", 65535), b"GET",
    )  # fmt: skip
    assert read(b"PROXY UNKNOWN ffff:f...f:ffff 65535\r\n")[0] == Source()
    assert read(b"PROXY UNKNOWN\r\n")[0] == Source()
    assert encode_v1("192.0.2.7", 1, "10.0.0.1", 2) == b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n"
    assert encode_v2("192.0.2.7", 1, "10.0.0.1", 2) == SIGNATURE + bytes.fromhex("2111000cc00002070a00000100010002")


@pytest.mark.parametrize("encode", [encode_v1, encode_v2])
def test_a_client_is_told_whatever_family_its_address_and_ours_are(encode):
    """A balancer may say IPv6 on a connection that it makes by IPv4."""
    assert read(encode("2001:db8::7", 1, "10.0.0.1", 2))[0] == Source("2001:db8::7", 1)
    assert read(encode("192.0.2.7", 1, "::1", 2))[0] == Source("::ffff:c000:207", 1)
    assert read(encode("::ffff:192.0.2.7", 1, "10.0.0.1", 2))[0] == Source("192.0.2.7", 1)
    assert read(encode("", 1, "10.0.0.1", 2))[0] == Source()


def test_a_check_of_the_peer_itself_has_no_source_and_more_than_addresses_is_read_over():
    assert read(SIGNATURE + struct.pack(">BBH", 0x20, 0x11, 12) + bytes(12))[0] == Source()
    more = SIGNATURE + struct.pack(">BBH", 0x21, 0x11, 12 + 7) + bytes([192, 0, 2, 7, 10, 0, 0, 1, 0, 9, 0, 2]) + b"\x04\0\4abcd"
    assert read(more + b"x") == (Source("192.0.2.7", 9), b"x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1\r\n", "no PROXY header"),
        (b"\x16\x03\x01", "no PROXY header"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "cannot be read"),
        (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "cannot be read"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "cannot be read"),
        (b"PROXY TCP4 ::1 1.2.3.4 1 2\r\n", "no IPv4 address"),
        (b"PROXY TCP4 1.2.3.4 1.2.3 1 2\r\n", "no IPv4 address"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "no port"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "no port"),
        (b"PROXY TCP4 " + b"1" * 200, "no end within 107"),
        (SIGNATURE + b"\x11\x11\0\x0c", "version and command 0x11"),
        (SIGNATURE + b"\x21\x31\0\x0c" + bytes(12), "family 0x31"),
        (SIGNATURE + b"\x21\x11\0\x0b" + bytes(11), "not 12"),
        (SIGNATURE + b"\x21\x11\xff\xff", "more than 4096"),
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_header_is_refused(data, words):
    with pytest.raises(WireError, match=words):
        read(data)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_source_or_an_error_or_not_enough(data):
    for start in (b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11\0\x0c"):
        try:
            found, rest = read(start + data)
        except WireError:
            continue
        assert found is None or (start + data).endswith(rest)
