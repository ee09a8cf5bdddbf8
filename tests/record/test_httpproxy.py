"""Lines and headers of the HttpProxy log, as Exchange writes them and as its readers read them."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime

import pytest
from hypothesis import given
from support.ledgers import GUID, WALL, execute, in_order, ledgers

from mapiproxy.record.columns import COLUMNS, LogIdentity
from mapiproxy.record.ending import Ending
from mapiproxy.record.httpproxy import LineFormat, end_ms, header
from mapiproxy.record.ledger import Ledger

IDENTITY = LogIdentity("Host123", "15.01.2507.035")
FORMAT = LineFormat(IDENTITY)
LATENCIES = COLUMNS[35:65]
SERVER = "SERVER_HOSTNAME.domain.test"


def row(ledger: Ledger, log: LineFormat = FORMAT) -> dict[str, str]:
    """A line as readers by position see it: cut at its commas, nothing else."""
    values = log.line(ledger).decode("utf-8").removesuffix("\r\n").split(",")
    assert len(values) == 74
    return dict(zip(COLUMNS, values, strict=True))


def pairs(text: str) -> dict[str, str]:
    assert text == "" or text.endswith(";")
    return dict(item.split("=", 1) for item in text.split(";") if item)


# Golden rows: the reference's sample lines (1) and (2), but for what a proxy cannot know (database,
# cookie of Exchange's own, Kerberos) and for single milliseconds of rounding, which differ there too.


def connect() -> Ledger:
    """Sample line (1)."""
    guid = "1234567-4444-1234-4567-123456789987"
    return Ledger(
        request_id="3fe8b64c-9d09-495d-9123-c7759ae9bbfb",
        wall=datetime.fromisoformat("2023-01-06T01:00:04.108Z").timestamp(),
        head_at=7.0, routed_at=7.001, dial_at=7.001, connected_at=7.002, request_started_at=7.002,
        request_ended_at=7.003, answer_at=7.014, answer_ended_at=7.0142, ended_at=7.0165,
        method="POST", host=SERVER, path="/mapi/emsmdb/", query=f"?mailboxId={guid}@domain.test",
        mapi_request_id="1b7dabb2-cd5b-4ce0-a65d-b25915e598cf:1", request_type="Connect",
        client_info="97c0f33d-7e97-4147-9742-ee1e9a3cc2f4:1",
        client_request_id="82392570-79d9-402a-8c7c-fbf14bcde8fc",
        user_agent="MapiHttpClient", mailbox=f"{guid}@domain.test",
        auth_scheme="Negotiate", user="DOMAIN\\HealthMailboxXXX", client_ip="fe80::1234:5678:245e%3",
        status=200, backend_status=200, backend_host=SERVER,
        backend_version="Exchange/15.01.2375.007", new_connection=True,
        request_bytes=371, response_bytes=443,
    )  # fmt: skip


def test_sample_line_1_a_connect() -> None:
    seen = row(connect(), LineFormat(LogIdentity("SERVER_HOSTNAME", "15.01.2375.007")))
    left = (
        "2023-01-06T01:00:04.124Z,3fe8b64c-9d09-495d-9123-c7759ae9bbfb,15,1,2375,7,"
        "R:1b7dabb2-cd5b-4ce0-a65d-b25915e598cf:1;RT:Connect;CI:97c0f33d-7e97-4147-9742-ee1e9a3cc2f4:1;"
        "CID:82392570-79d9-402a-8c7c-fbf14bcde8fc,Mapi,SERVER_HOSTNAME.domain.test,/mapi/emsmdb/,,"
        "Negotiate,true,DOMAIN\\HealthMailboxXXX,domain.test,"
        "MailboxGuid~1234567-4444-1234-4567-123456789987,MapiHttpClient,fe80::1234:5678:245e%3,"
        "SERVER_HOSTNAME,200,200,,POST,Proxy,SERVER_HOSTNAME.domain.test,15.01.2375.000,IntraForest,"
        "MailboxGuidWithDomain,,,,371,443,,,0,1,,0,,0,,0,0,,0,16,0,"
    )
    assert ",".join(seen.values()).startswith(left)
    theirs = [16, 0, 0, 1, 1, 11, 0, 0, 0, 0, 0, 16, 0, 12, 3, 4, 4, 16]
    for name, value in zip(COLUMNS[46:64], theirs, strict=True):
        if seen[name]:
            assert abs(int(seen[name]) - value) <= (2 if name == "HandlerCompletionLatency" else 1)
        else:
            assert name in {
                "ClientReqStreamLatency", "ClientRespStreamLatency", "KerberosAuthHeaderLatency",
            }  # fmt: skip
    assert seen["UrlQuery"] == "?mailboxId=1234567-4444-1234-4567-123456789987@domain.test"
    assert (seen["BackEndGenericInfo"], seen["GenericErrors"], seen["RoutingStatus"]) == ("", "", "CafeV1")
    assert seen["GenericInfo"] == (
        "BeginRequest=2023-01-06T01:00:04.108Z;CorrelationID=<empty>;ProxyState-Run=None;"
        "FEAuth=BEVersion-1942063431;NewConnection=SERVER_HOSTNAME.domain.test&0;"
        "BeginGetRequestStream=2023-01-06T01:00:04.109Z;OnRequestStreamReady=2023-01-06T01:00:04.110Z;"
        "BeginGetResponse=2023-01-06T01:00:04.111Z;OnResponseReady=2023-01-06T01:00:04.122Z;"
        "EndGetResponse=2023-01-06T01:00:04.122Z;ProxyState-Complete=ProxyResponseData;"
        "EndRequest=2023-01-06T01:00:04.124Z;Ending=Done;"
    )


def test_sample_line_2_an_execute() -> None:
    """Its user agent has no comma; its latencies are the reference's where we measure them."""
    seen = row(execute())
    left = (
        "2024-01-24T15:26:47.957Z,3422ea93-768f-4cd4-8b0c-578038deb0b2,15,1,2507,35,"
        "R:{750498CA-0EBD-4E7F-B2F6-377AD1BDD198}:20373;RT:Execute;"
        "CI:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}:155680117;CID:{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6},"
        "Mapi,mail.domain.tld,/mapi/emsmdb/,,Negotiate,true,DOMAIN\\user,domain.tld,"
        f"MailboxGuid~{GUID},"
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16731; Pro),10.12.13.14,Host123,"
        "200,200,,POST,Proxy,Host456.domain.tld,15.01.2507.000,IntraForest,MailboxGuidWithDomain,"
        ",,,70,132,,,0,1,,0,,0,,0,0,,0,10,0,,0,0,3,0,0,,,4,10,0,3,4,5,5,10,,"
    )
    assert ",".join(seen.values()).startswith(left)
    info = pairs(seen["GenericInfo"])
    assert info["FEAuth"] == "BEVersion-1942063563"
    assert "NewConnection" not in info
    ours = {
        "MapiSession": "0123456789abcdef", "RoutedBy": "session", "Backend": "exch1",
        "ClientApplication": "Outlook/16.0.16731.20000", "X-ResponseCode": "0",
        "ServerElapsed": "3", "Ending": "Done",
    }  # fmt: skip
    assert dict(list(info.items())[list(info).index("EndRequest") + 1 :]) == ours


