"""Heads as an operator may see them: every field as it came, but secrets as a short digest.

Two equal secrets have equal digests, so one can follow a cookie from answer to request. The digest is keyed,
with a key of this process, so that nobody can try out guesses on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

#: Schemes of Authorization that may be named; anything else could be the secret itself.
SCHEMES = frozenset((b"basic", b"bearer", b"digest", b"kerberos", b"negotiate", b"ntlm"))
#: From a secret to what stands for it.
Digest = Callable[[bytes], str]

#: What is in the name of a field whose whole value is a secret, or may be one.
_SECRET = re.compile(
    rb"auth|token|secret|canary|passw|pwd|cookie|credential|assertion|session|signature|cert|saml|jwt"
    rb"|(^|[-_])(api)?(key|sid|otp|pin)($|[-_])|apikey"
)
#: Fields whose scheme may be told; what follows it is a token.
_CHALLENGES = frozenset((b"www-authenticate", b"proxy-authenticate", b"authentication-info"))
#: Named like secrets, and none.
_PLAIN = frozenset((b"persistent-auth", b"x-ms-cookieuri-requested"))
#: A token behind its scheme, in a list of challenges: no parameter follows its ``=``.
_TOKEN = re.compile(rb"((?:^|,)\s*[A-Za-z]+ +)([A-Za-z0-9+/._~-]+=*)(?=\s*(?:,|$))")
#: The query of a URL or a path.
_QUERY = re.compile(rb"((?:^|[\s<\"'(])(?:[a-z]+://|/)[^\s?]*\?)([^\s>\"')]+)", re.IGNORECASE)
#: Bytes of a value that are shown.
LONGEST = 256


def make_digest(key: bytes) -> Digest:
    """The digest of one process."""

    def digest(secret: bytes) -> str:
        return "#" + blake2b(secret, digest_size=4, key=key).hexdigest()

    return digest


def redact(fields: Iterable[tuple[bytes, bytes]], digest: Digest) -> list[tuple[str, str]]:
    """Names and values for people, in the order in which they came."""
    return [(_text(name), _text(_value(name.lower(), value, digest))) for name, value in fields]


def _value(key: bytes, value: bytes, digest: Digest) -> bytes:
    if key in _PLAIN:
        return value
    if key == b"cookie":
        return b"; ".join(_pair(pair, digest) for pair in value.split(b";"))
    if key == b"set-cookie":
        pair, semicolon, attributes = value.partition(b";")
        return _pair(pair, digest) + semicolon + attributes
    if key in _CHALLENGES:
        # A bare scheme, or one with parameters such as realm="...", is no secret; a token is.
        return _TOKEN.sub(lambda found: found[1] + digest(found[2]).encode(), value)
    if key in (b"authorization", b"proxy-authorization"):
        scheme, space, rest = value.strip().partition(b" ")
        if not space or scheme.lower() not in SCHEMES:  # perhaps credentials without a scheme
            return digest(value).encode()
        return scheme + b" " + digest(rest).encode()
    if value and _SECRET.search(key):
        return digest(value).encode()
    # Location, Referer, X-Original-URL...: what follows the question mark may be a password or a token.
    return _QUERY.sub(lambda found: found[1] + digest(found[2]).encode(), value) if b"?" in value else value


def _pair(pair: bytes, digest: Digest) -> bytes:
    name, equals, value = pair.strip().partition(b"=")
    if not equals:  # a value without a name, or a name alone: nobody knows
        return digest(name).encode() if name else b""
    return name + b"=" + digest(value).encode() if value else name + b"="


def _text(value: bytes) -> str:
    text = value[:LONGEST].decode("latin-1")
    if len(value) > LONGEST:
        text += f"... ({len(value)} bytes)"
    return text
