"""Under which names is an exchange counted? Labels that are bounded, whatever clients and servers say.

Request types and methods are those that are known, codes and statuses are numbers of a range, the rest
comes from the configuration. No user, mailbox, address or session is ever a label.
"""

from __future__ import annotations

from typing import NamedTuple

from mapiproxy.backends.vdir import SHAPES
from mapiproxy.mapi.vocabulary import REQUEST_TYPES
from mapiproxy.record.ledger import Ledger

#: What is not known by its name.
OTHER = "other"
#: Codes that exist are below 20 on any kind of server.
_CODES = 100

METHODS = frozenset((
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "RPC_IN_DATA",
    "RPC_OUT_DATA",
))  # fmt: skip
_VDIRS = {shape.protocol: shape.name for shape in SHAPES.values()}
_MAPI = "mapi"
_PING = "microsoft-server-activesync"
_CHANNELS = frozenset(("RPC_IN_DATA", "RPC_OUT_DATA"))
_BASE64 = {c: n for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
#: The command code of Ping in a query that is base64 (MS-ASHTTP 2.2.1.1.1.1.2).
_PING_CODE = 18

#: Requests that take long by design, and are kept apart from the others.
WAITS = ("notification", "channel", "ping")


class Labels(NamedTuple):
    """What tells one count of requests from another; an empty text where there is nothing to say.

    :ivar vdir: empty for what belongs to none: nothing is published there, or it could not be read.
    :ivar code: X-ResponseCode, the one after DONE if that is not 0.
    """

    vdir: str
    pool: str
    backend: str
    request_type: str
    method: str
    status: str
    code: str


def labels_of(ledger: Ledger) -> Labels:
    """The labels of an exchange."""
    backend = ledger.backend or ""
    vdir = _VDIRS.get(ledger.protocol, OTHER)
    if not backend and (not ledger.method or ledger.status == 404):
        vdir = ""
    code = ledger.late_response_code or ledger.response_code
    return Labels(
        vdir,
        ledger.pool or "",
        backend,
        # Elsewhere it means nothing, and would let anybody make sixteen times as many.
        _known(ledger.request_type) if vdir == _MAPI else "",
        ledger.method if ledger.method in METHODS or not ledger.method else OTHER,
        _number(ledger.status, 100, 600),
        _number(code, 0, _CODES),
    )


def is_plain(ledger: Ledger) -> bool:
    """Whether what the client sent are known names in their usual spelling, of which there are few."""
    kind = ledger.request_type
    return (kind is None or kind == _known(kind)) and (ledger.method in METHODS or not ledger.method)


def folded(labels: Labels) -> Labels:
    """The labels that are left when there are too many of the others."""
    return labels._replace(request_type=OTHER, method=OTHER, status=OTHER, code=OTHER)


def wait_of(labels: Labels) -> str | None:
    """Which of :data:`WAITS` all requests with these labels are; ``None``: none, or not all."""
    if labels.request_type == "NotificationWait":
        return "notification"
    if labels.vdir == "rpc" and labels.method in _CHANNELS:
        return "channel"
    return None


def may_ping(labels: Labels) -> bool:
    """Whether the query has to tell what a request is."""
    return labels.vdir == _PING and labels.method == "POST"


def is_ping(query: str) -> bool:
    """Whether a query of ActiveSync is that of a Ping, in either of its two forms."""
    lowered = query[:1024].lower()
    if "cmd=" in lowered:
        return "cmd=ping&" in f"{lowered}&"
    # Three bytes are four characters: the version, the command, and half of the locale.
    first, second, third = (_BASE64.get(each, -1) for each in (query + "????")[1:4])
    return min(first, second, third) >= 0 and ((second & 15) << 4 | third >> 2) == _PING_CODE


def _known(request_type: str | None) -> str:
    return "" if request_type is None else REQUEST_TYPES.get(request_type.lower(), OTHER)


def _number(value: int | None, low: int, below: int) -> str:
    if value is None:
        return ""
    return str(value) if low <= value < below else OTHER
