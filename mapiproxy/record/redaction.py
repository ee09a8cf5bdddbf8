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
_SECRET = re.compile(rb"auth|token|secret|canary|passw|cookie|credential|assertion|saml|jwt|signature|-key$")
#: Parameters of a URL whose values let somebody in, as a pattern for any case.
SECRET_NAMES = (
    r"[a-z0-9_.-]*(?:canary|token|secret|assertion|credentials?|jwt|passw[a-z]*|pwd|passphrase|signature|"
    r"saml[a-z]*|(?:api|access|auth|private|subscription)[_-]?key)|code|sig|wresult"
)
#: In a value, most often of Referer and Location: ``name=secret`` of a query or a fragment, and what stands
#: before the host of a URL.
_QUERY = re.compile(rf"([?&;#](?:{SECRET_NAMES})=)([^&;#\s\"]+)".encode(), re.IGNORECASE)
_USERINFO = re.compile(rb"(://)([^/?#\s@]+)(?=@)")
#: ``Negotiate TOKEN`` anywhere in a list of challenges.
_TOKEN = re.compile(rb"\b(negotiate|ntlm|kerberos)([ \t]+)([a-z0-9+/=._~-]+)", re.IGNORECASE)
#: Fields whose scheme may be told; what follows it is a token.
_CHALLENGES = frozenset((b"www-authenticate", b"proxy-authenticate", b"authentication-info"))
#: Named like secrets, and none.
_PLAIN = frozenset((b"persistent-auth", b"x-ms-cookieuri-requested"))
#: Bytes of a value that are shown, and of a whole head: a trace keeps thousands.
LONGEST, LARGEST = 256, 8192


def make_digest(key: bytes) -> Digest:
    """The digest of one process."""

    def digest(secret: bytes) -> str:
        return "#" + blake2b(secret, digest_size=4, key=key).hexdigest()

    return digest


def redact(fields: Iterable[tuple[bytes, bytes]], digest: Digest) -> list[tuple[str, str]]:
    """Names and values for people, in the order in which they came; of a huge head the beginning."""
    told: list[tuple[str, str]] = []
    size = 0
    for number, (name, value) in enumerate(every := [*fields]):
        if size > LARGEST:
            return [*told, ("...", f"({len(every) - number} more fields)")]
        told.append((_text(name), _text(_value(name.lower(), value, digest))))
        size += len(told[-1][0]) + len(told[-1][1])
    return told


def _value(key: bytes, value: bytes, digest: Digest) -> bytes:
    if key in _PLAIN:
        return value
    if key == b"cookie":
        return b"; ".join(_pair(pair, digest) for pair in value.split(b";"))
    if key == b"set-cookie":
        pair, semicolon, attributes = value.partition(b";")
        return _pair(pair, digest) + semicolon + attributes
    if key in _CHALLENGES:
        scheme, space, rest = value.strip().partition(b" ")
        # A bare scheme, or one with parameters such as realm="...", is no secret; a token is.
        plain = not space or scheme.endswith(b",") or b"=" in rest.partition(b" ")[0].rstrip(b"=,")
        if not plain:
            return scheme + b" " + digest(rest).encode()
        return _TOKEN.sub(lambda found: found[1] + found[2] + digest(found[3]).encode(), value)
    if key in (b"authorization", b"proxy-authorization"):
        scheme, space, rest = value.strip().partition(b" ")
        if not space or scheme.lower() not in SCHEMES:  # perhaps credentials without a scheme
            return digest(value).encode()
        return scheme + b" " + digest(rest).encode()
    if key == b"host" and b"@" in value:
        secret, at, host = value.rpartition(b"@")
        return digest(secret).encode() + at + host
    if value and _SECRET.search(key):
        return digest(value).encode()
    return _without_secrets(value, digest) if b"=" in value or b"@" in value else value


def _without_secrets(value: bytes, digest: Digest) -> bytes:
    """A URL may hold them, in whatever field it is."""
    value = _QUERY.sub(lambda found: found[1] + digest(found[2]).encode(), value)
    return _USERINFO.sub(lambda found: found[1] + digest(found[2]).encode(), value)



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
