"""Heads as an operator may see them: fields that are known to be harmless as they came, the rest as digests.

Two equal values have equal digests, so one can follow a cookie from answer to request. The digest is keyed,
with a key of this process, so that nobody can try out guesses on it. A field that is not on the list is a
digest as well: names that secrets travel under are invented faster than anybody can guess them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

#: Schemes of Authorization that may be named; anything else could be the secret itself.
SCHEMES = frozenset((b"basic", b"bearer", b"digest", b"kerberos", b"negotiate", b"ntlm"))
#: From a secret to what stands for it.
Digest = Callable[[bytes], str]

#: Fields that are shown: HTTP's own, and what Outlook, Exchange and grommunio say to each other.
SHOWN = frozenset((
    b"accept", b"accept-auth", b"accept-charset", b"accept-encoding", b"accept-language", b"accept-ranges",
    b"age", b"allow", b"alt-svc", b"cache-control", b"client-request-id", b"connection",
    b"content-disposition", b"content-encoding", b"content-language", b"content-length", b"content-location",
    b"content-range", b"content-security-policy", b"content-type", b"date", b"depth", b"dnt", b"etag",
    b"expect", b"expires", b"forwarded", b"from", b"host", b"http2-settings", b"if-match",
    b"if-modified-since", b"if-none-match", b"if-range", b"if-unmodified-since", b"keep-alive",
    b"last-modified", b"link", b"location", b"max-forwards", b"mime-version", b"ms-asprotocolcommands",
    b"ms-asprotocolversion", b"ms-asprotocolversions", b"ms-server-activesync", b"origin", b"p3p",
    b"persistent-auth", b"pragma", b"priority", b"proxy-connection", b"range", b"referer", b"referrer-policy",
    b"request-id", b"return-client-request-id", b"retry-after", b"sec-fetch-dest", b"sec-fetch-mode",
    b"sec-fetch-site", b"sec-fetch-user", b"server", b"soapaction", b"strict-transport-security", b"te",
    b"timing-allow-origin", b"trailer", b"transfer-encoding", b"upgrade", b"upgrade-insecure-requests",
    b"user-agent", b"vary", b"via", b"x-anchormailbox", b"x-aspnet-version", b"x-beserver",
    b"x-calculatedbetarget", b"x-caserrorcode", b"x-clientapplication", b"x-clientinfo",
    b"x-content-type-options", b"x-deviceinfo", b"x-diaginfo", b"x-elapsedtime", b"x-expirationinfo",
    b"x-failurecontext", b"x-featureversion", b"x-feserver", b"x-forwarded-for", b"x-forwarded-host",
    b"x-forwarded-port", b"x-forwarded-proto", b"x-frame-options", b"x-lab-backend", b"x-lab-user",
    b"x-mapihttpcapability", b"x-ms-cookieuri-requested", b"x-ms-diagnostics", b"x-ms-policykey",
    b"x-original-url", b"x-owa-version", b"x-pendingperiod", b"x-powered-by", b"x-real-ip", b"x-requestid",
    b"x-requesttype", b"x-responsecode", b"x-serverapplication", b"x-starttime", b"x-tunnelexpirationtime",
    b"x-ua-compatible", b"x-user-identity", b"x-xss-protection",
))  # fmt: skip
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
    if b"@" in value:
        value = _USERINFO.sub(lambda found: found[1] + digest(found[2]).encode(), value)
    return value


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