def test_bytes_without_a_request_still_give_74_values() -> None:
    ledger = Ledger(
        request_id="x", wall=WALL, head_at=3.0, ended_at=3.0, status=400,
        ending=Ending.PROTOCOL_ERROR, error="no request line",
    )  # fmt: skip
    seen = row(ledger)
    assert seen["ClientRequestId"] == "R:;RT:;CI:;CID:<null>"
    assert (seen["HttpStatus"], seen["BackEndStatus"], seen["ErrorCode"]) == ("400", "", "BadRequest")
    assert pairs(seen["GenericInfo"])["ProxyState-Complete"] == "PrepareServerRequest"
    assert seen["GenericErrors"] == "Error=no request line;"


def test_what_we_answer_ourselves_was_not_routed() -> None:
    seen = row(execute(routed_at=None, backend_host=None, backend_status=None, routed_by="local"))
    for name in (
        "ProxyAction", "TargetServer", "TargetServerVersion", "RoutingType", "RoutingHint",
        "AnchorMailbox", "DatabaseGuid", "RoutingStatus", "ProxyTime", "BackendReqInitLatency", "BackEndStatus",
        "AuthenticatedUser",
    ):  # fmt: skip
        assert seen[name] == "", name
    assert seen["IsAuthenticated"] == "false"
    assert seen["HttpProxyOverhead"] == seen["TotalRequestTime"] == "10"


