"""What does one row say? Its values by name, in our words, whoever wrote it.

Values are decoded when they are asked for, because most rows are only counted. Exchange's own rows say
less than ours (no Ending, no X-ResponseCode): what can be told from other columns is.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote

from mapiproxy.evidence.layout import LOOKED_AT, Values

_PLACE = {name: place for place, name in enumerate(LOOKED_AT)}
(
    _REQUEST_ID, _CLIENT_REQUEST_ID, _PROTOCOL, _STEM, _USER, _ORGANIZATION, _ANCHOR, _AGENT, _CLIENT,
    _STATUS, _BACKEND_STATUS, _ERROR_CODE, _METHOD, _TARGET, _REQUEST_BYTES, _RESPONSE_BYTES, _TOTAL, _QUERY,
    _INFO, _ERRORS,
) = (
    _PLACE[name]
    for name in (
        "RequestId", "ClientRequestId", "Protocol", "UrlStem", "AuthenticatedUser", "Organization",
        "AnchorMailbox", "UserAgent", "ClientIpAddress", "HttpStatus", "BackEndStatus", "ErrorCode", "Method",
        "TargetServer", "RequestBytes", "ResponseBytes", "TotalRequestTime", "UrlQuery", "GenericInfo",
        "GenericErrors",
    )
)  # fmt: skip
#: ProxyState-Complete of Exchange, as the phase that we would call it (record/httpproxy.py).
_PHASES = {
    b"PrepareServerRequest": "Head",
    b"ProxyRequestData": "Request",
    b"WaitForServerResponse": "Wait",
    b"ProxyResponseData": "Answer",
}
_LONG_SYNC_MS = 60_000
_CHANNELS = (b"RPC_IN_DATA", b"RPC_OUT_DATA")


class Row:
    """One row.

    :ivar at: when the request ended, milliseconds since 1970.
    :ivar values: those of ``LOOKED_AT``, as they stand in the file.
    """

    __slots__ = ("at", "values")

    def __init__(self, at: int, values: Values) -> None:
        self.at = at
        self.values = values

    @property
    def request_id(self) -> str:
        return decode(self.values[_REQUEST_ID])

    @property
    def protocol(self) -> str:
        """The folder that it is from: ``Mapi``, ``RpcHttp``; empty if the file does not say."""
        return decode(self.values[_PROTOCOL])

    @property
    def user(self) -> str:
        return decode(self.values[_USER])

    @property
    def organization(self) -> str:
        return decode(self.values[_ORGANIZATION])

    @property
    def client(self) -> str:
        """The client's address alone: of a forwarded list the first, without a port or a zone."""
        return address_of(self.values[_CLIENT])

    @property
    def mailbox(self) -> str:
        """Lower-case GUID or address, of AnchorMailbox or else of the URL; empty if neither tells."""
        return mailbox_of(self.values[_ANCHOR], self.values[_QUERY])

    @property
    def address(self) -> str:
        """What the URL names as mailbox, in lower case: often ``guid@domain``."""
        return mailbox_of(b"", self.values[_QUERY])

    @property
    def claimed(self) -> str:
        """Who an ActiveSync device says it is (``User=``), which a 401 has as well; else empty."""
        query = self.values[_QUERY]
        if self.values[_PROTOCOL] != b"Eas" or b"User=" not in query:
            return ""
        return unquote(decode(query.partition(b"User=")[2].partition(b"&")[0][:320]))

    @property
    def backend(self) -> str:
        """Its name in our settings, or TargetServer; empty if none was chosen."""
        return decode(self.info(b"Backend") or self.values[_TARGET])

    @property
    def agent(self) -> str:
        return decode(self.info(b"ClientApplication") or self.values[_AGENT])

    @property
    def sort(self) -> str:
        """The request type; of other protocols what comes closest to one."""
        values = self.values
        protocol = values[_PROTOCOL]
        if protocol == b"Mapi":
            kind = values[_CLIENT_REQUEST_ID].partition(b"RT:")[2].partition(b";")[0]
            if kind:
                return decode(kind)
        return _sort(protocol, values[_METHOD], _command(values[_QUERY]), values[_STEM][:256])

    @property
    def is_wait(self) -> bool:
        """Whether it takes long by its nature: a NotificationWait, a channel of Outlook Anywhere, a Ping.

        So may a Sync, whose body says how long; one that took a minute did. OWA's is its pending request.
        """
        values = self.values
        protocol = values[_PROTOCOL]
        if protocol == b"Mapi":
            return b"rt:notificationwait;" in values[_CLIENT_REQUEST_ID].lower()
        if protocol == b"Eas":
            command = _command(values[_QUERY]).lower()
            return command == b"ping" or (command == b"sync" and self.total >= _LONG_SYNC_MS)
        if protocol == b"Owa":
            return b"/ev.owa" in values[_STEM].lower()
        return values[_METHOD] in _CHANNELS

    @property
    def status(self) -> int | None:
        return number(self.values[_STATUS])

    @property
    def backend_status(self) -> int | None:
        return number(self.values[_BACKEND_STATUS])

    @property
    def error_code(self) -> str:
        return decode(self.values[_ERROR_CODE])

    @property
    def code(self) -> int | None:
        """X-ResponseCode: that after DONE if there was one, because it is the last word."""
        late = self.info(b"LateResponseCode")
        return number(late if late is not None else self.info(b"X-ResponseCode") or b"")

    @property
    def total(self) -> int:
        """TotalRequestTime in ms; 0 if the row does not say."""
        return number(self.values[_TOTAL]) or 0

    @property
    def request_bytes(self) -> int:
        return number(self.values[_REQUEST_BYTES]) or 0

    @property
    def response_bytes(self) -> int:
        return number(self.values[_RESPONSE_BYTES]) or 0

    @property
    def ours(self) -> bool:
        """Whether mapiproxy wrote it: then an absent key says that there was nothing to say."""
        return b"Ending=" in self.values[_INFO]

    @property
    def ending(self) -> str:
        """``Ending=`` of ours; of Exchange's what ErrorCode and GenericErrors let us believe."""
        own = self.info(b"Ending")
        if own is not None:
            return decode(own)
        if self.values[_ERROR_CODE] == b"ClientDisconnect":
            return "ClientDisconnect"
        if b"PossibleException=IOException" in self.values[_ERRORS]:
            return "Broken"
        return "Done"

    @property
    def phase(self) -> str:
        """Where it ended, if it did not end well; empty if that is not known."""
        own = self.info(b"Phase")
        if own is not None:
            return decode(own)
        if self.ending == "Done":
            return ""
        return _PHASES.get(self.info(b"ProxyState-Complete") or b"", "")

    @property
    def error(self) -> str:
        """Our own sentence in GenericErrors."""
        return decode(_item(self.values[_ERRORS], b"Error") or b"")

    @property
    def client_instance(self) -> str:
        """The GUID of X-ClientInfo, which all requests of one Outlook share."""
        text = self.values[_CLIENT_REQUEST_ID].partition(b";CI:")[2].partition(b";")[0]
        return decode(text.rpartition(b":")[0] or text)

    @property
    def endpoint(self) -> str:
        """``emsmdb`` or ``nspi``, else empty."""
        stem = self.values[_STEM].lower()
        return "emsmdb" if b"/emsmdb" in stem else "nspi" if b"/nspi" in stem else ""

    @property
    def lost_headers(self) -> bool:
        """A MAPI call without any of the headers that make it one: somebody took them (complaint 39)."""
        values = self.values
        if values[_PROTOCOL] != b"Mapi" or values[_METHOD] != b"POST" or not self.endpoint:
            return False
        return values[_CLIENT_REQUEST_ID].startswith(b"R:;RT:;")

    def value(self, name: str) -> bytes:
        """The value of one of the columns that are looked at, as it stands in the file."""
        return self.values[_PLACE[name]]

    def info(self, key: bytes) -> bytes | None:
        """A value of GenericInfo."""
        return _item(self.values[_INFO], key)


