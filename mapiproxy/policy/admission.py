"""May this request come in at all? Asked of the head alone, before a backend is thought of.

What is refused here could be read one way by us and another way by a backend: paths that the backend
would normalise into a different virtual directory, targets that are no path, expectations that nobody
here can meet. Everything else passes, byte for byte (reference N7).
"""

from __future__ import annotations

import re
from functools import lru_cache

from mapiproxy.policy.headers import END_TO_END
from mapiproxy.policy.refusals import Refusal
from mapiproxy.wire.errors import show
from mapiproxy.wire.heads import RequestHead

# What some backend normalises, decodes twice or cuts off, so that it would serve another path than the one
# we looked at: dot segments, doubled or encoded separators, backslashes, percent signs that are no plain
# escape, encoded control, overlong and reserved bytes, stream names, trailing dots (Windows drops them).
_ODD_PATH = re.compile(
    rb"(?:^|/)(?:\.|%2e)+(?:/|$|;)|//|[\\\"<>^{}|`:]|\.(?:/|$)"
    rb"|%(?![0-9a-f]{2})|%(?:2f|5c|25|23|3f|2e|3a|[01][0-9a-f]|7f|c[01])",
    re.IGNORECASE,
)
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
# A repeat of these lets us and the backend believe different ones (gromox keeps the last).
_ONCE = (b"authorization", b"expect", b"content-type", b"connection")
_SUSPICIOUS = re.compile(rb"[.%\\\"<>^{}|`:]|//")


def admit(head: RequestHead) -> Refusal | None:
    """``None`` to let the request in, else why not."""
    first = head.first
    refusal = _look_at(head.target, first.get(b"host"), head.method == b"OPTIONS")
    if refusal is not None:
        return refusal
    if len(head.keys) != len(first):
        for key in _ONCE:
            if head.keys.count(key) > 1:
                return Refusal(400, f"{key.decode()} is present more than once")
    if b"connection" in first:
        refusal = _nominates_too_much(first[b"connection"])
        if refusal is not None:
            return refusal
    expect = first.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue" and head.version != b"1.0":
        return Refusal(417, "only 'Expect: 100-continue' can be met")
    return None


@lru_cache(maxsize=4096)
def _look_at(target: bytes, host: bytes | None, options: bool) -> Refusal | None:
    """Target and Host: the same few come again and again."""
    path = target.partition(b"?")[0]
    if not target.startswith(b"/"):
        if target == b"*" and options:
            return None
        refusal = _absolute(target, host)
        if refusal is not None:
            return refusal
        path = path.partition(b"://")[2].partition(b"/")[2]
    if b"#" in target:
        return Refusal(400, "the request target contains a fragment ('#')")
    if _SUSPICIOUS.search(path) and _ODD_PATH.search(path):
        return Refusal(400, f"the path {show(path)!r} could be read as another one by a backend")
    if host is not None and not _HOST.match(host):
        return Refusal(400, "Host is not a name or address with an optional port")
    return None


def _nominates_too_much(connection: bytes) -> Refusal | None:
    """A reader behind us might drop what Connection lists, though we keep it."""
    for option in connection.lower().split(b","):
        if option.strip() in END_TO_END:
            return Refusal(400, f"Connection lists {show(option.strip())}, which is not its to drop")
    return None


def _absolute(target: bytes, host: bytes | None) -> Refusal | None:
    """Absolute-form is legal (RFC 9112 3.2.2); it must name the host that Host names."""
    scheme, colon, rest = target.partition(b"://")
    if not colon or scheme.lower() not in (b"http", b"https"):
        return Refusal(400, "the request target is neither a path nor an http(s) URL")
    authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
    if host is not None and authority.lower() != host.lower():
        return Refusal(400, "the request target and Host name different hosts")
    return None
