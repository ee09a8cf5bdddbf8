"""Rows of HttpProxy logs: ours, from ledgers whose times are said in milliseconds, and Exchange's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.ledgers import WALL, execute

from mapiproxy.evidence.layout import COLUMNS, KNOWN
from mapiproxy.evidence.reading import FileReader, Troubles
from mapiproxy.evidence.row import Row
from mapiproxy.record.columns import LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.httpproxy import LineFormat, header

IDENTITY = LogIdentity("Host123", "15.01.2507.035")
FORMAT = LineFormat(IDENTITY)
#: Milliseconds since 1970 of ``at=0``: 2024-01-24T15:26:40Z.
START = round(WALL * 1000) // 1000 * 1000 - 7000

_WHERE = {
    "Head": (),
    "Dial": ("routed_at",),
    "Request": ("routed_at", "connected_at"),
    "Wait": ("routed_at", "connected_at", "request_ended_at"),
    "Answer": ("routed_at", "connected_at", "request_ended_at", "answer_at"),
}


def line(
    at: int = 0,
    choose: int = 0,
    dial: int = 0,
    send: int = 0,
    wait: int = 3,
    answer: int = 0,
    rest: int = 0,
    phase: str | None = None,
    **changes: Any,
) -> bytes:
    """A line of ours; times in ms, ``at`` that of its end after :data:`START`.

    :param phase: where it ended, if it did not come to its end.
    """
    moments = ("routed_at", "connected_at", "request_ended_at", "answer_at", "answer_ended_at")
    passed, times = 0, {}
    for name, took in zip(moments, (choose, dial, send, wait, answer), strict=True):
        passed += took
        times[name] = 50.0 + passed / 1000
    total = passed + rest
    if phase is not None:
        times = {name: moment if name in _WHERE[phase] else None for name, moment in times.items()}
        changes.setdefault("ending", Ending.CLIENT_DISCONNECT)
    wall = (START + at - total) / 1000
    facts = {"head_at": 50.0, "ended_at": 50.0 + total / 1000, "wall": wall, "elapsed_ms": None} | times
    return FORMAT.line(execute(**(facts | changes)))


def rows_of(lines: Iterable[bytes]) -> list[Row]:
    """Lines without a header, read."""
    troubles = Troubles()
    rows = list(FileReader("test", troubles).rows([b"".join(lines)]))
    assert troubles.broken == 0, troubles.named
    return rows


def row(**changes: Any) -> Row:
    """One row of ours."""
    (found,) = rows_of([line(**changes)])
    return found


def theirs(columns: tuple[str, ...] = COLUMNS, **values: object) -> bytes:
    """A line of Exchange's own, by names of columns; what is not named is like an ordinary Execute."""
    usual = {
        "DateTime": "2024-01-24T15:26:47.957Z",
        "RequestId": "3422ea93-768f-4cd4-8b0c-578038deb0b2",
        "ClientRequestId": "R:{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:20373;RT:Execute;"
        "CI:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}:155680117;CID:<null>",
        "Protocol": "Mapi",
        "UrlStem": "/mapi/emsmdb/",
        "AuthenticationType": "Negotiate",
        "IsAuthenticated": "true",
        "AuthenticatedUser": "DOMAIN\\user",
        "Organization": "domain.tld",
        "AnchorMailbox": "MailboxGuid~0aa89cf8-1111-2222-3333-444455556666",
        "ClientIpAddress": "10.12.13.14",
        "HttpStatus": 200,
        "BackEndStatus": 200,
        "Method": "POST",
        "TargetServer": "host456.domain.tld",
        "TotalRequestTime": 10,
        "GenericInfo": "BeginRequest=2024-01-24T15:26:47.947Z;ProxyState-Complete=ProxyResponseData;",
    }
    known = {name: str(values.get(name, usual.get(name, ""))) for name in columns}
    assert set(values) <= set(columns), set(values) - set(columns)
    return (",".join(known[name] for name in columns) + "\r\n").encode("utf-8")


