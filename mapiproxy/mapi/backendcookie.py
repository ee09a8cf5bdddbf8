"""X-BackEndCookie: where Exchange's front end has told its client that a mailbox lives.

Not a secret and no session: it is routing text, each byte of it flipped, in base64 (exchange reference 1.6).
Only what has the documented shape to the last letter leaves this file, for a client may send anything under
that name.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache

NAME = b"X-BackEndCookie"
#: Longer values are nobody's: one entry has some 150 characters.
_LONGEST = 4096

_FLIPPED = bytes(255 - byte for byte in range(256))
_DNS = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?"
_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_EXPIRY = (
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?: [AP]M)?)"
)
_SHAPE = re.compile(
    f"Database~{_GUID}~(?:{_DNS})?~{_EXPIRY}(?:~{_DNS}~[01])?|Server~{_DNS}~[0-9]{{1,10}}~{_EXPIRY}",
    re.ASCII,
)


def read_backend_cookie(header: bytes, mailbox: str | None) -> str | None:
    """The decoded text of a Cookie header's X-BackEndCookie; ``None`` if there is none, or none we know.

    :param mailbox: ``guid@domain`` of the request: of several entries that of its GUID is taken, or
        else the last.
    """
    for pair in header.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == NAME and len(value) <= _LONGEST:
            anchor = mailbox.partition("@")[0].lower().encode("latin-1", "replace") if mailbox else b""
            return _decode(value, anchor)
    return None


@lru_cache(maxsize=4096)
def _decode(value: bytes, anchor: bytes) -> str | None:
    found = None
    for entry in value.split(b"&"):
        key, _, text = entry.partition(b"=")
        decoded = _decode_entry(text)
        if decoded is not None:
            found = decoded
            if key.lower() == anchor:
                break
    return found


def _decode_entry(text: bytes) -> str | None:
    try:
        plain = b64decode(text, validate=True).translate(_FLIPPED).decode("ascii")
    except ValueError:
        return None
    return plain if _SHAPE.fullmatch(plain) else None
