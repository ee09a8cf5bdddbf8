"""The names of MS-OXCMAPIHTTP: endpoints, request types, response codes and what they mean per kind.

Numbers of X-ResponseCode differ between the specification and grommunio (reference section 3), so no
code outside this file compares a number: it asks for the :class:`Meaning`.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from mapiproxy.backends.kind import Kind


class Endpoint(StrEnum):
    """Where a call goes (MS-OXCMAPIHTTP 1.3.3)."""

    EMSMDB = "emsmdb"
    NSPI = "nspi"


_SPELLINGS = (
    "Connect Execute Disconnect NotificationWait PING Bind Unbind CompareMIds DNToMId "
    "GetMatches GetPropList GetProps GetSpecialTable GetTemplateInfo ModLinkAtt ModProps "
    "QueryColumns QueryRows ResolveNames ResortRestriction SeekEntries UpdateStat "
    "GetMailboxUrl GetAddressBookUrl"
)
#: Request types by lower-case name, in the specification's spelling (2.2.3.3.1).
REQUEST_TYPES: dict[str, str] = {name.lower(): name for name in _SPELLINGS.split()}

CREATING = frozenset(("Connect", "Bind"))
ENDING = frozenset(("Disconnect", "Unbind"))

#: The cookie that names a session, per kind and in lower case (reference 4.2).
SESSION_COOKIE: dict[Kind, bytes] = {Kind.EXCHANGE: b"mapicontext", Kind.GROMMUNIO: b"sid"}


class Meaning(Enum):
    """What an X-ResponseCode says, whatever number the server's kind gives it."""

    SUCCESS = "Success"
    UNKNOWN_FAILURE = "Unknown Failure"
    INVALID_VERB = "Invalid Verb"
    INVALID_PATH = "Invalid Path"
    INVALID_HEADER = "Invalid Header"
    INVALID_REQUEST_TYPE = "Invalid Request Type"
    INVALID_CONTEXT_COOKIE = "Invalid Context Cookie"
    MISSING_HEADER = "Missing Header"
    ANONYMOUS_NOT_ALLOWED = "Anonymous Not Allowed"
    TOO_LARGE = "Too Large"
    CONTEXT_NOT_FOUND = "Context Not Found"
    NO_PRIVILEGE = "No Privilege"
    INVALID_REQUEST_BODY = "Invalid Request Body"
    MISSING_COOKIE = "Missing Cookie"
    RESERVED = "Reserved"
    INVALID_SEQUENCE = "Invalid Sequence"
    ENDPOINT_DISABLED = "Endpoint Disabled"
    INVALID_RESPONSE = "Invalid Response"
    ENDPOINT_SHUTTING_DOWN = "Endpoint Shutting Down"
    NO_MEMORY = "No Memory"
    UNDEFINED = "Undefined"


_SPECIFIED = tuple(Meaning)[:19]
_GROMMUNIO = (
    Meaning.SUCCESS,
    Meaning.INVALID_VERB,
    Meaning.INVALID_CONTEXT_COOKIE,
    Meaning.MISSING_HEADER,
    Meaning.NO_PRIVILEGE,
    Meaning.INVALID_REQUEST_BODY,
    Meaning.MISSING_COOKIE,
    Meaning.INVALID_SEQUENCE,
    Meaning.INVALID_REQUEST_TYPE,
    Meaning.NO_MEMORY,
)
_CODES = {Kind.EXCHANGE: _SPECIFIED, Kind.GROMMUNIO: _GROMMUNIO}

#: After these the session whose cookies came along is not to be had on that backend (reference M6).
_GONE = {
    Kind.EXCHANGE: frozenset(
        (Meaning.CONTEXT_NOT_FOUND, Meaning.INVALID_CONTEXT_COOKIE, Meaning.INVALID_SEQUENCE)
    ),
    # On grommunio a wrong sequence leaves the session alive (reference 4.3).
    Kind.GROMMUNIO: frozenset((Meaning.INVALID_CONTEXT_COOKIE,)),
}


def meaning_of(code: int, kind: Kind) -> Meaning:
    """What *code* means on a server of *kind* (MS-OXCMAPIHTTP 2.2.3.3.3; gromox numbers its own)."""
    codes = _CODES[kind]
    return codes[code] if 0 <= code < len(codes) else Meaning.UNDEFINED


def ends_session(code: int, kind: Kind) -> bool:
    """Whether this code tells that the session of the request is gone."""
    return meaning_of(code, kind) in _GONE[kind]
