"""What can go wrong for the lab's client, by how far a request had got (reference 6.2).

The type says what the protocol allows next: resend as it is, or make a new context. Texts name
connection and request type; never a cookie, never credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mapiproxy.lab.step import Step


class LabError(Exception):
    """Common to all; *step* is the row of the request concerned, where there is one."""

    step: Step | None = None


class DialFailed(LabError):
    """No connection: name, TCP or TLS."""


class NotSent(LabError):
    """The connection went before the whole request had been given to it: resend it as it is."""


class AnswerLost(LabError):
    """The whole request had left and its answer did not come, or was cut: the outcome is unknown.

    :ivar begun: whether some of the answer had come.
    """

    def __init__(self, text: str, *, begun: bool) -> None:
        super().__init__(text)
        self.begun = begun


class BadAnswer(LabError):
    """An answer that is no MAPI over HTTP."""


class Unauthorized(LabError):
    """401."""


class LoginBroken(LabError):
    """A handshake of NTLM or Negotiate could not be carried through on its connection."""


class HttpRefused(LabError):
    """Any other HTTP status but 200."""


class CallRefused(LabError):
    """X-ResponseCode was not 0, in the head or after DONE.

    :ivar code: the number; what it means depends on the kind of server.
    """

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class ApplicationError(LabError):
    """Accepted by the transport, refused by the call itself (an ErrorCode in the body)."""

    def __init__(self, text: str, error: int) -> None:
        super().__init__(text)
        self.error = error
