"""The cookie that says where a mailbox lives: decoded in its documented shape, and nothing else let out."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.mapi.backendcookie import read_backend_cookie

GUID = "fb7adba2-51f4-47e3-b170-fd39f85aaf35"
MAILBOX = "12345674-4444-1234-4567-123456789987"
MAPI = f"Database~{GUID}~~2023-02-05T01:00:04"


def flipped(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b64encode(bytes(255 - byte for byte in data))


def cookie(text: str | bytes, key: str = MAILBOX) -> bytes:
    return b"MapiContext=secret; X-BackEndCookie=%b=%b; other=1" % (key.encode(), flipped(text))


@pytest.mark.parametrize(
    "text",
    [
        MAPI,
        f"Database~{GUID}~~2023-02-08T18:59:59~domain.test~1",
        f"Database~{GUID}~domain.test~2023-02-08T18:59:59",
        "Server~server_hostname.domain.test~1942063431~2023-01-11T16:11:44",
        "Server~HOST.fqdn~1937997947~07/24/2014 17:01:18",
        "Server~HOST.fqdn~1937997947~7/24/2014 5:01:18 PM",
    ],
)
def test_the_shapes_of_real_logs_are_read(text: str) -> None:
    assert read_backend_cookie(cookie(text), f"{MAILBOX}@domain.test") == text


@pytest.mark.parametrize(
    "text",
    [
        "", "password", f"Database~{GUID}", f"{MAPI}~", f"{MAPI};x", f"{MAPI},x", f"{MAPI}\r\n2023", f"{MAPI}\n",
        "Server~a b~1~2023-01-11T16:11:44", "Server~~1~2023-01-11T16:11:44", "Database~secret~~2023-02-05T01:00:04",
        "Server~h~99999999999~2023-01-11T16:11:44", b"Database~\xff",
    ],
)  # fmt: skip
def test_what_has_another_shape_is_not_told(text: str | bytes) -> None:
    assert read_backend_cookie(cookie(text), None) is None


def test_the_entry_of_the_requests_mailbox_is_taken_and_else_the_last() -> None:
    other = MAPI.replace("fb7", "abc")
    both = b"X-BackEndCookie=%b=%b&S-1-5-21=%b" % (MAILBOX.upper().encode(), flipped(MAPI), flipped(other))
    assert read_backend_cookie(both, f"{MAILBOX}@d") == MAPI
    assert read_backend_cookie(both, None) == other


@pytest.mark.parametrize("header", [b"", b"a=b", b"X-BackEndCookie", b"X-BackEndCookie=", b"X-BackEndCookie=k=***", b"x-backendcookiE=k=QQ=="])
def test_nothing_readable_is_nothing(header: bytes) -> None:
    assert read_backend_cookie(header, None) is None


def test_a_huge_value_is_nobodys() -> None:
    assert read_backend_cookie(b"X-BackEndCookie=" + b"k=QQ==&" * 10_000, None) is None


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_get_out_that_are_not_of_the_shape(key: bytes, value: bytes) -> None:
    for header in (b"X-BackEndCookie=%b=%b" % (key, value), b"X-BackEndCookie=k=" + flipped(value)):
        told = read_backend_cookie(header, None)
        assert told is None or told.startswith(("Database~", "Server~"))
