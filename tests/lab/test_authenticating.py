"""The lab's own Windows authentication, with the handshakes of pyspnego's client."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode

import pytest
import spnego

from mapiproxy.lab.authenticating import WindowsAuthenticator, is_by_connection
from mapiproxy.lab.binding import end_point_bindings
from mapiproxy.lab.users import Challenged, LabUser, lab_users

USERS = lab_users("alice@example.test:alicepw", "bob@example.test:bobpw")
NOBODY = b'Basic realm="lab"'


def shake(
    server: WindowsAuthenticator, memory: dict[str, object], name: str, password: str, scheme: str = "NTLM", **more: object
) -> LabUser | Challenged:
    client = spnego.client(
        name, password, protocol=scheme.lower(), options=spnego.NegotiateOptions.use_ntlm, **more
    )
    token = client.step()
    answer: LabUser | Challenged = Challenged(())
    while token:
        answer = server.check(scheme.encode() + b" " + b64encode(token), memory)
        if isinstance(answer, LabUser):
            return answer
        given = answer.challenges[0].partition(b" ")[2]
        if len(answer.challenges) > 1:
            return answer
        token = client.step(b64decode(given))
    return answer


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("name", ["LAB\\alice", "alice@example.test", "EXAMPLE.TEST\\alice"])
def test_a_handshake_authenticates_the_connection(scheme, name):
    server, memory = WindowsAuthenticator(USERS), {"connection": 1}

    user = shake(server, memory, name, "alicepw", scheme)

    assert isinstance(user, LabUser)
    assert user.login == "alice@example.test"
    assert server.check(None, memory) is user
    assert is_by_connection(memory)
    assert isinstance(server.check(None, {}), Challenged)


def test_a_wrong_password_leaves_nobody():
    server, memory = WindowsAuthenticator(USERS), {}
    assert isinstance(shake(server, memory, "LAB\\alice", "wrong"), Challenged)
    assert isinstance(server.check(None, memory), Challenged)
    assert not is_by_connection(memory)


def test_a_new_handshake_makes_the_connection_nobodys_and_then_the_others():
    server, memory = WindowsAuthenticator(USERS), {}
    shake(server, memory, "LAB\\alice", "alicepw")
    first = spnego.client("LAB\\bob", "bobpw", protocol="ntlm").step()

    assert isinstance(server.check(b"NTLM " + b64encode(first), memory), Challenged)
    assert isinstance(server.check(None, memory), Challenged)
    user = shake(server, memory, "LAB\\bob", "bobpw")
    assert isinstance(user, LabUser)
    assert user.login == "bob@example.test"


@pytest.mark.parametrize("line", [b"NTLM", b"NTLM !!!", b"NTLM TlRMTVNTUAADAAAA", b"Negotiate YII=", b"Digest x", b""])
def test_what_is_no_handshake_gets_the_offers(line):
    answer = WindowsAuthenticator(USERS).check(line, {})
    assert isinstance(answer, Challenged)
    assert answer.challenges == (b"Negotiate", b"NTLM", NOBODY)


def test_only_what_is_offered_is_accepted():
    server = WindowsAuthenticator(USERS, ["NTLM"])
    basic = next(iter(USERS)).basic
    assert isinstance(server.check(basic, {}), Challenged)
    assert isinstance(WindowsAuthenticator(USERS).check(basic, {}), LabUser)


def test_extended_protection_wants_the_bindings_of_its_own_certificate():
    mine, other = end_point_bindings(b"my certificate"), end_point_bindings(b"another")
    server = WindowsAuthenticator(USERS, bindings=mine)

    assert isinstance(shake(server, {}, "LAB\\alice", "alicepw", channel_bindings=mine), LabUser)
    assert isinstance(shake(server, {}, "LAB\\alice", "alicepw", channel_bindings=other), Challenged)
    assert isinstance(shake(server, {}, "LAB\\alice", "alicepw"), Challenged)


def test_the_environment_is_left_as_it_was(monkeypatch):
    monkeypatch.setenv("NTLM_USER_FILE", "/somewhere/else")
    shake(WindowsAuthenticator(USERS), {}, "LAB\\alice", "alicepw")
    assert os.environ["NTLM_USER_FILE"] == "/somewhere/else"