def their_row(**values: object) -> Row:
    """One row of Exchange's own."""
    (found,) = rows_of([theirs(**values)])
    return found


def write_log(path: Path, lines: Iterable[bytes]) -> Path:
    """A file with a header as we write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header(IDENTITY, START / 1000, True, False) + b"".join(lines))
    return path


# The reference's real lines (1.4), completed to whole rows: what it has shortened is written out.

_GUID = "fb7adba2-51f4-47e3-b170-fd39f85aaf35"
CONNECT = (
    "2023-01-06T01:00:04.124Z,3fe8b64c-9d09-495d-9123-c7759ae9bbfb,15,1,2375,7,"
    "R:1b7dabb2-cd5b-4ce0-a65d-b25915e598cf:1;RT:Connect;CI:97c0f33d-7e97-4147-9742-ee1e9a3cc2f4:1;"
    "CID:82392570-79d9-402a-8c7c-fbf14bcde8fc,Mapi,SERVER_HOSTNAME.domain.test,/mapi/emsmdb/,,Negotiate,true,"
    "DOMAIN\\HealthMailboxXXX,domain.test,MailboxGuid~1234567-4444-1234-4567-123456789987,MapiHttpClient,"
    "fe80::1234:5678:123a:245e%3,SERVER_HOSTNAME,200,200,,POST,Proxy,SERVER_HOSTNAME.domain.test,"
    "15.01.2375.000,IntraForest,MailboxGuidWithDomain,,,,371,443,,,0,1,,0,,0,,0,0,,0,16,0,0,1,1,11,0,0,0,0,0,"
    "16,0,12,3,4,4,16,,?mailboxId=1234567-4444-1234-4567-123456789987@domain.test,,"
    "BeginRequest=2023-01-06T01:00:04.107Z;CorrelationID=<empty>;ProxyState-Run=None;"
    f"FEAuth=BEVersion-1942063431;RoutingEntry=DatabaseGuid:{_GUID}%40domain.test%40domain.test "
    "Server:SERVER_HOSTNAME.domain.test+1942063431@638070367506148886;"
    "NewConnection=fe80::1234:5678:123a:245e%3&0;BeginGetRequestStream=2023-01-06T01:00:04.108Z;"
    "OnRequestStreamReady=2023-01-06T01:00:04.109Z;BeginGetResponse=2023-01-06T01:00:04.110Z;"
    "OnResponseReady=2023-01-06T01:00:04.121Z;EndGetResponse=2023-01-06T01:00:04.121Z;"
    "ProxyState-Complete=ProxyResponseData;SharedCacheGuard=0;EndRequest=2023-01-06T01:00:04.124Z;,,,"
    f"|RoutingDB:{_GUID},,,CafeV1\r\n"
)
EXECUTE = (
    "2024-01-24T15:26:47.957Z,3422ea93-768f-4cd4-8b0c-578038deb0b2,15,1,2507,35,"
    "R:{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:20373;RT:Execute;CI:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}:155680117;"
    "CID:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6},Mapi,mail.domain.tld,/mapi/emsmdb/,,Negotiate,true,DOMAIN\\user,"
    "domain.tld,MailboxGuid~0aa89cf8-1111-2222-3333-444455556666,"
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro),10.12.13.14,Host123,200,200,,POST,"
    "Proxy,Host456.domain.tld,15.01.2507.000,CrossForest,MailboxGuidWithDomain,"
    "Database~a6c4dbb1-1111-2222-3333-444455556666~~2024-02-23T15:26:43,,,70,132,,,0,1,,0,,0,,0,0,,0,10,0,0,0,0,3,"
    "0,0,0,2,0,10,0,4,7,7,7,10,,?MailboxId=0aa89cf8-1111-2222-3333-444455556666@domain.tld,,"
    "BeginRequest=2024-01-24T15:26:47.947Z;CorrelationID=<empty>;ProxyState-Run=None;FEAuth=BEVersion-1942063563;"
    "ProxyState-Complete=ProxyResponseData;SharedCacheGuard=0;EndRequest=2024-01-24T15:26:47.957Z;,,,"
    "|RoutingDB:0cb2fd35-1111-2222-3333-444455556666,,,CafeV1\r\n"
)
#: 64 columns, floats, ``True``.
RPC_2013 = (
    "2014-02-19T13:30:49.219Z,e19d08f4-e04c-42da-a6be-b7484b396db0,15,0,775,22,,RpcHttp,"
    "mail.corp.tailspintoys.com,/rpc/rpcproxy.dll,,Negotiate,True,tailspin\\Wendy,tailspintoys.com,"
    "MailboxGuid~ad44b1e0-e44f-4a16-9396-3a437f594f88,MSRPC,192.168.1.77,EXCH1,200,200,,RPC_OUT_DATA,Proxy,"
    "exch2.tailspintoys.com,15.00.0775.000,IntraForest,MailboxGuidWithDomain,,,,76,462,1,,1,1,,0,,0,,0,0,"
    "16272.3359,0,0,3,0,23,0,25,0,16280,1,16274,16230,16233,16234,16282,"
    "?ad44b1e0-e44f-4a16-9396-3a437f594f88@tailspintoys.com:6001,,BeginRequest=2014-02-19T13:30:32.946Z;"
    "BeginGetRequestStream=2014-02-19T13:30:32.946Z;OnRequestStreamReady=2014-02-19T13:30:32.946Z;"
    "BeginGetResponse=2014-02-19T13:30:32.946Z;OnResponseReady=2014-02-19T13:30:32.977Z;"
    "EndGetResponse=2014-02-19T13:30:32.977Z;,PossibleException=IOException;\r\n"
)
#: The failures of the table in 1.4(4), as whole rows of 74.
ABORTED_UPLOAD = theirs(
    Protocol="Eas", UrlStem="/Microsoft-Server-ActiveSync/", ClientRequestId="", ErrorCode="ClientDisconnect",
    BackEndStatus="", ClientIpAddress="52.96.16.37:49660", UrlQuery="?Cmd=Sync&User=x",
    GenericInfo="BeginRequest=2020-11-27T10:00:00.000Z;ProxyState-Complete=ProxyRequestData;",
    GenericErrors="StreamProxy=StreamProxy-Request-ExpectReadCallback;HttpException=ClientDisconnect;",
)  # fmt: skip
UNAUTHORIZED = theirs(
    Protocol="Autodiscover", UrlStem="/autodiscover/autodiscover.svc", ClientRequestId="", HttpStatus=401,
    BackEndStatus=401, ErrorCode="ProtocolError", IsAuthenticated="false", AuthenticatedUser="",
    AnchorMailbox="Smtp~someone@domain.tld",
    GenericInfo="BeginRequest=2020-10-27T10:00:00.000Z;ProxyState-Complete=WaitForServerResponse;",
    GenericErrors="WebExceptionStatus=ProtocolError;ResponseStatusCode=401;WebException=System.Net.WebException: x ;",
)  # fmt: skip
SERVER_ERROR = theirs(
    columns=KNOWN[69], Protocol="Ews", UrlStem="/ews/exchange.asmx", ClientRequestId="", HttpStatus=500,
    BackEndStatus=500, GenericErrors="WebExceptionStatus=ProtocolError;ResponseStatusCode=500;",
)  # fmt: skip
REDIRECT = theirs(
    Protocol="Owa", UrlStem="/owa/", ClientRequestId="", HttpStatus=302, BackEndStatus="", Method="GET",
    TargetServer="", GenericInfo="BeginRequest=2023-01-06T01:00:04.107Z;NoCookies=302 - GET/E14AuthPost;",
)  # fmt: skip
