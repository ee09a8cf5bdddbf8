"""Files of the log, as a running proxy has written them, in the hands of those who read Exchange's.

The proxy is a process, clients and backends are real sockets; what they play is every protocol, failures of
all kinds, and headers that are meant to break a log.
"""

from __future__ import annotations

import base64
import signal
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from support.proxyprocess import PATIENCE, ProxyProcess, backend, connect, read_exactly, read_until
from support.readers import (
    FIELDS_LINE,
    elastic,
    find_front_end_activity,
    franky,
    import_csv,
    kinesis_tap,
    kuiper,
    log_parser,
    sentinel,
)
from support.small_disk import small_disk

from mapiproxy.lab.authority import Authority

GUID = "0aa89cf8-1111-2222-3333-444455556666"
DATABASE = "Database~fb7adba2-51f4-47e3-b170-fd39f85aaf35~~2023-02-05T01:00:04"
COOKIE = base64.b64encode(bytes(255 - byte for byte in DATABASE.encode())).decode()
SECRETS = ("hunter2", "MapiContextSecret", "TokenOfTheClient")
NASTY = '")<>{}[]|~;,,,,\t"x",2026-01-01T00:00:00.000Z,forged\x80\x93\x85\xe9\u00ff' + "y" * 2500
USER = "Basic " + base64.b64encode(b"CORP\\alice:hunter2").decode()

#: (method, path, play, more headers): one exchange each.
PLAYS: list[tuple[str, str, str, dict[str, str]]] = [
    ("POST", f"/mapi/emsmdb/?MailboxId={GUID}@corp.test", "mapi", {"X-RequestType": "Connect", "X-RequestId": "{A}:1"}),
    ("POST", f"/mapi/emsmdb/?MailboxId={GUID}@corp.test", "slow", {"X-RequestType": "Execute", "X-RequestId": "{A}:2",
     "Cookie": f"MapiContext=MapiContextSecret; X-BackEndCookie={GUID}={COOKIE}", "client-request-id": "{B}"}),
    ("POST", f"/mapi/emsmdb/?MailboxId={GUID}@corp.test", "mapi", {"X-RequestType": "Execute;RT:forged", "X-RequestId": NASTY,
     "X-ClientInfo": NASTY, "client-request-id": NASTY, "User-Agent": NASTY, "X-ClientApplication": NASTY}),
    ("POST", "/mapi/nspi/", "mapi", {"X-RequestType": "Bind"}),
    ("POST", "/mapi/emsmdb/", "401", {"X-RequestType": "Execute", "Authorization": ""}),
    ("POST", "/mapi/emsmdb/", "cut", {"X-RequestType": "Execute"}),
    ("POST", "/mapi/emsmdb/", "gone", {"X-RequestType": "Execute"}),
    ("GET", "/mapi/healthcheck.htm", "", {"Authorization": ""}),
    ("GET", "/nowhere", "", {}),
    ("POST", "/EWS/Exchange.asmx?x=%2C%0d%0a,y", "ok", {"X-AnchorMailbox": "alice@corp.test", "User-Agent": NASTY}),
    ("POST", "/ews/", "500", {}),
    ("POST", "/autodiscover/autodiscover.xml", "401", {"Authorization": ""}),
    ("POST", "/Microsoft-Server-ActiveSync/default.eas?Cmd=Sync&User=a", "upload", {}),
    ("GET", "/owa/?X-OWA-CANARY=TokenOfTheClient", "302", {"Authorization": "", "Cookie": "cadata=TokenOfTheClient"}),
    ("GET", "/ecp/", "ok", {}),
    ("GET", "/OAB/x/oab.xml", "ok", {"Authorization": "Bearer TokenOfTheClient"}),
    ("POST", "/powershell?sessionID=Version_15.1_(Build_2374.0)=Nj", "ok", {}),
    ("RPC_OUT_DATA", f"/rpc/rpcproxy.dll?{GUID}@corp.test:6001", "channel", {"User-Agent": "MSRPC"}),
]  # fmt: skip
EXPECTED = Counter(
    {"Mapi": 10, "Ews": 2, "Autodiscover": 1, "Eas": 1, "Owa": 1, "Ecp": 1, "Oab": 1, "PowerShell": 1, "RpcHttp": 1}
)

