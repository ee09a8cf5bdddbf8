"""No secret survives redaction, and everything else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapiproxy.record.redaction import LARGEST, LONGEST, make_digest, redact

DIGEST = make_digest(b"k" * 16)
SECRET = b"s3cr3t-value-0123456789"


def shown(name: bytes, value: bytes) -> str:
    ((told, text),) = redact([(name, value)], DIGEST)
    assert told == name.decode()
    return text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Cookie", b"MapiContext=" + SECRET + b"; sid=" + SECRET),
        (b"Cookie", SECRET),
        (b"Set-Cookie", b"MapiContext=" + SECRET + b"; path=/mapi; secure"),
        (b"Authorization", b"Basic " + SECRET),
        (b"Authorization", b"NTLM " + SECRET),
        (b"Authorization", SECRET),
        (b"Proxy-Authorization", b"Bearer " + SECRET),
        (b"WWW-Authenticate", b"NTLM " + SECRET),
        (b"WWW-Authenticate", b"Negotiate " + SECRET + b"=="),
        (b"X-CommonAccessToken", SECRET),
        (b"X-OWA-CANARY", SECRET),
        (b"X-Auth-Anything", SECRET),
        (b"WWW-Authenticate", b'Basic realm="mail", NTLM ' + SECRET + b"=, Negotiate"),
        (b"WWW-Authenticate", b"NTLM " + SECRET + b"==, Negotiate"),
        (b"X-Api-Key", SECRET),
        (b"X-Session-Id", SECRET),
        (b"X-Sid", SECRET),
        (b"X-Forwarded-Client-Cert", SECRET),
        (b"X-MS-Signature", SECRET),
        (b"Referer", b"https://mail.example.com/owa?access_token=" + SECRET),
        (b"Location", b"/owa/auth.owa?code=" + SECRET),
        (b"X-Original-URL", b"/mapi?pw=" + SECRET),
        (b"Link", b"<https://a.example/x?t=" + SECRET + b">; rel=next"),
        (b"Ocp-Apim-Subscription-Key", SECRET),
        (b"Referer", b"https://mail/owa/?ae=Item&X-OWA-CANARY=" + SECRET),
        (b"Referer", b"https://alice:" + SECRET + b"@mail/owa/"),
        (b"Location", b"/owa/auth.owa?code=" + SECRET + b"&state=1"),
        (b"Location", b"https://mail/owa/#id_token=" + SECRET),
        (b"Location", b"https://sts/adfs/ls/?SAMLResponse=" + SECRET),
        (b"Host", b"alice:" + SECRET + b"@mail.example.test"),
        (b"X-Original-URL", b"/ews?access_token=" + SECRET),
        (b"WWW-Authenticate", b"Negotiate " + SECRET + b'==, Basic realm="mail"'),
        (b"WWW-Authenticate", b'Basic realm="mail", NTLM ' + SECRET),
    ],
)
def test_secrets_are_digests(name: bytes, value: bytes) -> None:
    text = shown(name, value)
    assert SECRET.decode() not in text
    assert "#" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-RequestId", b"{GUID}:7"),
        (b"WWW-Authenticate", b"NTLM"),
        (b"WWW-Authenticate", b'Basic realm="mail"'),
        (b"Persistent-Auth", b"true"),
        (b"User-Agent", b"Microsoft Office/16.0 (Windows NT 10.0)"),
        (b"Cookie", b"empty="),
        (b"WWW-Authenticate", b'Negotiate, NTLM, Basic realm="a b"'),
        (b"WWW-Authenticate", b"Basic realm=mail"),
        (b"Referer", b"https://mail.example.com/owa/"),
        (b"X-PendingPeriod", b"15000"),
        (b"User-Agent", b"what? nothing"),
        (b"X-User-Identity", b"alice@example.test"),
        (b"WWW-Authenticate", b'Negotiate, NTLM, Basic realm="mail"'),
    ],
)
def test_the_rest_is_as_it_came(name: bytes, value: bytes) -> None:
    assert shown(name, value) == value.decode()


def test_what_is_no_secret_about_a_cookie_stays() -> None:
    text = shown(b"Set-Cookie", b"sid=" + SECRET + b"; Path=/mapi/emsmdb; Secure; HttpOnly")
    assert text.startswith("sid=#")
    assert text.endswith("; Path=/mapi/emsmdb; Secure; HttpOnly")


def test_equal_secrets_are_equal_in_one_process_only() -> None:
    assert shown(b"Cookie", b"sid=abc") == shown(b"Set-Cookie", b"sid=abc")
    assert make_digest(b"a" * 16)(b"abc") != make_digest(b"b" * 16)(b"abc")


def test_long_values_are_cut_and_say_so() -> None:
    text = shown(b"User-Agent", b"x" * 5000)
    assert len(text) < LONGEST + 30
    assert "5000 bytes" in text


def test_of_a_huge_head_the_beginning_is_told() -> None:
    """A trace keeps thousands of heads, and a client chooses how large they are."""
    told = redact([(b"X-%d" % number, b"y" * 100) for number in range(600)], DIGEST)
    assert told[-1] == ("...", f"({600 - (len(told) - 1)} more fields)")
    assert LARGEST < sum(len(name) + len(value) for name, value in told) < LARGEST + 2 * LONGEST + 40


@given(
    st.sampled_from([b"Cookie", b"Set-Cookie", b"Authorization", b"X-Some-Token"]),
    st.binary(min_size=12, max_size=60).filter(lambda b: not set(b) & set(b" ;=,\t\r\n#")),
    st.sampled_from([b"%s", b"a=%s", b"a=%s; b=%s", b"Basic %s", b" %s ", b"a==%s", b"=%s", b"%s=%s;"]),
)
def test_no_shape_of_a_value_lets_a_secret_through(name: bytes, secret: bytes, shape: bytes) -> None:
    value = shape.replace(b"%s", secret)
    text = shown(name, value)
    if shape == b"%s=%s;" and name in (b"Cookie", b"Set-Cookie"):
        assert text.count(secret.decode("latin-1")) <= 1  # a cookie's name is none
    elif shape == b"Basic %s" or name != b"Set-Cookie" or b"; b" not in shape:
        assert secret.decode("latin-1") not in text


@pytest.mark.parametrize("name", [b"X-Whatever", b"Sec-Something", b"X-Company-Sso"])
def test_what_nobody_knows_is_a_digest(name: bytes) -> None:
    """Secrets travel under names that nobody has thought of."""
    assert shown(name, SECRET) == DIGEST(SECRET)
    assert shown(name, b"") == ""
