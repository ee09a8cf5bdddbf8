"""May this request come in at all? Asked of the head alone, before a backend is thought of.

What is refused here could be read one way by us and another way by a backend: paths that the backend
would normalise into a different virtual directory, targets that are no path, expectations that nobody
here can meet. Everything else passes, byte for byte (reference N7).
"""

from __future__ import annotations

import re

from mapiproxy.policy.refusals import Refusal
from mapiproxy.wire.errors import show
from mapiproxy.wire.heads import RequestHead

# Dot segments, plain or encoded; encoded or doubled separators; backslashes; encoded NUL.
_ODD_PATH = re.compile(
    rb"(?:^|/)(?:\.|%2e){1,2}(?:/|$|;)|%2f|%5c|%00|\\|//", re.IGNORECASE
)


def admit(head: RequestHead) -> Refusal | None:
    """``None`` to let the request in, else why not."""
    target = head.target
    if not target.startswith(b"/"):
        if target == b"*" and head.method == b"OPTIONS":
            return None
        refusal = _absolute(head)
        if refusal is not None:
            return refusal
    if b"#" in target:
        return Refusal(400, "the request target contains a fragment ('#')")
    path = target.partition(b"?")[0]
    if (b"." in path or b"%" in path or b"\\" in path or b"//" in path) and _ODD_PATH.search(
        path.partition(b"://")[2] if path[:4].lower() == b"http" else path
    ):
        return Refusal(400, f"the path {show(path)!r} has dot segments or encoded separators")
    expect = head.first.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue" and head.version != b"1.0":
        return Refusal(417, "only 'Expect: 100-continue' can be met")
    return None


def _absolute(head: RequestHead) -> Refusal | None:
    """Absolute-form is legal (RFC 9112 3.2.2); it must name the host that Host names."""
    scheme, colon, rest = head.target.partition(b"://")
    if not colon or scheme.lower() not in (b"http", b"https"):
        return Refusal(400, "the request target is neither a path nor an http(s) URL")
    authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
    host = head.first.get(b"host")
    if host is not None and authority.lower() != host.lower():
        return Refusal(400, "the request target and Host name different hosts")
    return None