def test_a_challenge_has_no_user() -> None:
    seen = row(execute(status=401, backend_status=401, auth_scheme="basic"))
    assert (seen["AuthenticationType"], seen["IsAuthenticated"]) == ("Basic", "false")
    assert (seen["AuthenticatedUser"], seen["ErrorCode"]) == ("", "ProtocolError")
    assert pairs(seen["GenericInfo"])["ProxyState-Complete"] == "WaitForServerResponse"


def test_a_phase_that_was_never_reached_is_empty_and_the_broken_one_is_not() -> None:
    """A client that leaves in the middle of its upload (reference 1.4(4))."""
    seen = row(
        execute(
            request_ended_at=None, answer_at=None, answer_ended_at=None, status=None,
            backend_status=None, ending=Ending.CLIENT_DISCONNECT,
        )
    )
    assert (seen["BackendReqInitLatency"], seen["BackendReqStreamLatency"]) == ("0", "9")
    assert seen["BackendProcessingLatency"] == seen["BackendRespStreamLatency"] == ""
    assert seen["ErrorCode"] == "ClientDisconnect"
    info = pairs(seen["GenericInfo"])
    assert info["ProxyState-Complete"] == "ProxyRequestData"
    assert (info["Ending"], info["Phase"]) == ("ClientDisconnect", "Request")


def test_other_protocols_have_the_id_as_sent() -> None:
    assert row(execute(protocol="Ews", client_request_id="a;b"))["ClientRequestId"] == "a;b"


@pytest.mark.parametrize("mailbox", [f"{GUID.upper()}@domain.tld", f"{GUID}%40domain.tld"])
def test_the_mailbox_is_its_guid_and_the_organization_its_domain(mailbox: str) -> None:
    seen = row(execute(mailbox=mailbox))
    assert (seen["AnchorMailbox"], seen["Organization"]) == (f"MailboxGuid~{GUID}", "domain.tld")


def test_a_semicolon_does_not_forge_a_key() -> None:
    seen = row(execute(client_info="x;CID:forged", error="a;ErrorCode=b", ending=Ending.BACKEND_LOST))
    assert seen["ClientRequestId"].count(";") == 3
    assert "CI:x CID:forged;CID:{" in seen["ClientRequestId"]
    assert list(pairs(seen["GenericErrors"])) == ["PossibleException", "Error"]


@given(ledgers())
def test_no_text_moves_a_column_or_breaks_a_line(ledger: Ledger) -> None:
    line = FORMAT.line(ledger)
    text = line.decode("utf-8")
    assert text.endswith("\r\n")
    body = text[:-2]
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\"]", body)
    values = body.split(",")
    assert len(values) == 74
    assert list(csv.reader(io.StringIO(text, newline=""))) == [values]
    for name, value in zip(COLUMNS, values, strict=True):
        if name.endswith("Latency") or name in LATENCIES:
            assert value == "" or value.isdigit(), name


@given(ledgers())
def test_latencies_are_related_whatever_the_moments(ledger: Ledger) -> None:
    check_relations(row(ledger))


@given(in_order())
def test_latencies_are_related_and_true(ledger: Ledger) -> None:
    seen = row(ledger)
    check_relations(seen)
    assert abs(int(seen["TotalRequestTime"]) - (ledger.ended_at - ledger.head_at) * 1000) <= 1
    waited = 0.0
    if ledger.routed_at is not None:
        last = ledger.answer_ended_at if ledger.answer_ended_at is not None else ledger.ended_at
        waited = (last - ledger.routed_at) * 1000
    assert abs(int(seen["HttpProxyOverhead"]) - (ledger.ended_at - ledger.head_at) * 1000 + waited) <= 1.1
    if ledger.answer_at is not None and ledger.request_ended_at is not None:
        gap = ledger.answer_at - ledger.request_ended_at
        assert seen["BackendProcessingLatency"] == "0" or gap > 0.00099


