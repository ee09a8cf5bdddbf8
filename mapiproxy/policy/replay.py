"""May a request be sent again after its backend connection was lost? One table, nothing else.

It is the table of the reference, section 6.3. Its law (M12, N1): what a backend has in full may have run,
and is sent again only where running twice is no harm at all, which is PING. Whatever was not complete
cannot have run.
"""

from __future__ import annotations

from enum import Enum, IntEnum

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import CREATING


class Sent(IntEnum):
    """How much of the request has been given to a backend's connection."""

    NOTHING = 0
    PART = 1
    ALL = 2


class Received(IntEnum):
    """How much of the answer has come."""

    NOTHING = 0
    SOME = 1  # and none of it has been passed on
    PASSED_ON = 2


class Verdict(Enum):
    """What may be done."""

    ANYWHERE = "send it again, to any backend that is eligible"
    SAME_BACKEND = "send it again, to the backend that has the session"
    BREAK = "let the client see a broken connection: nobody knows whether it ran"


def may_send_again(request_type: str | None, sent: Sent, received: Received, kind: Kind) -> Verdict:
    """What follows when the backend's connection is lost at this point.

    :param request_type: in the specification's spelling; ``None`` for what is no MAPI call.
    :return: for ANYWHERE and SAME_BACKEND the request has not run (or is a PING), so that a 503 is
        honest as well when nobody is left to send it to (reference 6.3).
    """
    if received is Received.PASSED_ON:
        return Verdict.BREAK
    if request_type == "PING":
        return _home(kind)
    if sent is Sent.ALL or received is not Received.NOTHING:
        return Verdict.BREAK
    if request_type in CREATING or request_type is None:
        return Verdict.ANYWHERE
    return _home(kind)


def _home(kind: Kind) -> Verdict:
    """Any front end of an Exchange organisation serves any session; grommunio's cannot move (N9)."""
    return Verdict.ANYWHERE if kind is Kind.EXCHANGE else Verdict.SAME_BACKEND