#: A backend has the head of an upload.
UPLOADING = threading.Event()


def play(connection: socket.socket) -> None:
    """A backend: what it does stands in the request."""
    while head := read_until(connection, b"\r\n\r\n"):
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        kind = fields[b"X-Play"].decode()
        if kind in ("upload", "channel"):
            UPLOADING.set()
            if kind == "channel":
                connection.sendall(b"HTTP/1.1 200 Success\r\nContent-Length: 1000000\r\n\r\nabc")
            with suppress(ConnectionError):
                read_exactly(connection, 1 << 30)
            return
        read_exactly(connection, int(fields.get(b"Content-Length", b"0")))
        if kind == "gone":
            return
        if kind == "slow":
            time.sleep(1.05)
        status = kind if kind.isdigit() else "200"
        more = "X-ServerApplication: Exchange/15.01.2507.035\r\nX-RequestType: x\r\nX-ResponseCode: 0\r\n"
        if kind == "cut":
            connection.sendall(f"HTTP/1.1 200 OK\r\n{more}Content-Length: 99\r\n\r\nhalf".encode())
            return
        challenge = "WWW-Authenticate: Negotiate\r\n" if status == "401" else ""
        mapi = more if kind in ("mapi", "slow") else ""
        connection.sendall(f"HTTP/1.1 {status} x\r\n{challenge}{mapi}Content-Length: 2\r\n\r\nok".encode())


def config(folder: Path, port: int, log: str = "") -> str:
    issued = Authority(folder).issue("localhost", "127.0.0.1")
    return (
        f'[listener.mail]\nbind = "127.0.0.1:0"\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
        f'[backend.test]\nkind = "exchange"\nallow_ssl_offload = true\nservers = ["http://127.0.0.1:{port}"]\n'
        'vdirs = ["mapi", "rpc", "ews", "autodiscover", "oab", "owa", "ecp", "microsoft-server-activesync", "powershell"]\n'
        f'[health]\nenabled = false\n[log]\nserver_name = "MAIL1"\nflush = "20ms"\ndirectory = "{folder / "log"}"\n{log}'
    )


def perform(line: ssl.SSLSocket, method: str, path: str, kind: str, more: dict[str, str]) -> bool:
    """One exchange, as far as its play lets it come; whether there was an answer."""
    headers = {"Host": "mail.corp.test:443", "X-Play": kind, "Authorization": USER, "User-Agent": "Test/1 (KHTML, like)"} | more
    length = 100_000 if kind == "upload" else 1 << 20 if kind == "channel" else 5 if method == "POST" else 0
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items() if value)
    line.sendall(text.encode("latin-1") + f"Content-Length: {length}\r\n\r\n".encode() + b"hello"[:length])
    if kind == "upload":
        assert UPLOADING.wait(PATIENCE)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    head = read_until(line, b"\r\n\r\n")
    if kind == "channel":
        assert read_exactly(line, 3) == b"abc"
    elif kind == "cut":
        assert read_exactly(line, 99) == b"half"
    elif head:
        length = next(int(each.split(b":")[1]) for each in head.lower().split(b"\r\n") if each.startswith(b"content-length"))
        return len(read_exactly(line, length)) == length
    return bool(head)


