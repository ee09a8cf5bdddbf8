"""Schemes, and steps of a handshake, as real clients and servers write them."""

from __future__ import annotations

from base64 import b64encode

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.mapi.credentials import NO_CHALLENGE, Step, offered, read_challenge, read_credentials

NEGOTIATE_1 = b"NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw=="


def handshake(protocol: str) -> tuple[bytes, bytes]:
    """The first and the last token of a client, made by pyspnego."""
    client = spnego.client("CORP\\alice", "secret", protocol=protocol, options=spnego.NegotiateOptions.use_ntlm)
    first = client.step()
    challenge = bytes.fromhex(
        "4e544c4d53535000020000000800080038000000058289a2" + "0123456789abcdef" + "00" * 8
        + "2400240040000000" + "0a0063450000000f" + "43004f0052005000"
        + "02000800" + "43004f0052005000" + "01000800" + "4500580031003100" + "0700080000000000" + "00000000" + "00000000"
    )  # fmt: skip
    return first, client.step(challenge) if protocol == "ntlm" else b""


def test_the_steps_of_a_real_ntlm_handshake_and_its_user():
    first, last = handshake("ntlm")

    begin = read_credentials(b"NTLM " + b64encode(first))
    final = read_credentials(b"ntlm  " + b64encode(last))

    assert (begin.scheme, begin.step, begin.user, begin.bound) == ("ntlm", Step.BEGIN, None, True)
    assert (final.step, final.user) == (Step.FINAL, "CORP\\alice")


def test_ntlm_within_negotiate_is_seen():
    client = spnego.client("CORP\\alice", "secret", protocol="negotiate", options=spnego.NegotiateOptions.use_ntlm)
    begin = read_credentials(b"Negotiate " + b64encode(client.step()))

    assert (begin.scheme, begin.step, begin.bound) == ("negotiate", Step.BEGIN, True)


@pytest.mark.parametrize(
    ("value", "scheme", "step", "user", "bound"),
    [
        (NEGOTIATE_1, "ntlm", Step.BEGIN, None, True),
        (b"Negotiate YII=", "negotiate", Step.FINAL, None, True),
        (b"NTLM", "ntlm", Step.EMPTY, None, True),
        (b"Bearer", "bearer", Step.EMPTY, None, False),
        (b"Bearer ", "bearer", Step.EMPTY, None, False),
        (b"bearer abc.def", "bearer", Step.FINAL, None, False),
        (b"Basic YWxpY2U6cGFzc3dvcmQ=", "basic", Step.FINAL, "alice", False),
        (b"basic  YWxpY2U6cGE6c3M=", "basic", Step.FINAL, "alice", False),
        (b"Basic !!!", "basic", Step.FINAL, None, False),
        (b"Basic YWxpY2U=", "basic", Step.FINAL, None, False),
        (b"NTLM ???", "ntlm", Step.FINAL, None, True),
        (b"NTLM TlRMTVNTUAAD", "ntlm", Step.FINAL, None, True),
        (b"s3cr3t-without-scheme", "other", Step.EMPTY, None, False),
        (b"", "other", Step.EMPTY, None, False),
    ],
)  # fmt: skip
def test_credentials_as_they_come(value, scheme, step, user, bound):
    found = read_credentials(value)
    assert (found.scheme, found.step, found.user, found.bound) == (scheme, step, user, bound)


@given(st.binary())
def test_nothing_that_comes_is_an_error_and_nothing_secret_stays(value):
    for header in (value, b"NTLM " + b64encode(b"NTLMSSP\0\3\0\0\0" + value)):
        assert read_credentials(header).scheme in (
            "basic", "bearer", "digest", "kerberos", "negotiate", "ntlm", "other",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "schemes", "token"),
    [
        ([b"NTLM", b"Negotiate", b'Basic realm="a, b"'], {"ntlm", "negotiate", "basic"}, False),
        ([b'Basic realm="x", NTLM, Negotiate'], {"ntlm", "negotiate", "basic"}, False),
        ([b"NTLM TlRMTVNTUAACAAAA"], {"ntlm"}, True),
        ([b"Negotiate oYG2MIGzoAMKAQG="], {"negotiate"}, True),
        ([b'Bearer client_id="x", trusted_issuers="y@*", token_types="app"', b"Basic"], {"bearer", "basic"}, False),
        ([], set(), False),
    ],
)  # fmt: skip
def test_challenges_as_servers_write_them(values, schemes, token):
    found = read_challenge(values, None)
    assert (set(found.schemes), found.token, found.persistent) == (schemes, token, False)


def test_a_server_may_say_that_the_connection_is_authenticated():
    assert read_challenge([], b"true").persistent
    assert read_challenge([], b"false") == NO_CHALLENGE


def test_only_challenges_of_enabled_schemes_are_passed_on_and_their_parameters_with_them():
    lines = [b"Negotiate", b"NTLM TlRM", b'Bearer client_id="x", realm="a, b"', b'Basic realm="c", NTLM']

    assert offered(lines, frozenset({"ntlm"})) == [b"NTLM TlRM", b"NTLM"]
    assert offered(lines, frozenset({"bearer"})) == [b'Bearer client_id="x", realm="a, b"']
    assert offered(lines, frozenset({"basic", "ntlm"})) == [b"NTLM TlRM", b'Basic realm="c", NTLM']
    assert offered(lines, frozenset()) == []
