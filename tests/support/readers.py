"""Readers of Exchange's logs, written from the rules of the public ones (reference exchange-httpproxy 3).

None of them knows our writer: names and positions are the reference's (1.3(a)), written down a second time.
Each reads a file from the disk as its original does, and raises where that would fail or read something else.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Any

#: 1.3(a), as one text.
FIELDS_LINE = (
    "DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlHost,UrlStem,"
    "ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,"
    "ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method,ProxyAction,TargetServer,"
    "TargetServerVersion,RoutingType,RoutingHint,BackEndCookie,ServerLocatorHost,ServerLocatorLatency,RequestBytes,"
    "ResponseBytes,TargetOutstandingRequests,AuthModulePerfContext,HttpPipelineLatency,CalculateTargetBackEndLatency,"
    "GlsLatencyBreakup,TotalGlsLatency,AccountForestLatencyBreakup,TotalAccountForestLatency,"
    "ResourceForestLatencyBreakup,TotalResourceForestLatency,ADLatency,SharedCacheLatencyBreakup,"
    "TotalSharedCacheLatency,ActivityContextLifeTime,ModuleToHandlerSwitchingLatency,ClientReqStreamLatency,"
    "BackendReqInitLatency,BackendReqStreamLatency,BackendProcessingLatency,BackendRespInitLatency,"
    "BackendRespStreamLatency,ClientRespStreamLatency,KerberosAuthHeaderLatency,HandlerCompletionLatency,"
    "RequestHandlerLatency,HandlerToModuleSwitchingLatency,ProxyTime,CoreLatency,RoutingLatency,HttpProxyOverhead,"
    "TotalRequestTime,RouteRefresherLatency,UrlQuery,BackEndGenericInfo,GenericInfo,GenericErrors,EdgeTraceId,"
    "DatabaseGuid,UserADObjectGuid,PartitionEndpointLookupLatency,RoutingStatus"
)
#: Positions of what Elastic's pipeline makes numbers of, and of what it gives names of its own.
_NUMBERS = (2, 3, 4, 5, 19, 20, 30, 31, 32, 35, 36, 38, 40, 42, 43, 45, 46, *range(47, 64))
_PLACES = {
    "status": 19, "method": 22, "request_bytes": 31, "response_bytes": 32, "query": 65, "agent": 16, "host": 18,
    "url": 9, "user": 13, "request_id": 1, "protocol": 7, "error": 21, "total": 63,
}  # fmt: skip

Row = dict[str, Any]


def elastic(path: Path) -> list[Row]:
    """Elastic's integration: lines that begin with a digit, cut by position, converted."""
    rows = []
    for line in path.read_bytes().decode("utf-8").split("\n"):
        line = line.rstrip("\r")
        if line.startswith("#") or not line[:1].isdigit():
            continue
        (cells,) = csv.reader([line])
        assert len(cells) == 74, line
        numbers = {place: int(cells[place]) for place in _NUMBERS if cells[place]}
        row: Row = {name: cells[place] for name, place in _PLACES.items()}
        row["time"] = moment(cells[0])
        row["status"], row["total"] = numbers.get(19), numbers.get(63)
        row["ips"] = [one_address(text) for text in cells[17].split("  ")]
        grok = re.fullmatch(r"(?P<domain>[^\\]+)\\(?P<name>.+)", cells[13])
        row["domain"], row["name"] = (grok["domain"], grok["name"]) if grok else (None, cells[13] or None)
        rows.append(row)
    return rows


def import_csv(path: Path) -> list[Row]:
    """PowerShell's Import-Csv: the first line is the names, whatever it holds; missing values are null."""
    text = path.read_bytes().decode("utf-8-sig")
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    assert len(set(names)) == len(names), "Import-Csv refuses a name that comes twice"
    return [dict(zip(names, row + [None] * (len(names) - len(row)), strict=False)) for row in rows]  # type: ignore[operator]


def log_parser(path: Path) -> list[Row]:
    """Log Parser 2.2, ``-i:csv -nSkipLines:5``: the time is cut at its ``T`` and its ``.``."""
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")
    rows = [dict(row) for row in csv.DictReader(lines[5:])]
    for row in rows:
        date, _, rest = row["[#Fields: DateTime]".strip("[]")].partition("T")
        row["date"], row["clock"] = date, rest.partition(".")[0]
        datetime.strptime(f"{date} {row['clock']}", "%Y-%m-%d %H:%M:%S")
    return rows


def kuiper(path: Path) -> list[Row]:
    """Kuiper's parser: the first physical line does not count, names come after ``#Fields: ``."""
    names: list[str] | None = None
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        next(lines)
        for line in lines:
            assert line.endswith("\r\n"), line
            if line.startswith("#Fields: "):
                names = line.removeprefix("#Fields: ").rstrip("\r\n").split(",")
                assert "DateTime" in names
            elif not line.startswith("#"):
                assert names is not None
                cells = line.rstrip("\r\n").split(",")
                assert len(cells) == len(names), "a key without a name"
                rows.append(dict(zip(names, cells, strict=True)))
    return rows


def kinesis_tap(path: Path) -> list[Row]:
    """KinesisTap's ExchangeLogParser: comments begin with ``#`` or ``Date``, values may be quoted."""
    names: list[str] = []
    rows = []
    for line in path.read_bytes().decode("utf-8-sig").split("\r\n"):
        if line.startswith("#Fields: "):
            names = line.removeprefix("#Fields: ").split(",")
        elif line and not line.startswith(("#", "Date")):
            (cells,) = csv.reader([line])
            row: Row = dict(zip(names, cells, strict=True))
            row["timestamp"] = moment(row.get("date-time") or row["DateTime"])
            rows.append(row)
    return rows


def sentinel(path: Path) -> list[list[str]]:
    """Microsoft Sentinel's transform: every line is cut at its commas, and 74 parts are taken by number."""
    rows = []
    for line in path.read_bytes().decode("utf-8").split("\r\n"):
        d = line.split(",")
        try:
            moment(d[0])
        except ValueError:
            continue  # a row without a time: nobody looks at it
        assert len(d) == 74, line
        rows.append(d)
    return rows


def find_front_end_activity(path: Path, user: str, over_ms: int, like: str) -> list[Row]:
    """CSS-Exchange FindFrontEndActivity.ps1: a user's requests that took longer, of an id that is like that."""
    wanted = re.compile(r"\\" + re.escape(user) + ",", re.IGNORECASE)
    if not wanted.search(path.read_bytes().decode("utf-8-sig")):
        return []
    return [
        row
        for row in import_csv(path)
        if not str(row["DateTime"]).startswith("#")
        and str(row["AuthenticatedUser"]).lower().endswith("\\" + user.lower())
        and int(row["TotalRequestTime"]) > over_ms
        and fnmatchcase(str(row["ClientRequestId"]), like)
    ]


def franky(path: Path) -> list[str]:
    """FrankysWeb's report: the names are within the first six lines, after exactly ``#Fields: ``."""
    lines = path.read_bytes().decode("utf-8-sig").split("\r\n")[:6]
    (found,) = (line for line in lines if line.startswith("#Fields"))
    assert found.startswith("#Fields: ")
    return found[len("#Fields: ") :].split(",")


def moment(text: str) -> datetime:
    """A date with a zone. :raise ValueError: it is none."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def one_address(text: str) -> str:
    """An address, perhaps with a port; an IPv6 one may have a zone."""
    host, colon, port = text.rpartition(":")
    if colon and "." in host and port.isdigit():
        text = host
    return str(ip_address(text))