def converse(folder: Path, log: str) -> dict[str, list[Path]]:
    """All plays, one after the other; the files of each folder."""
    UPLOADING.clear()
    with backend(play) as port:
        running = ProxyProcess(folder, config(folder, port, log))
        try:
            for each in PLAYS:
                with connect(running, folder) as line:
                    perform(line, *each)
            with connect(running, folder) as line:
                line.sendall(b"this is no request\r\n\r\n")
                read_until(line, b"\r\n\r\n")
        finally:
            assert running.stop() == 0
    assert "lost" not in "".join(running.said)
    found: dict[str, list[Path]] = {}
    for path in (folder / "log").rglob("*.LOG"):
        found.setdefault(path.parent.name, []).append(path)
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "bom"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The file of each folder. An hour that ends in the middle would make two: then all is played again."""
    log = f"bom = {str(request.param).lower()}\nmapi_client_access = true\nmapi_address_book = true\n"
    found = converse(tmp_path_factory.mktemp("readers"), log)
    if any(len(paths) > 1 for paths in found.values()):
        found = converse(tmp_path_factory.mktemp("again"), log)
    return {name: path for name, (path,) in found.items()}


OURS = ("MAPI Client Access", "MAPI AddressBook Service")


def rows_of(files: dict[str, Path]) -> dict[str, list[dict[str, str]]]:
    return {name: kuiper(path) for name, path in files.items() if name not in OURS}


def test_every_protocol_has_its_folder_and_each_exchange_its_row(files: dict[str, Path]) -> None:
    rows = rows_of(files)
    assert Counter({name: len(each) for name, each in rows.items()}) == EXPECTED
    assert {row["Protocol"] for name in rows for row in rows[name]} == set(rows)
    assert all(row["Protocol"] == name for name in rows for row in rows[name])


def test_every_reader_finds_the_same_rows(files: dict[str, Path]) -> None:
    for name, path in files.items():
        if name in OURS:
            continue
        names = FIELDS_LINE.split(",")
        cells = sentinel(path)
        assert cells
        by_name = [dict(zip(names, row, strict=True)) for row in cells]
        assert kuiper(path) == by_name
        assert [{key: row[key] for key in names} for row in kinesis_tap(path)] == by_name
        assert [row["request_id"] for row in elastic(path)] == [row["RequestId"] for row in by_name]
        comments, data = import_csv(path)[:5], import_csv(path)[5:]
        assert data == by_name
        assert all(str(row["DateTime"]).startswith("#") for row in comments)
        parsed = log_parser(path)
        assert [row["RoutingStatus"] for row in parsed] == [row["RoutingStatus"] for row in by_name]
        assert [row["#Fields: DateTime"] for row in parsed] == [row["DateTime"] for row in by_name]
        assert franky(path) == names


def test_types_and_places_are_those_that_elastic_expects(files: dict[str, Path]) -> None:
    (row,) = elastic(files["Eas"])
    assert (row["method"], row["url"], row["query"]) == ("POST", "/Microsoft-Server-ActiveSync/default.eas", "?Cmd=Sync&User=a")
    assert (row["host"], row["agent"], row["ips"]) == ("MAIL1", "Test/1 (KHTML  like)", ["127.0.0.1"])
    slow = [row for row in elastic(files["Mapi"]) if row["total"] and row["total"] > 1000]
    assert [(row["status"], row["domain"], row["name"]) for row in slow] == [(200, "CORP", "alice")]


def test_the_script_of_exchanges_support_finds_the_slow_execute(files: dict[str, Path]) -> None:
    (row,) = find_front_end_activity(files["Mapi"], "alice", 1000, "*Execute*")
    assert row["ClientRequestId"] == "R:{A}:2;RT:Execute;CI:;CID:{B}"
    assert row["BackEndCookie"] == DATABASE
    assert row["DatabaseGuid"] == "|RoutingDB:fb7adba2-51f4-47e3-b170-fd39f85aaf35"
    assert find_front_end_activity(files["Mapi"], "bob", 0, "*") == []


def test_failures_are_told_as_exchange_tells_them(files: dict[str, Path]) -> None:
    """Reference 1.4(4)."""
    rows = rows_of(files)

    def told(row: dict[str, str], *more: str) -> tuple[str, ...]:
        return tuple(row[name] for name in ("HttpStatus", "BackEndStatus", "ErrorCode", *more))

    (upload,) = rows["Eas"]
    assert told(upload, "GenericErrors") == (
        "200", "", "ClientDisconnect", "StreamProxy=StreamProxy-Request-ExpectReadCallback;HttpException=ClientDisconnect;",
    )  # fmt: skip
    assert "ProxyState-Complete=ProxyRequestData;" in upload["GenericInfo"]
    assert upload["BackendProcessingLatency"] == upload["BackendRespStreamLatency"] == ""
    (challenge,) = rows["Autodiscover"]
    assert told(challenge, "IsAuthenticated", "GenericErrors") == (
        "401", "401", "ProtocolError", "false", "WebExceptionStatus=ProtocolError;ResponseStatusCode=401;",
    )  # fmt: skip
    assert "ProxyState-Complete=WaitForServerResponse;" in challenge["GenericInfo"]
    assert told(rows["Ews"][1], "GenericErrors") == (
        "500", "500", "", "WebExceptionStatus=ProtocolError;ResponseStatusCode=500;",
    )  # fmt: skip
    (channel,) = rows["RpcHttp"]
    assert told(channel, "Method", "GenericErrors")[:4] == ("200", "200", "", "RPC_OUT_DATA")
    assert channel["GenericErrors"].startswith("PossibleException=IOException;")
    (owa,) = rows["Owa"]
    assert told(owa, "AuthenticationType", "IsAuthenticated") == ("302", "302", "", "FBA", "false")
    by_path = {row["UrlStem"]: row for row in rows["Mapi"]}
    for path, status in (("/mapi/healthcheck.htm", "200"), ("/nowhere", "404")):
        row = by_path[path]
        assert told(row)[:2] == (status, "")
        assert not any(row[name] for name in ("ProxyAction", "TargetServer", "RoutingType", "RoutingHint", "RoutingStatus"))
        assert "ProxyState-Complete=PrepareServerRequest;" in row["GenericInfo"]
    errors = Counter(row["ErrorCode"] for row in rows["Mapi"])
    assert errors == {"": 5, "ProtocolError": 1, "BackendDisconnect": 2, "NotFound": 1, "BadRequest": 1}


def test_latencies_keep_their_relations_in_every_row(files: dict[str, Path]) -> None:
    """Reference 1.5."""
    for row in (row for rows in rows_of(files).values() for row in rows):
        ms = {key: int(value or 0) for key, value in row.items() if key.endswith(("Latency", "Time", "Overhead"))
              and key not in ("DateTime",)}  # fmt: skip
        total = ms["TotalRequestTime"]
        assert total == ms["HttpPipelineLatency"] + ms["RequestHandlerLatency"]
        parts = ("ReqInit", "ReqStream", "Processing", "RespInit", "RespStream")
        assert abs(ms["ProxyTime"] - sum(ms[f"Backend{part}Latency"] for part in parts)) <= 2
        assert ms["CoreLatency"] <= ms["RoutingLatency"] <= ms["HttpProxyOverhead"] <= total
        assert abs(total - ms["ProxyTime"] - ms["HttpProxyOverhead"]) <= 5


def test_the_back_ends_logs_are_read_by_those_who_read_quotes(files: dict[str, Path]) -> None:
    access, book = (kinesis_tap(files[name]) for name in OURS)
    assert [(row["operation"], row["failures"]) for row in access][:1] == [("Connect", "")]
    assert {row["failures"] for row in access[1:]} == {"BackendDisconnect"}
    assert access[0]["operation-specific"] == f"MailboxId={GUID}@corp.test, User=CORP\\alice, Backend=127.0.0.1"
    assert [row["operation"] for row in book] == ["Bind"]
    assert (book[0]["server-ip"], book[0]["client-ip"]) == ("127.0.0.1", "127.0.0.1")
    ids = {row["RequestId"] for row in kuiper(files["Mapi"])}
    assert {row["request-ids"].split("|")[1].removeprefix("A:") for row in [*access, *book]} <= ids


def test_no_secret_is_in_any_file(files: dict[str, Path]) -> None:
    for path in files.values():
        text = path.read_bytes().decode("utf-8")
        assert not [secret for secret in SECRETS if secret in text], path


REAL = [
    # Reference 1.4, samples (1) and (2), shortened there.
    "2023-01-06T01:00:04.124Z,3fe8b64c-9d09-495d-9123-c7759ae9bbfb,15,1,2375,7,R:1b7dabb2-cd5b-4ce0-a65d-b25915e598cf:1;"
    "RT:Connect;CI:97c0f33d-7e97-4147-9742-ee1e9a3cc2f4:1;CID:82392570-79d9-402a-8c7c-fbf14bcde8fc,Mapi,"
    "SERVER_HOSTNAME.domain.test,/mapi/emsmdb/,,Negotiate,true,DOMAIN\\HealthMailboxXXX,domain.test,"
    "MailboxGuid~1234567-4444-1234-4567-123456789987,MapiHttpClient,fe80::1234:5678:123:245e%3,SERVER_HOSTNAME,200,200,,"
    "POST,Proxy,SERVER_HOSTNAME.domain.test,15.01.2375.000,IntraForest,MailboxGuidWithDomain,,,,371,443,,,0,1,,0,,0,,0,0,,"
    "0,16,0,0,1,1,11,0,0,0,0,0,16,0,12,3,4,4,16,,?mailboxId=1234567-4444-1234-4567-123456789987@domain.test,,"
    "BeginRequest=2023-01-06T01:00:04.107Z;EndRequest=2023-01-06T01:00:04.124Z;,,,|RoutingDB:fb7adba2,,,CafeV1",
    "2024-01-24T15:26:47.957Z,3422ea93-768f-4cd4-8b0c-578038deb0b2,15,1,2507,35,R:{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:"
    "20373;RT:Execute;CI:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}:155680117;CID:{FF8D5880},Mapi,mail.domain.tld,"
    "/mapi/emsmdb/,,Negotiate,true,DOMAIN\\user,domain.tld,MailboxGuid~0aa89cf8,Microsoft Office/16.0 (Windows NT 10.0; "
    "Microsoft Outlook 16.0.16731; Pro),10.12.13.14,Host123,200,200,,POST,Proxy,Host456.domain.tld,15.01.2507.000,"
    "CrossForest,MailboxGuidWithDomain,Database~a6c4dbb1~~2024-02-23T15:26:43,,,70,132,,,0,1,,0,,0,,0,0,,0,10,0,0,0,0,3,0,"
    "0,0,2,0,10,0,4,7,7,7,10,,?MailboxId=0aa89cf8@domain.tld,,BeginRequest=x;CorrelationID=<empty>;,,,|RoutingDB:0cb2fd35,,,"
    "CafeV1",
]  # fmt: skip


def test_the_readers_read_exchanges_own_lines_as_well(tmp_path: Path) -> None:
    """So they are readers of that format, and not of ours alone."""
    path = tmp_path / "HttpProxy_2024012415-1.LOG"
    header = ["#Software: Microsoft Exchange Server", "#Version: 15.01.2375.007", "#Log-type: HttpProxy Logs"]
    lines = [FIELDS_LINE, *header, "#Date: 2023-01-06T01:00:04.124Z", f"#Fields: {FIELDS_LINE}", *REAL]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    first, second = elastic(path)
    assert (first["ips"], first["name"], first["total"]) == (["fe80::1234:5678:123:245e%3"], "HealthMailboxXXX", 16)
    assert (second["status"], second["request_bytes"], second["host"]) == (200, "70", "Host123")
    assert len(sentinel(path)) == len(kuiper(path)) == len(kinesis_tap(path)) == len(log_parser(path)) == 2
    (found,) = find_front_end_activity(path, "user", 9, "*Execute*")
    assert found["RoutingType"] == "CrossForest"
    assert franky(path) == FIELDS_LINE.split(",")


class Asking(threading.Thread):
    """A client that asks one thing after the other until its connection ends; counts the answers."""

    def __init__(self, running: ProxyProcess, folder: Path) -> None:
        super().__init__(daemon=True)
        self.answers = 0
        self._line = connect(running, folder)
        self._line.settimeout(PATIENCE)

    def run(self) -> None:
        with self._line:
            try:
                while perform(self._line, "POST", "/mapi/emsmdb/", "mapi", {"X-RequestType": "PING"}):
                    self.answers += 1
            except OSError:
                return


def rows_below(folder: Path) -> int:
    """Whole lines; half of one may be there for a moment, on a disk that is full."""
    files = [path.read_bytes() for path in folder.rglob("HttpProxy_*.LOG")]
    return sum(max(0, data.count(b"\r\n") - 6) for data in files)


def test_whatever_was_answered_is_in_the_log_through_a_reload_and_a_sigterm(tmp_path: Path) -> None:
    """Another directory and another identity in the middle of it, and files that roll all the time."""
    with backend(play) as port:
        text = config(tmp_path, port, 'roll_size = "50KB"\nfolder_size = "1GB"\n')
        running = ProxyProcess(tmp_path, text)
        try:
            clients = [Asking(running, tmp_path) for _ in range(4)]
            for client in clients:
                client.start()
            wait_for(lambda: sum(client.answers for client in clients) > 200)
            running.file.write_text(text.replace('"MAIL1"', '"MAIL2"').replace("/log", "/log2"))
            running.signal(signal.SIGHUP)
            wait_for(lambda: (tmp_path / "log2").exists())
            seen = sum(client.answers for client in clients)
            wait_for(lambda: sum(client.answers for client in clients) > seen + 200)
        finally:
            assert running.stop() == 0
        for client in clients:
            client.join(PATIENCE)
    answers = sum(client.answers for client in clients)
    rows = rows_below(tmp_path / "log") + rows_below(tmp_path / "log2")
    # An answer may have left whose client had no time to read it.
    assert answers <= rows <= answers + len(clients)
    assert rows_below(tmp_path / "log") >= 200
    assert {row["ServerHostName"] for path in (tmp_path / "log2").rglob("*.LOG") for row in kuiper(path)} == {"MAIL2"}


def test_a_full_disk_costs_no_line_if_the_operator_gives_another(tmp_path: Path) -> None:
    """Lines wait in memory, the service goes on and says so; a reload takes them along."""
    with small_disk(tmp_path / "log") as disk, backend(play) as port:
        text = config(tmp_path, port)
        running = ProxyProcess(tmp_path, text)

        def ask(times: int) -> None:
            with connect(running, tmp_path) as line:
                for _ in range(times):
                    assert perform(line, "POST", "/mapi/emsmdb/", "mapi", {"X-RequestType": "PING"})

        try:
            ask(100)
            wait_for(lambda: any("No space left on device" in said for said in running.said))
            assert 0 < rows_below(disk) < 100
            running.file.write_text(text.replace(str(disk), str(tmp_path / "other")))
            running.signal(signal.SIGHUP)
            wait_for(lambda: rows_below(disk) + rows_below(tmp_path / "other") == 100)
            ask(5)
        finally:
            assert running.stop() == 0
        assert rows_below(disk) + rows_below(tmp_path / "other") == 105
        assert not [said for said in running.said if "never written" in said]


def test_lines_that_no_disk_took_are_counted_and_said_at_the_end(tmp_path: Path) -> None:
    with small_disk(tmp_path / "log") as disk, backend(play) as port:
        (disk / "ballast").write_bytes(bytes(64 * 1024))
        running = ProxyProcess(tmp_path, config(tmp_path, port))
        try:
            with connect(running, tmp_path) as line:
                assert perform(line, "POST", "/mapi/emsmdb/", "mapi", {"X-RequestType": "PING"})
        finally:
            assert running.stop() == 0
        assert [said for said in running.said if "1 records of the HttpProxy log in" in said and "never written" in said]


def wait_for(true: object) -> None:
    until = time.monotonic() + PATIENCE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)
