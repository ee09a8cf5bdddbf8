"""How did it go for the client? One word for each row, which says whose doing it was.

HttpStatus differs from BackEndStatus where the proxy decided (reference exchange-httpproxy 1.5). A 401
without a user is how every handshake begins, and no error by itself.
"""

from __future__ import annotations

from enum import StrEnum

from mapiproxy.evidence.layout import LOOKED_AT
from mapiproxy.evidence.row import Row


class Fate(StrEnum):
    """In the order in which a row is looked at."""

    FINE = "fine"
    #: A 401: asked for credentials, or refused them; a single row cannot tell.
    CHALLENGE = "challenge"
    #: The client's connection was gone before the answer was complete.
    CLIENT_LOST = "client lost"
    #: The backend's connection was lost, or what came was no HTTP.
    BACKEND_LOST = "backend lost"
    #: The backend was silent for too long.
    BACKEND_SILENT = "backend silent"
    #: The client stopped in the middle of its request.
    CLIENT_SILENT = "client silent"
    #: No backend could be reached, or none was fit.
    NO_BACKEND = "no backend"
    #: The proxy refused it: firewall, quota, rules of HTTP.
    REFUSED = "refused"
    #: The proxy was stopped.
    SHUTDOWN = "shutdown"
    #: A stream broke, and the row (Exchange's) does not say which side.
    BROKEN = "broken"
    #: The backend answered with a status of 500 or more.
    BACKEND_ERROR = "backend error"
    #: The backend answered with 403, 404 and the like.
    BACKEND_DENIED = "backend denied"
    #: A 200 with an X-ResponseCode that is not 0.
    CODE = "response code"


_BY_ENDING = {
    "ClientDisconnect": Fate.CLIENT_LOST,
    "BackendLost": Fate.BACKEND_LOST,
    "ConnectFailed": Fate.NO_BACKEND,
    "Shutdown": Fate.SHUTDOWN,
    "Broken": Fate.BROKEN,
}
_STATUS, _BACKEND_STATUS, _ERROR_CODE, _ERRORS, _INFO = (
    LOOKED_AT.index(name)
    for name in ("HttpStatus", "BackEndStatus", "ErrorCode", "GenericErrors", "GenericInfo")
)
#: In sentences of a 503 of ours that is no lack of backends (policy/usage.py, policy/routing.py).
_RULED = ("too many requests", "by an operator")
#: What nobody needs to look at.
GOOD = frozenset((Fate.FINE, Fate.CHALLENGE))


def fate_of(row: Row) -> Fate:
    """How it went."""
    return Fate.FINE if is_plainly_fine(row) else _look_closer(row)


def is_plainly_fine(row: Row) -> bool:
    """Whether nothing in the row tells of trouble: nearly all rows, found out quickly."""
    values = row.values
    if values[_STATUS] != b"200" or values[_BACKEND_STATUS] != b"200":
        return False
    if values[_ERROR_CODE] or values[_ERRORS]:
        return False
    info = values[_INFO]
    # The last one is the last word: LateResponseCode comes after X-ResponseCode.
    place = info.rfind(b"ResponseCode=")
    if place >= 0 and info[place + 13 : place + 15] != b"0;":
        return False
    return info.endswith(b"Ending=Done;") or b";Ending=" not in info


def _look_closer(row: Row) -> Fate:
    ending = row.ending
    fate = _BY_ENDING.get(ending)
    if fate is not None:
        return fate
    status, theirs = row.status, row.backend_status
    if status == 401:
        return Fate.CHALLENGE
    if ending == "TimedOut":
        return Fate.CLIENT_SILENT if row.error_code == "RequestTimeout" else Fate.BACKEND_SILENT
    if ending == "ProtocolError":
        return Fate.BACKEND_LOST if row.error_code == "BackendProtocolError" else Fate.REFUSED
    code = row.code
    if ending == "Refused":
        if code:
            return Fate.CODE
        ruled = any(words in row.error for words in _RULED)
        return Fate.NO_BACKEND if status == 503 and not ruled else Fate.REFUSED
    if status is not None and status >= 400:
        if theirs is None:
            return Fate.NO_BACKEND if status in (502, 503, 504) else Fate.REFUSED
        if theirs < 400 or status != theirs:
            return Fate.REFUSED
        return Fate.BACKEND_ERROR if theirs >= 500 else Fate.BACKEND_DENIED
    if code:
        return Fate.CODE
    return Fate.FINE
