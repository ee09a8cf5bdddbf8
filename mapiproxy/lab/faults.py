"""What a lab server can be told to do wrong, as values that a test's hook returns.

The hook is asked once for each request, when its head has been read: early enough to answer before
the body. What a fault means for executing is said with each.
"""

from __future__ import annotations

from attrs import field, frozen


@frozen
class CloseNow:
    """Close when the head has been read; nothing is executed. *abort*: with a reset."""

    abort: bool = False


@frozen
class CloseAfter:
    """Execute and answer, but close after *size* bytes of the answer (``None``: all of them)."""

    size: int | None = None
    abort: bool = False


@frozen
class NeverAnswer:
    """Read the whole request and say nothing; *execute* it or not."""

    execute: bool = False


@frozen
class AnswerEarly:
    """Send these bytes before the body has been read; the body is read and dropped."""

    raw: bytes = field(repr=False)
    close: bool = False


@frozen
class AnswerRaw:
    """Send these bytes in place of the answer, after the body; nothing is executed."""

    raw: bytes = field(repr=False)
    close: bool = False


@frozen
class CloseDelimited:
    """The proper answer, without length and chunks, ended by closing."""


@frozen
class Surplus:
    """The proper answer, and then bytes that nobody asked for (reference 5.2 G)."""

    raw: bytes = field(repr=False)


@frozen
class FailLate:
    """Accept the call, and fail it with an X-ResponseCode after DONE (reference 5.2 D)."""

    code: int


@frozen
class Hold:
    """The proper answer, but nothing of it before so many *seconds*."""

    seconds: float


Fault = (
    CloseNow
    | CloseAfter
    | NeverAnswer
    | AnswerEarly
    | AnswerRaw
    | CloseDelimited
    | Surplus
    | FailLate
    | Hold
)
