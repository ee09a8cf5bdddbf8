"""Durations and sizes as HAProxy and nginx write them."""

from __future__ import annotations

import re

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_TIME = re.compile(r"(\d+)(us|ms|s|m|h|d|w)?")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)")

#: PENDINGs come every 15 to 30 s. Below two of them a wait cannot live, below three it lives by luck.
SHORT, TIGHT = 60.0, 90.0
#: Longer than this hides a dead peer rather than tolerating a slow one.
LONG = 1800.0
#: Bytes of a body that no mail with its attachments is larger than.
BODY = 256 << 20
#: Bytes of a head that a Kerberos token of many groups may fill.
HEAD = 65_536
#: Names of headers without which MAPI over HTTP does not work, as a regular expression. X-Request-ID is none.
MAPI_HEADERS = (
    r"x-(requesttype|requestid|clientinfo|clientapplication|serverapplication|responsecode|pendingperiod"
    r"|expirationinfo|elapsedtime|starttime|anchormailbox|mapihttpcapability|tunnelexpirationtime)"
)


def find_seconds(text: str, bare: float) -> float | None:
    """``5m``, ``1h 30m``, ``500ms``; a *bare* number counts in that many seconds. ``None``: no duration."""
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        return None
    return sum(float(number) * (_UNITS[unit] if unit else bare) for number, unit in parts)


def find_bytes(text: str) -> int | None:
    """``1m``, ``8k``, ``0``; ``None``: no size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2].lower()]
