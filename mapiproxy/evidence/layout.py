"""Which columns has this file, and where are those that we look at?

Columns are found by name, without regard to case, because Exchange has only ever added some (reference
exchange-httpproxy 1.3). Rows without any header are told by the number of their values, where that is
unambiguous. Knows nothing of what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

from attrs import frozen

from mapiproxy.record.columns import COLUMNS

Values = tuple[bytes, ...]

_BOM = b"\xef\xbb\xbf"
_FIELDS = re.compile(rb"#fields:\s*", re.IGNORECASE)
#: Spellings of the builds before 15.00.0775 (1.3(f)), in lower case.
_RENAMED = {
    "moduletohandlerswitching": "moduletohandlerswitchinglatency",
    "handlertomoduleswitching": "handlertomoduleswitchinglatency",
}
_AFTER_69 = COLUMNS[69:]
_NOT_IN_68 = ("RouteRefresherLatency", *_AFTER_69)
_NOT_IN_64 = (
    "SharedCacheLatencyBreakup",
    "TotalSharedCacheLatency",
    "KerberosAuthHeaderLatency",
    "HandlerCompletionLatency",
    *_NOT_IN_68,
)
#: The lists (a) to (e) of reference 1.3 by their length. Of (f), with 49, not all names are known.
KNOWN: dict[int, tuple[str, ...]] = {
    74: COLUMNS,
    70: COLUMNS[:70],
    69: COLUMNS[:69],
    68: tuple(name for name in COLUMNS if name not in _NOT_IN_68),
    64: tuple(name for name in COLUMNS if name not in _NOT_IN_64),
}

#: What is looked at; a :class:`Layout` hands these out in this order, empty where a file has no such column.
LOOKED_AT: tuple[str, ...] = (
    "DateTime", "RequestId", "ClientRequestId", "Protocol", "UrlStem", "AuthenticationType",
    "AuthenticatedUser", "Organization", "AnchorMailbox", "UserAgent", "ClientIpAddress", "HttpStatus",
    "BackEndStatus", "ErrorCode", "Method", "TargetServer", "BackEndCookie", "RequestBytes", "ResponseBytes",
    "ClientReqStreamLatency", "BackendReqInitLatency", "BackendReqStreamLatency", "BackendProcessingLatency",
    "BackendRespInitLatency", "BackendRespStreamLatency", "ClientRespStreamLatency", "TotalRequestTime",
    "UrlQuery", "GenericInfo", "GenericErrors",
)  # fmt: skip
#: Without these nothing can be said of a row.
_NEEDED = ("DateTime", "HttpStatus", "TotalRequestTime")


@frozen
class Layout:
    """The columns of a file.

    :ivar width: how many values a row has.
    :ivar pick: the values of :data:`LOOKED_AT` out of those of a row that has ``spare`` behind them.
    :ivar spare: what to put behind a row's values: an empty one if a column is missing.
    :ivar time_first: whether DateTime is the first, so that a line can be dated before it is cut.
    """

    width: int
    pick: Callable[[Sequence[bytes]], Values]
    spare: tuple[bytes, ...]
    time_first: bool


class BadHeader(ValueError):
    """A header that names no columns we could work with; the text says which are missing."""


@lru_cache(maxsize=64)
def layout_of(names: tuple[str, ...]) -> Layout:
    """:raise BadHeader: a column is missing without which nothing can be said."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        lower = name.strip().lower()
        places.setdefault(_RENAMED.get(lower, lower), place)
    missing = [name for name in _NEEDED if name.lower() not in places]
    if missing:
        raise BadHeader(f"the header names no {', '.join(missing)}")
    width = len(names)
    wanted = [places.get(name.lower(), width) for name in LOOKED_AT]
    spare = (b"",) if width in wanted else ()
    return Layout(width, itemgetter(*wanted), spare, places["datetime"] == 0)


def read_header(line: bytes) -> tuple[str, ...] | None:
    """The names in a ``#Fields:`` line or a bare header, ``None`` if it is neither."""
    text = line.removeprefix(_BOM).strip()
    match = _FIELDS.match(text)
    if match is not None:
        text = text[match.end() :]
    elif not text.lower().startswith((b"datetime,", b'"datetime",')):
        return None
    return tuple(name.strip(' "') for name in text.decode("utf-8", "replace").split(","))


def guess(width: int) -> Layout | None:
    """The layout of a row without a header."""
    names = KNOWN.get(width)
    return None if names is None else layout_of(names)
