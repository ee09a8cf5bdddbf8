"""Heads as an operator may see them: fields that are known to hold no secret as they came, the rest as digests.

Two equal values have equal digests, so one can follow a cookie from answer to request. The digest is keyed,
with a key of this process, so that nobody can try out guesses on it. A field that nobody has put on the list is
a digest as well: names that secrets travel under are invented faster than anybody can guess them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

#: Schemes of Authorization that may be named; anything else could be the secret itself.
SCHEMES = frozenset((b"basic", b"bearer", b"digest", b"kerberos", b"negotiate", b"ntlm"))
#: From a secret to what stands for it.
Digest = Callable[[bytes], str]

#: Parameters of a URL whose values let somebody in, as a pattern for any case.
SECRET_NAMES = (
    r"[a-z0-9_.-]*(?:canary|token|secret|assertion|credentials?|jwt|passw[a-z]*|pwd|passphrase|signature|"
    r"saml[a-z]*|(?:api|access|auth|private|subscription)[_-]?key)|code|sig|wresult"
)

#: Fields that are shown: HTTP's own, and what Outlook, Exchange and grommunio say to each other.
SHOWN = frozenset(
    name.encode()
    for name in ["accept", "accept-auth", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "alt-svc", "cache-control", "client-request-id", "connection", "content-disposition", "content-encoding", "content-language", "content-length", "content-location", "content-range", "content-security-policy", "content-type", "date", "depth", "dnt", "etag", "expect", "expires", "forwarded", "from", "host", "http2-settings", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "last-modified", "link", "location", "max-forwards", "mime-version", "ms-asprotocolcommands", "ms-asprotocolversion", "ms-asprotocolversions", "ms-server-activesync", "origin", "p3p", "persistent-auth", "pragma", "priority", "proxy-connection", "range", "referer", "referrer-policy", "request-id", "return-client-request-id", "retry-after", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user", "server", "soapaction", "strict-transport-security", "te", "timing-allow-origin", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "vary", "via", "x-anchormailbox", "x-aspnet-version", "x-beserver", "x-calculatedbetarget", "x-caserrorcode", "x-clientapplication", "x-clientinfo", "x-content-type-options", "x-deviceinfo", "x-diaginfo", "x-elapsedtime", "x-expirationinfo", "x-failurecontext", "x-featureversion", "x-feserver", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-frame-options", "x-lab-backend", "x-lab-user", "x-mapihttpcapability", "x-ms-cookieuri-requested", "x-ms-diagnostics", "x-ms-policykey", "x-original-url", "x-owa-version", "x-pendingperiod", "x-powered-by", "x-real-ip", "x-requestid", "x-requesttype", "x-responsecode", "x-serverapplication", "x-starttime", "x-tunnelexpirationtime", "x-ua-compatible", "x-user-identity", "x-xss-protection"]
)
#: Fields whose scheme may be told; what follows it is a token.
_CHALLENGES = frozenset((b"www-authenticate", b"proxy-authenticate", b"authentication-info"))
#: A token behind its scheme, in a list of challenges: no parameter follows its ``=``.
_TOKEN = re.compile(rb"((?:^|,)\s*[A-Za-z]+ +)([A-Za-z0-9+/._~-]+=*)(?=\s*(?:,|$))")
#: In a value, the query and the fragment of a URL or a path, and what stands before the host of a URL.
_QUERY = re.compile(rb"((?:^|[\s<\"'(])(?:[a-z]+://|/)[^\s?#]*[?#])([^\s>\"')]+)", re.IGNORECASE)
_USERINFO = re.compile(rb"(://)([^/?#\s@]+)(?=@)")
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
    if not value:
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
    if key not in SHOWN:
        return digest(value).encode()
    if key == b"host" and b"@" in value:
        secret, at, host = value.rpartition(b"@")
        return digest(secret).encode() + at + host
    if b"?" in value or b"#" in value:
        value = _QUERY.sub(lambda found: found[1] + digest(found[2]).encode(), value)
    return _USERINFO.sub(lambda found: found[1] + digest(found[2]).encode(), value) if b"@" in value else value


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
