"""Which body follows a head (RFC 9112 section 6.3), or a refusal.

A proxy whose reading of the length differs from its peer's is a smuggling hole. So each case that
leaves room for two readings is an error that names the header, never a repair.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen

from mapiproxy.wire.errors import Fault, WireError, show


@frozen
class Nothing:
    """No body at all."""


@define
class Length:
    """A body of exactly so many bytes."""

    size: int


@frozen
class Chunked:
    """A body in the chunked transfer coding, perhaps with trailers."""


@frozen
class UntilClose:
    """An answer whose body ends with its connection."""


Framing = Nothing | Length | Chunked | UntilClose

NOTHING = Nothing()
CHUNKED = Chunked()
UNTIL_CLOSE = UntilClose()

# 2**63 has 19 digits; what is longer cannot be meant.
_MOST_DIGITS = 18


def _declared(
    lengths: Sequence[bytes], codings: Sequence[bytes], version: bytes, fault: Fault
) -> Framing | None:
    """The framing that the head itself declares (none at all: ``None``)."""
    if codings:
        if lengths:
            raise WireError(
                "both Content-Length and Transfer-Encoding are present",
                fault=fault,
                header="Content-Length",
            )
        if len(codings) > 1:
            raise WireError(
                "Transfer-Encoding is present more than once",
                fault=fault,
                header="Transfer-Encoding",
            )
        if version == b"1.0":
            # RFC 9112 6.1: framing of an HTTP/1.0 message with Transfer-Encoding is faulty.
            raise WireError(
                "Transfer-Encoding in an HTTP/1.0 message", fault=fault, header="Transfer-Encoding"
            )
        if codings[0].lower() != b"chunked":
            raise WireError(
                f"Transfer-Encoding {show(codings[0])!r} is not supported, only 'chunked' is",
                fault=fault,
                status=501,
                header="Transfer-Encoding",
            )
        return CHUNKED
    if lengths:
        if len(lengths) > 1:
            raise WireError(
                "Content-Length is present more than once", fault=fault, header="Content-Length"
            )
        digits = lengths[0]
        if not digits.isdigit() or len(digits) > _MOST_DIGITS:
            raise WireError(
                f"Content-Length {show(digits)!r} is not a number of bytes",
                fault=fault,
                header="Content-Length",
            )
        if fault == "client" and len(digits) > 1 and digits.startswith(b"0"):
            # Legal, never sent, and an octal number to readers who trust strtoull's base 0.
            raise WireError(
                "Content-Length has leading zeros", fault=fault, header="Content-Length"
            )
        size = int(digits)
        return Length(size) if size else NOTHING
    return None


def request_framing(lengths: Sequence[bytes], codings: Sequence[bytes], version: bytes) -> Framing:
    """The body of a request: RFC 9112 6.3, a request without a length has no body."""
    declared = _declared(lengths, codings, version, "client")
    if declared is None:
        return NOTHING
    return declared


def response_framing(
    method: bytes, status: int, lengths: Sequence[bytes], codings: Sequence[bytes], version: bytes
) -> Framing:
    """The body of the answer to a request of *method*."""
    declared = _declared(lengths, codings, version, "backend")
    if status < 200 and declared not in (None, NOTHING):
        # RFC 9112 6.1 and 9110 8.6 forbid it; a client that believes it would lose the real answer.
        raise WireError(
            f"the interim answer {status} announces a body",
            fault="backend",
            header="Transfer-Encoding" if codings else "Content-Length",
        )
    if method == b"HEAD" or status < 200 or status in (204, 304):
        return NOTHING
    return UNTIL_CLOSE if declared is None else declared
