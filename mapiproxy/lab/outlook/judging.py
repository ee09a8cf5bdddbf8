"""What does an answer mean for the client, and is it its own answer? Decisions only, no state.

The reactions are those of MS-OXCMAPIHTTP 3.1.5.6 and protocol reference 3: what a code allows next.
"""

from __future__ import annotations

from enum import Enum

from attrs import define, field

from mapiproxy.lab import bodies
from mapiproxy.lab.codes import ExchangeCode, GrommunioCode, gone_codes
from mapiproxy.lab.users import LabUser
from mapiproxy.wire.heads import ResponseHead


class Meaning(Enum):
    """What follows from an answer."""

    FINE = "accepted by every layer"
    GONE = "the context is gone: connect anew, ask again; nothing was executed"
    LOGIN = "authenticate again; nothing was executed"
    LATER = "ask again later, in the same context; nothing was executed"
    UNKNOWN = "whether it was executed cannot be told: connect anew, do not repeat"
    REFUSED = "an answer that repeating does not change"


@define(slots=True)
class Answered:
    """One whole answer. Times are seconds on the reactor's clock.

    :ivar code: the last X-ResponseCode (R2229); ``None``: there was none.
    :ivar error: ErrorCode or StatusCode of the body, 0 for success.
    """

    call: str
    request_id: str
    sent_at: float
    ended_at: float
    head: ResponseHead = field(repr=False)
    code: int | None
    error: int = 0
    event_pending: bool = False
    binary: bytes = field(default=b"", repr=False)

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def refused(self) -> bool:
        """Whether the body says no. NSPI's Unbind says 1 for success (MS-OXNSPI 2.2.1.2)."""
        return self.error != 0 and not (self.call == "Unbind" and self.error == 1)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server wants to be left alone."""
        value = self.head.get(b"retry-after") or b""
        return float(value) if value.isdigit() else None


#: Statuses of which a proxy or server says that it did nothing.
_NOTHING_DONE = (408, 421, 429, 503)
_OUT_OF_SEQUENCE = {"exchange": ExchangeCode.INVALID_SEQUENCE, "grommunio": GrommunioCode.INVALID_SEQUENCE}
_LATER = {"exchange": ExchangeCode.ENDPOINT_SHUTTING_DOWN, "grommunio": GrommunioCode.NO_MEMORY}


def meaning_of(answer: Answered, kind: str) -> Meaning:
    """Rules by status, then by code, then by the body."""
    if answer.status == 401:
        return Meaning.LOGIN
    if answer.status in _NOTHING_DONE:
        return Meaning.LATER
    if answer.status >= 500 or (answer.status == 200 and answer.code is None):
        return Meaning.UNKNOWN
    if answer.status != 200:
        return Meaning.REFUSED
    if answer.code in gone_codes(kind):
        return Meaning.GONE
    if answer.code == _LATER[kind]:
        return Meaning.LATER
    return Meaning.REFUSED if answer.code != 0 or answer.refused else Meaning.FINE


def is_out_of_sequence(answer: Answered, kind: str) -> bool:
    """Whether somebody has sent what this client did not, or in another order."""
    return answer.status == 200 and answer.code == _OUT_OF_SEQUENCE[kind]


def is_rejected(answer: Answered) -> bool:
    """Whether another wait is in the way (grommunio, after a wait that was cut)."""
    return answer.error == bodies.EC_REJECTED


def what_is_wrong(answer: Answered, user: LabUser, *, lab: bool) -> str:
    """Why the answer is not this request's or this user's, as far as it tells; empty if it is."""
    head = answer.head
    echoed = head.get(b"x-requestid")
    fine = answer.status == 200 and answer.code == 0
    # Refusals need not say what they belong to; if they do, it has to be right.
    if echoed is None:
        if fine:
            return "the answer does not say which request it belongs to"
    elif echoed.decode("latin-1") != answer.request_id:
        return "the answer belongs to another request"
    named = head.get(b"x-requesttype")
    if named is not None and named.decode("latin-1").lower() != answer.call.lower():
        return f"the answer is to a {named.decode('latin-1', 'replace')[:20]}"
    seen = head.get(b"x-lab-user")
    if seen is not None and seen.decode("latin-1").lower() != user.login.lower():
        return "the server took the user for somebody else"
    connected = lab and fine and answer.call == "Connect" and not answer.error
    if connected and user.display_name.encode("utf-16-le") not in answer.binary:
        return "the context is another user's"
    return ""
