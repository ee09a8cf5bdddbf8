"""What a head says to Outlook and Exchange: the facts that routing, records and timers are made from.

Everything is read leniently and case-insensitively (reference M24) and nothing is changed. A fact that
cannot be read is absent, never an error: the server behind us is the one to complain. Values of cookies
and of Authorization do not leave this file; a session is known by a digest.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b

from attrs import define

from mapiproxy.backends.kind import Kind
from mapiproxy.mapi.vocabulary import REQUEST_TYPES, SESSION_COOKIE, Endpoint
from mapiproxy.wire.heads import RequestHead, ResponseHead

_ENDPOINT = re.compile(rb"/mapi/(emsmdb|nspi)(?:/|\Z)", re.IGNORECASE)
_MAILBOX = re.compile(rb"(?:\?|&)mailboxid=([^&]*)", re.IGNORECASE)
#: Outlook Anywhere asks for a mailbox where it used to ask for a server (reference 10.2); the value is the
#: same as that of MailboxId, so both protocols of a mailbox find the same backend.
_RPC_MAILBOX = re.compile(rb"/rpc(?:withcert)?/rpcproxy\.dll\?([^:&@]+@[^:&]+):\d+\Z", re.IGNORECASE)


@define
class Target:
    """A request target, taken apart; texts are latin-1 so that nothing is lost."""

    path: str
    query: str
    endpoint: Endpoint | None
    mailbox: str | None


@define
class RequestFacts:
    """What a request head says.

    :ivar request_type: the specification's spelling if it is a known name, else as it came.
    :ivar mailbox: value of MailboxId as sent; compare it lower-cased.
    :ivar session: digest of the session cookie, never the cookie.
    :ivar anchor: X-AnchorMailbox, by which other protocols than MAPI name the mailbox.
    :ivar request_id: X-RequestId as it came: a GUID of the client's session, a colon, a count.
    :ivar route: value of the cookie that the caller asked for by name, if any.
    """

    target: Target
    request_type: str | None
    session: bytes | None
    request_id: bytes | None = None
    route: bytes | None = None
    anchor: str | None = None

    @property
    def mailbox(self) -> str | None:
        """The mailbox that is asked for, as far as the head tells."""
        return self.target.mailbox or self.anchor


@define
class AnswerFacts:
    """What a response head says; durations in seconds.

    :ivar code: X-ResponseCode of the head, not yet the last word (reference M16).
    :ivar session: digest of the session cookie that the answer sets.
    """

    code: int | None
    pending_period: float | None
    expiration: float | None
    session: bytes | None


@lru_cache(maxsize=4096)
def read_target(target: bytes) -> Target:
    """Take a request target apart (origin-form or absolute-form); repeated ones come from a cache."""
    if target[:4].lower() == b"http" and b"://" in target[:8]:
        slash = target.find(b"/", target.find(b"://") + 3)
        target = target[slash:] if slash >= 0 else b"/"
    path, mark, query = target.partition(b"?")
    endpoint = _ENDPOINT.match(path)
    mailbox = _MAILBOX.search(mark + query) or _RPC_MAILBOX.match(target)
    return Target(
        path.decode("latin-1"),
        (mark + query).decode("latin-1"),
        Endpoint(endpoint[1].decode("ascii").lower()) if endpoint else None,
        mailbox[1].decode("latin-1") if mailbox and mailbox[1] else None,
    )


@lru_cache(maxsize=256)
def _spelling(value: bytes) -> str:
    text = value.decode("latin-1")
    return REQUEST_TYPES.get(text.lower(), text)


@lru_cache(maxsize=8192)
def session_digest(endpoint: Endpoint | None, value: bytes) -> bytes:
    """How a session is known outside this file: 16 bytes, the same in every process.

    The endpoint takes part because on grommunio both hand out a cookie of the same name.
    """
    label = endpoint.value.encode("ascii") if endpoint is not None else b""
    return blake2b(label + b"\0" + value, digest_size=16, person=b"mapi-session").digest()


def _cookies(header: bytes, wanted: bytes, other: bytes | None) -> tuple[bytes, bytes | None]:
    """Two cookies of a Cookie header, or of the first pair of a Set-Cookie: the first by its name in
    lower case.

    The last cookie of the name wins, and values keep their ``=`` padding (reference 4.1).
    """
    found = b""
    also = None
    for pair in header.split(b";"):
        name, _, value = pair.partition(b"=")
        name = name.strip()
        if name == other:
            also = value.strip()
        elif name.lower() == wanted:
            found = value.strip()
    return found, also


def read_request(head: RequestHead, kind: Kind, route: bytes | None = None) -> RequestFacts:
    """Read a request for a backend of *kind*; *route* names the cookie for ``facts.route``."""
    target = read_target(head.target)
    first = head.first
    request_type = first.get(b"x-requesttype")
    session = routed = None
    cookie = first.get(b"cookie")
    if cookie is not None:
        if head.keys.count(b"cookie") > 1:
            cookie = b"; ".join(head.all(b"cookie"))
        value, routed = _cookies(cookie, SESSION_COOKIE[kind], route)
        if value:
            session = session_digest(target.endpoint, value)
    anchor = first.get(b"x-anchormailbox")
    return RequestFacts(
        target,
        _spelling(request_type) if request_type is not None else None,
        session,
        first.get(b"x-requestid"),
        routed,
        anchor.decode("latin-1") if anchor and target.endpoint is None else None,
    )


def read_answer(head: ResponseHead, endpoint: Endpoint | None, kind: Kind) -> AnswerFacts:
    """Read an answer from a backend of *kind*."""
    first = head.first
    session = None
    if b"set-cookie" in first:
        wanted = SESSION_COOKIE[kind]
        for value in head.all(b"set-cookie"):
            if value[: len(wanted)].lower() == wanted:
                found, _ = _cookies(value.partition(b";")[0], wanted, None)
                if found:
                    session = session_digest(endpoint, found)
    code = first.get(b"x-responsecode")
    return AnswerFacts(
        read_code(code) if code is not None else None,
        _seconds(first.get(b"x-pendingperiod")),
        _seconds(first.get(b"x-expirationinfo")),
        session,
    )


def read_code(value: bytes) -> int | None:
    """An X-ResponseCode; of a list that some stack joined with commas, the last one counts."""
    if b"," in value:
        value = value.rpartition(b",")[2]
    return _number(value, 4)


def _seconds(value: bytes | None) -> float | None:
    """Milliseconds of a header, as seconds."""
    number = _number(value, 10) if value is not None else None
    return None if number is None else number / 1000


def _number(value: bytes, digits: int) -> int | None:
    value = value.strip()
    return int(value) if value.isdigit() and len(value) <= digits else None
