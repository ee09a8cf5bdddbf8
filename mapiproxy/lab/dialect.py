"""What the two kinds of server have to say for themselves: one interface, two files.

A dialect owns everything in which Exchange and grommunio differ: which requests are let in, how
contexts and cookies roll, the numbers of the response codes, and the bytes of heads and frames. It
does not know what the calls do; that is backend.py.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Protocol

from attrs import define, field

from mapiproxy.lab.codes import Code
from mapiproxy.lab.contexts import Context, Contexts
from mapiproxy.lab.cookies import Entropy
from mapiproxy.lab.requests import LabRequest
from mapiproxy.lab.users import Challenged, LabUser

EMSMDB_CALLS = ("Connect", "Execute", "Disconnect", "NotificationWait", "PING")
NSPI_CALLS = (
    "Bind",
    "Unbind",
    "CompareMIds",
    "DNToMId",
    "GetMatches",
    "GetPropList",
    "GetProps",
    "GetSpecialTable",
    "GetTemplateInfo",
    "ModLinkAtt",
    "ModProps",
    "QueryColumns",
    "QueryRows",
    "ResolveNames",
    "ResortRestriction",
    "SeekEntries",
    "UpdateStat",
    "GetMailboxUrl",
    "GetAddressBookUrl",
    "PING",
)
CREATING = ("Connect", "Bind")


@define
class LabOptions:
    """How one lab server behaves; may be changed while it runs. Times are in seconds.

    :ivar execute_delay: how long an Execute takes.
    :ivar answer_size: bytes of an Execute's answer; set, the ROPs are not read at all and the
        answer is the same filler each time (benchmarks). Unset, the ROPs of the lab are answered.
    :ivar pending_period: X-PendingPeriod, and how often PENDING comes.
    :ivar wait_length: how long a NotificationWait lasts without an event.
    :ivar expiry: idle life of a context.
    :ivar wrong_password_delay: how long grommunio thinks before it refuses a wrong password.
    :ivar idle_limit: closes an idle connection; grommunio sends an unasked 408 first.
    :ivar body_limit: larger requests are refused (grommunio 400, Exchange 413).
    :ivar chunk_executes: Exchange: a quick Execute is chunked as well (else Content-Length).
    :ivar reveal: headers ``X-Lab-User`` and ``X-Lab-Connection`` in each answer to somebody logged on.
    :ivar mark: grommunio: a header ``X-Lab-Backend`` that the real one does not send.
    """

    execute_delay: float = 0.0
    answer_size: int | None = None
    pending_period: float = 30.0
    wait_length: float = 300.0
    expiry: float = 900.0
    wrong_password_delay: float = 1.0
    idle_limit: float | None = None
    body_limit: int = 50_000_000
    chunk_executes: bool = True
    mark: bool = False
    reveal: bool = False


@define
class Answer:
    """Bytes to send as they are; *close* the connection afterwards; not before *delay* seconds."""

    raw: bytes = field(repr=False)
    close: bool = False
    delay: float = 0.0


@define
class Call:
    """One MAPI request, let in by HTTP and logged on.

    :ivar name: the request type as the specification spells it; ``None`` when it is not known.
    :ivar close_delimited: the answer's body is to end with its connection.
    :ivar counted: the call is among its context's running ones.
    :ivar late: an X-ResponseCode to put after DONE (a failure after acceptance, R2229).
    """

    request: LabRequest
    endpoint: str
    name: str | None
    user: LabUser
    cookies: dict[bytes, bytes] = field(repr=False)
    started: float
    close_delimited: bool = False
    counted: bool = False
    late: int | None = None

    def echo(self, header: bytes, spelling: bytes) -> bytes:
        """The request's header as a line of the answer; nothing when it was not sent."""
        value = self.request.headers.get(header)
        return b"" if value is None else b"%b: %b\r\n" % (spelling, value)


class Dialect(Protocol):
    """One kind of server."""

    kind: str
    #: Whether a slow Execute shows signs of life before it is done.
    early: bool

    def __init__(
        self, name: str, options: LabOptions, contexts: Contexts, entropy: Entropy
    ) -> None: ...

    def door(self, request: LabRequest) -> Answer | str:
        """What HTTP says before anybody is logged on: an answer, or the endpoint's name."""

    def threshold(self, request: LabRequest) -> Answer | None:
        """What HTTP says to somebody who is logged on, if it does not let the call through."""

    def unauthorized(self, request: LabRequest, challenged: Challenged, now: float) -> Answer: ...

    def known_calls(self, endpoint: str) -> dict[str, str]:
        """Lower-case request type to its proper spelling."""

    def admit(self, call: Call, now: float) -> Context | None:
        """Check headers, cookies and order, roll what rolls. :raise Refused: with its code."""

    def create(self, call: Call, previous: Context | None, owner: LabUser, now: float) -> Context:
        """Make the context that a Connect or Bind asks for; it is not yet in the store."""

    def done(self, call: Call, context: Context, now: float) -> None:
        """The call that was admitted is over."""

    def whole(self, call: Call, context: Context | None, binary: bytes, now: float) -> bytes:
        """An answer in one piece."""

    def first(self, call: Call, context: Context | None, now: float) -> bytes:
        """The head and the first sign of life of an answer that takes time."""

    def pulse(self, call: Call) -> tuple[bytes, float]:
        """The bytes of a PENDING, and every how many seconds."""

    def last(self, call: Call, binary: bytes, now: float) -> bytes:
        """The rest of what *first* began."""

    def refusal(self, call: Call, code: Code, now: float) -> Answer: ...

    def body_code(self) -> Code:
        """The code for a body that cannot be read."""

    def connect_error(self, known: bool) -> int:
        """ErrorCode of a Connect to nobody (``known`` false) or to somebody else's mailbox."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def framed(call: Call, *pieces: bytes, last: bool = False) -> bytes:
    """Pieces as chunks, or bare when the connection's end is the body's end."""
    if call.close_delimited:
        return b"".join(pieces)
    return b"".join([chunk(piece) for piece in pieces]) + (LAST_CHUNK if last else b"")


class Dates:
    """HTTP dates, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def at(self, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = formatdate(second, usegmt=True).encode("ascii")
        return self._text


def page(sentence_: str) -> bytes:
    """The HTML of a refusal, laid out as in the recordings."""
    return (
        b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n<html><head>\r\n'
        b"<title>MAPI OVER HTTP ERROR</title>\r\n</head><body>\r\n"
        b"<h1>Diagnostic Information</h1>\r\n<p>%b</p>\r\n</body></html>\r\n"
        % sentence_.encode("ascii")
    )