def _item(text: bytes, key: bytes) -> bytes | None:
    """A value of ``key=value;`` pairs."""
    start = text.find(b";" + key + b"=")
    if start >= 0:
        start += 1
    elif text.startswith(key + b"="):
        start = 0
    else:
        return None
    end = text.find(b";", start)
    return text[start + len(key) + 1 : end if end >= 0 else len(text)]


@lru_cache(maxsize=4096)
def decode(value: bytes) -> str:
    """UTF-8, or else Windows-1252: old scripts have written such files."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


@lru_cache(maxsize=4096)
def folded(value: bytes) -> str:
    """Decoded, and in lower case: how names are compared."""
    return decode(value).lower()


def number(value: bytes) -> int | None:
    """A number as Exchange 2016 or 2013 writes it (``16272.3359``); ``None`` if it is none."""
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return round(float(value))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def address_of(value: bytes) -> str:
    """``52.96.16.37:49660``, ``[2001:db8::1]:443``, ``fe80::1%3``, ``10.0.0.1  10.0.0.2``: the first."""
    first = (decode(value).split() or [""])[0]
    bare = first.partition("]")[0].removeprefix("[") if first.startswith("[") else first
    for text in (bare.partition("%")[0], bare.rpartition(":")[0].partition("%")[0]):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return first


@lru_cache(maxsize=4096)
def mailbox_of(anchor: bytes, query: bytes) -> str:
    kind, _, value = decode(anchor).partition("~")
    if kind.lower() in ("mailboxguid", "smtp") and value:
        return value.lower()
    text = decode(query).lower().replace("%40", "@")
    found = text.partition("mailboxid=")[2].partition("&")[0]
    if found:
        return found
    # Outlook Anywhere: ?guid@domain:6001
    return text.removeprefix("?").rpartition(":")[0] if text.endswith((":6001", ":6002", ":6004")) else ""


def _command(query: bytes) -> bytes:
    """``Cmd=`` of ActiveSync."""
    return query.partition(b"Cmd=")[2].partition(b"&")[0][:32] if b"Cmd=" in query else b""


@lru_cache(maxsize=1024)
def _sort(protocol: bytes, method: bytes, command: bytes, stem: bytes) -> str:
    if stem.lower().endswith(b"/healthcheck.htm"):
        return "healthcheck"
    if method in _CHANNELS:
        return decode(method)
    return f"{decode(protocol)} {decode(command or method)}".strip() or "?"
