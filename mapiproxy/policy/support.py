"""Which Outlook and which Exchange speak MAPI over HTTP, and what do the others speak?

The matrix of the exchange reference, section 5.3, as a table: for people (``mapiproxy support``), and to
classify live clients by what they say of themselves.
"""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

from mapiproxy.policy.firewall import client_version

MAPI_HTTP = "MAPI/HTTP"
ANYWHERE = "Outlook Anywhere"
RPC = "RPC"

Version = tuple[int, ...]

_SERVER = re.compile(r"(?:Exchange/)?(\d{1,3})\.(\d{1,3})\.(\d{1,5})(?:\.(\d{1,5}))?\Z")
_OTHERS = (
    (re.compile(r"MSRPC", re.I), "an Outlook Anywhere client", (ANYWHERE,)),
    (re.compile(r"Microsoft Office/|Outlook", re.I), "an Outlook that tells no version", ()),
    (re.compile(r"MacOutlook|ExchangeServicesClient|Thunderbird|EWS", re.I), "a client of EWS", ()),
)


@frozen
class Row:
    """A client or a server of the matrix.

    :ivar floor: the first version, and ``below`` the first that belongs to the next row.
    :ivar speaks: protocols, the best first.
    :ivar needs: what has to be there for the best of them.
    """

    name: str
    floor: Version
    below: Version
    speaks: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def within(self) -> bool:
        """Whether it can speak MAPI over HTTP."""
        return MAPI_HTTP in self.speaks


CLIENTS = (
    Row("Outlook 2013 SP1 or later", (15, 0, 4569, 1506), (1000,), (MAPI_HTTP, ANYWHERE)),
    Row("Outlook 2013 RTM", (15,), (15, 0, 4569, 1506), (ANYWHERE,)),
    Row(
        "Outlook 2010 SP2",
        (14, 0, 7015),
        (15,),
        (MAPI_HTTP, ANYWHERE, RPC),
        ("KB2956191", "KB2965295"),
    ),
    Row("Outlook 2010 before SP2", (14,), (14, 0, 7015), (ANYWHERE, RPC)),
    Row("Outlook 2007 or earlier", (0,), (14,), (ANYWHERE, RPC)),
)
SERVERS = (
    Row("Exchange SE", (15, 2, 2562), (16,), (MAPI_HTTP, ANYWHERE)),
    Row("Exchange 2019", (15, 2), (15, 2, 2562), (MAPI_HTTP, ANYWHERE)),
    Row("Exchange 2016", (15, 1), (15, 2), (MAPI_HTTP, ANYWHERE), (".NET Framework 4.5.2",)),
    Row(
        "Exchange 2013 SP1 or later",
        (15, 0, 847, 32),
        (15, 1),
        (MAPI_HTTP, ANYWHERE),
        (
            ".NET Framework 4.5.2",
            "Set-OrganizationConfig -MapiHttpEnabled $true",
            "on SP1: COMPLUS_DisableRetStructPinning=1 on client access servers",
        ),
    ),
    Row("Exchange 2013 RTM", (15,), (15, 0, 847, 32), (ANYWHERE,)),
    Row("Exchange 2010 SP3", (14, 3), (15,), (ANYWHERE, RPC)),
    Row("Exchange 2010 before SP3", (14,), (14, 3), (ANYWHERE, RPC), ("SP3",)),
    Row("Exchange 2007 SP3", (8, 3), (14,), (ANYWHERE, RPC)),
    Row("Exchange 2007 before SP3, or earlier", (0,), (8, 3), (RPC,), ("SP3",)),
)
#: What every installation needs, whatever its versions.
ALWAYS = (
    "the names of the internal and the external URL are in the certificate, and clients believe it",
    "reverse proxies and load balancers let /mapi through",
)


@frozen
class Class:
    """What a client or a server is.

    :ivar row: its place in the matrix; ``None`` where it has none.
    :ivar advice: one line, empty when all is well.
    """

    name: str
    row: Row | None = None
    speaks: tuple[str, ...] = ()
    advice: str = ""

    @property
    def within(self) -> bool | None:
        """Whether it can speak MAPI over HTTP; ``None``: nobody knows."""
        return None if self.row is None else self.row.within


@lru_cache(maxsize=4096)
def classify_client(application: str | None, user_agent: str | None) -> Class:
    """By X-ClientApplication and User-Agent; never fails, whatever they hold."""
    version = client_version(application, user_agent)
    if version is None:
        for text in (application, user_agent):
            for pattern, name, speaks in _OTHERS:
                if text and pattern.search(text[:512]):
                    return Class(name, speaks=speaks)
        return Class("unknown")
    row = _row(CLIENTS, version)
    return Class(f"{row.name} ({_show(version)})", row, row.speaks, _advice(row))


@lru_cache(maxsize=256)
def classify_server(version: str | None) -> Class:
    """By X-ServerApplication, or a version in either of Exchange's spellings."""
    found = _SERVER.match(version.strip()[:64]) if version else None
    if found is None:
        return Class("unknown")
    numbers = tuple(int(part) for part in found.groups() if part is not None)
    row = _row(SERVERS, numbers)
    return Class(f"{row.name} ({_show(numbers)})", row, row.speaks, _advice(row))


def common(client: Class, server: Class) -> str | None:
    """The protocol that the two will speak; ``None``: they have none in common, or nobody knows."""
    return next((each for each in client.speaks if each in server.speaks), None)


def _row(rows: tuple[Row, ...], version: Version) -> Row:
    return next((row for row in rows if row.floor <= version < row.below), rows[0])


def _advice(row: Row) -> str:
    if not row.within:
        return f"{row.name} cannot speak MAPI/HTTP: {' or '.join(row.speaks)}"
    return f"needs {', '.join(row.needs)}" if row.needs else ""


def _show(version: Version) -> str:
    return ".".join(map(str, version))