def check_relations(seen: dict[str, str]) -> None:
    """Reference 1.5."""

    def ms(*names: str) -> int:
        return sum(int(seen[name] or 0) for name in names)

    assert ms("TotalRequestTime") == ms(
        "HttpPipelineLatency", "ModuleToHandlerSwitchingLatency", "RequestHandlerLatency",
        "HandlerToModuleSwitchingLatency",
    )  # fmt: skip
    assert ms("ProxyTime") == ms(
        "BackendReqInitLatency", "BackendReqStreamLatency", "BackendProcessingLatency",
        "BackendRespInitLatency", "BackendRespStreamLatency",
    )  # fmt: skip
    assert 0 <= ms("TotalRequestTime") - ms("ProxyTime") - ms("HttpProxyOverhead") <= 5
    assert 0 <= ms("CoreLatency") <= ms("RoutingLatency") <= ms("HttpProxyOverhead")
    assert ms("HttpProxyOverhead") <= ms("TotalRequestTime")


# Readers (reference section 3), restated.


def whole_file(*, bare: bool = True, bom: bool = False) -> bytes:
    first = execute()
    top = header(IDENTITY, end_ms(first) / 1000, bare, bom)
    return top + FORMAT.line(first) + FORMAT.line(execute(user_agent="a, b", request_type="Connect"))


def lines_of(data: bytes) -> list[str]:
    text = data.decode("utf-8-sig")
    assert text.count("\r") == text.count("\n") == text.count("\r\n")
    return text.removesuffix("\r\n").split("\r\n")


def test_the_header_is_layout_a() -> None:
    names = ",".join(COLUMNS)
    assert lines_of(whole_file())[:6] == [
        names,
        "#Software: Microsoft Exchange Server",
        "#Version: 15.01.2507.035",
        "#Log-type: HttpProxy Logs",
        "#Date: 2024-01-24T15:26:47.957Z",
        f"#Fields: {names}",
    ]


def test_the_bare_line_and_the_mark_are_the_operators_choice() -> None:
    assert whole_file(bare=False).startswith(b"#Software: ")
    assert whole_file(bom=True) == b"\xef\xbb\xbf" + whole_file()


def test_import_csv_finds_names_in_line_1() -> None:
    """FindFrontEndActivity.ps1: comments are rows of one value, data has every name."""
    rows = list(csv.DictReader(io.StringIO(whole_file().decode(), newline="")))
    found = [each for each in rows if "Execute" in (each["ClientRequestId"] or "")]
    assert len(found) == 1
    assert int(found[0]["TotalRequestTime"]) == 10
    assert "\\user," in FORMAT.line(execute()).decode()


def test_log_parser_skips_five_lines() -> None:
    rows = list(csv.DictReader(lines_of(whole_file())[5:]))
    assert [each["#Fields: DateTime"] for each in rows] == ["2024-01-24T15:26:47.957Z"] * 2
    assert {each["RoutingStatus"] for each in rows} == {"CafeV1"}


def test_kinesis_tap_and_elastic_drop_the_same_lines() -> None:
    lines = lines_of(whole_file())
    kinesis = [line for line in lines if not line.startswith(("#", "Date"))]
    elastic = [line for line in lines if line[:1].isdigit()]
    assert kinesis == elastic == lines[6:]
    assert all(len(line.split(",")) == 74 for line in kinesis)
    (fields,) = (line for line in lines if line.startswith("#Fields: "))
    assert fields.removeprefix("#Fields: ").split(",")[0] == "DateTime"


@pytest.mark.parametrize("bom", [False, True])
def test_kuiper_skips_a_line_and_looks_for_fields(bom: bool) -> None:
    text = whole_file(bom=bom).decode("utf-8-sig")
    _, *rest = text.split("\r\n")
    names: list[str] = []
    found = []
    for line in rest:
        if line.startswith("#Fields: "):
            names = line.removeprefix("#Fields: ").split(",")
        elif line and not line.startswith("#"):
            found.append(dict(zip(names, line.split(","), strict=True)))
    assert [each["DateTime"][:10] for each in found] == ["2024-01-24"] * 2


def test_sentinel_reads_a_time_in_the_first_of_74() -> None:
    for line in lines_of(whole_file())[6:]:
        values = line.split(",")
        assert len(values) == 74
        assert datetime.fromisoformat(values[0]).utcoffset() is not None
