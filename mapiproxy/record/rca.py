"""Exchanges told as a back end tells them: ``MAPI Client Access`` and ``MAPI AddressBook Service``.

The 23 columns of the RPC Client Access family (reference exchange-httpproxy 2.1), quoted CSV. What Exchange
logs by default is logged: Connect, Disconnect and failures (its LoggingTag names ConnectDisconnect and
Failures; the others are about what is inside of bodies, which are not read here). Of the address book's log
no sample is public; it is taken to be of the same family (2.2). Columns that only the back end knows are
empty: client-name, organization-info, client-mode, client-connection-info, application-id, rpc-status,
performance-data, activity-context-data.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address

from mapiproxy.mapi.vocabulary import CREATING, ENDING, REQUEST_TYPES
from mapiproxy.record.cleaning import clean, clean_item
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.ledger import Ledger
from mapiproxy.record.outcome import error_code
from mapiproxy.record.phases import moments_of
from mapiproxy.record.stamps import stamp

FIELDS: tuple[str, ...] = (
    "date-time", "session-id", "seq-number", "client-name", "organization-info", "client-software",
    "client-software-version", "client-mode", "client-ip", "client-connection-info", "server-ip",
    "protocol", "application-id", "request-ids", "session-cookie", "operation", "rpc-status",
    "processing-time", "operation-specific", "failures", "performance-data",
    "activity-context-data", "user-email",
)  # fmt: skip

#: Sessions whose lines are numbered; beyond, the numbers of the oldest begin anew.
NUMBERED = 100_000


class BackEndLog:
    """One of the two logs.

    :ivar folder: below the log's directory, as Exchange calls it.
    :ivar prefix: of file names.
    """

    def __init__(self, identity: LogIdentity, folder: str, prefix: str, path: str) -> None:
        """:param path: in lower case, of the endpoint whose requests it is about."""
        self.folder = folder
        self.prefix = prefix
        self._identity = identity
        self._path = path
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def header(self, first_ms: int) -> bytes:
        """What a file begins with: the five lines of the message tracking family."""
        lines = (
            "#Software: Microsoft Exchange Server",
            f"#Version: {self._identity.header_version}",
            f"#Log-type: {self.folder} Logs",
            f"#Date: {stamp(first_ms)}",
            f"#Fields: {','.join(FIELDS)}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def line(self, ledger: Ledger, ended_ms: int) -> bytes | None:
        """One record, ending in CRLF; ``None`` for an exchange that this log is silent about."""
        operation = ledger.request_type or ""
        if (
            ledger.ending is Ending.DONE
            and operation in _QUIET
            and ledger.backend_status == 200
            and not ledger.response_code
            and not ledger.late_response_code
        ):
            # Nearly all: an Execute that went well.
            return None
        if ledger.protocol != "Mapi" or ledger.routed_at is None or ledger.backend_status == 401:
            # A back end hears of nobody whom its front end has not let in.
            return None
        if not _is_below(ledger.path.lower(), self._path):
            return None
        operation = REQUEST_TYPES.get(operation.lower(), operation)
        failure = _failure(ledger, operation)
        if not failure and operation not in CREATING and operation not in ENDING:
            return None
        return self._tell(ledger, ended_ms, operation, failure)

    def _tell(self, ledger: Ledger, ended_ms: int, operation: str, failure: str) -> bytes:
        session = ledger.session or ""
        software, _, version = (ledger.client_application or "").partition("/")
        user = clean_item(ledger.user)
        values = dict.fromkeys(FIELDS, "")
        values |= {
            "date-time": stamp(ended_ms),
            "session-id": _number(session),
            "seq-number": self._count(session, operation),
            "client-software": "OUTLOOK.EXE" if software.lower() == "outlook" else clean(software),
            "client-software-version": clean(version),
            "client-ip": clean(ledger.client_ip),
            "server-ip": _address(ledger.backend_host),
            "protocol": "MapiHttp",
            "request-ids": (
                f"R:{_part(ledger.mapi_request_id)}|A:{_part(ledger.request_id)}|FE:{self._identity.server_name}"
            ),
            "session-cookie": f"C:{clean_item(session)}" if session else "",
            "operation": clean(operation),
            "processing-time": _duration(ledger),
            "operation-specific": _quoted(
                ("MailboxId", clean_item(ledger.mailbox)),
                ("User", user),
                ("Backend", clean_item(ledger.backend)),
            ),
            "failures": clean(failure),
            "user-email": user if "@" in user else "",
        }
        return (",".join(values.values()) + "\r\n").encode("utf-8", "replace")

    def _count(self, session: str, operation: str) -> str:
        """seq-number: from 0 within a session."""
        if not session:
            return "0"
        numbers = self._numbers
        number = numbers.pop(session, -1) + 1
        if operation not in ENDING:
            if len(numbers) >= NUMBERED:
                numbers.popitem(last=False)
            numbers[session] = number
        return str(number)


_QUIET = frozenset(REQUEST_TYPES.values()) - CREATING - ENDING


def make_client_access(identity: LogIdentity) -> BackEndLog:
    """``MAPI Client Access``: what /mapi/emsmdb did."""
    return BackEndLog(identity, "MAPI Client Access", "RCA_", "/mapi/emsmdb")


def make_address_book(identity: LogIdentity) -> BackEndLog:
    """``MAPI AddressBook Service``: what /mapi/nspi did."""
    return BackEndLog(identity, "MAPI AddressBook Service", "MAPIAB_", "/mapi/nspi")


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def _failure(ledger: Ledger, operation: str) -> str:
    """The failures column: what a front end sees go wrong."""
    ending, status = ledger.ending, ledger.backend_status
    if ending is Ending.CLIENT_DISCONNECT and operation == "NotificationWait":
        return ""  # how most of them end
    said = []
    if ending is not Ending.DONE:
        said.append(error_code(ledger, moments_of(ledger)[0]))
    if status is not None and status != 200:
        said.append(f"HTTP {status}")
    late = ledger.late_response_code
    code = late if late is not None else ledger.response_code
    if code:
        said.append(f"X-ResponseCode {code}")
    return "; ".join(said)


def _part(text: str | None) -> str:
    """A part of request-ids, where ``|`` parts them."""
    return clean_item(text).replace("|", " ")


def _quoted(*pairs: tuple[str, str]) -> str:
    """``"A=b, C=d"``: quoted for the comma, which no value has itself."""
    text = ", ".join(f"{key}={value}" for key, value in pairs if value)
    return f'"{text}"' if "," in text else text


def _number(session: str) -> str:
    """session-id: a number that all lines of a session share, made of its digest."""
    try:
        return str(int(session[:8], 16))
    except ValueError:
        return ""


def _address(host: str | None) -> str:
    try:
        return str(ip_address(host)) if host else ""
    except ValueError:
        return ""


def _duration(ledger: Ledger) -> str:
    """processing-time, ``hh:mm:ss.fffffff``: what the back end says itself, else how long it was silent."""
    *_, asked, answered, _ = moments_of(ledger)
    if ledger.elapsed_ms is not None:
        microseconds = ledger.elapsed_ms * 1000
    elif asked is not None and answered is not None:
        microseconds = answered - asked
    else:
        return ""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest * 10:07d}"
