"""Why a head was refused: names the line, the header and the byte, which llhttp's message does not.

Asked only after a refusal, so it may be slow. It must not know who asks, and must not repeat what a
peer wrote but for names of headers: a broken line may be the rest of a cookie or of a ticket.
"""

from __future__ import annotations

import re

from mapiproxy.wire.errors import Fault, WireError, show

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


def diagnose(raw: bytes, fault: Fault, error: Exception | None) -> WireError:
    """The error to raise for the head *raw*.

    :param error: what llhttp said, if it said anything.
    """
    lines = raw.split(b"\r\n")
    before: str | None = None
    for number, line in enumerate(lines[1:-2], start=2):
        name, colon, value = line.partition(b":")
        where = f"line {number} of the head" + (f", after {before!r}," if before else "")
        if line[:1] in (b" ", b"\t"):
            return WireError(
                f"{where} begins with a blank (folded header)", fault=fault, header=before
            )
        if not colon:
            what = "has a bare CR or LF" if b"\n" in line or b"\r" in line else "has no colon"
            return WireError(f"{where} {what}", fault=fault, header=before)
        token = _TOKEN.match(name)
        at = token.end() if token else 0
        if at < len(name) or not name:
            # What follows the token is not shown: it need not be part of a name.
            spelt = show(name[:at])
            byte = f"0x{name[at]:02x}" if name else "':'"
            return WireError(
                f"invalid header name in {where} byte {byte} at position {at} after {spelt!r}",
                fault=fault,
                header=spelt or before,
            )
        spelt = show(name)
        bad = _BAD_IN_VALUE.search(value)
        if bad is not None:
            what = "bare CR or LF" if bad[0] in b"\r\n" else f"byte 0x{bad[0].hex()}"
            return WireError(
                f"invalid {what} at position {bad.start()} of the value of {spelt}",
                fault=fault,
                header=spelt,
            )
        before = spelt
    names = [line.partition(b":")[0] for line in lines[1:-2]]
    said = str(error)
    for header in ("Content-Length", "Transfer-Encoding"):
        spellings = [show(name) for name in names if name.lower() == header.lower().encode()]
        if spellings and header in said:
            if len(spellings) > 1:
                said = f"{spellings[-1]} is present more than once"
            return WireError(said, fault=fault, header=spellings[-1])
    first_line = "the status line" if fault == "backend" else "the request line"
    reason = f": {error}" if error is not None else ""
    return WireError(f"{first_line} cannot be read{reason}", fault=fault)
