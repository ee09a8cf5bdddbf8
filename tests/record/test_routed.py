"""Who asked and where it went, as each protocol's lines say it."""

from __future__ import annotations

from typing import Any

import pytest
from support.ledgers import GUID, execute

from mapiproxy.record.columns import COLUMNS, LogIdentity
from mapiproxy.record.httpproxy import LineFormat
from mapiproxy.record.routed import tell_query

DATABASE = "fb7adba2-51f4-47e3-b170-fd39f85aaf35"
ROUTE = f"Database~{DATABASE}~~2023-02-05T01:00:04"
PLAIN = {"mailbox": None, "query": "", "request_type": None, "mapi_request_id": None, "client_info": None}


def row(form: LineFormat | None = None, **changes: Any) -> dict[str, str]:
    form = form or LineFormat(LogIdentity("Host123", "15.01.2507.035"))
    line = form.line(execute(**changes)).decode()
    return dict(zip(COLUMNS, line.removesuffix("\r\n").split(","), strict=True))


def plain(protocol: str, path: str, **changes: Any) -> dict[str, str]:
    return row(**({**PLAIN, "protocol": protocol, "path": path} | changes))


CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    # The real lines of 15.01.2375.007 and of Microsoft's page on Kerberos, in what a proxy can know.
    "Autodiscover": (
        {"path": "/autodiscover/autodiscover.xml", "auth_scheme": "NTLM", "route": f"{ROUTE}~domain.test~1"},
        {"AuthenticationType": "NTLM", "RoutingHint": "WindowsIdentity", "BackEndCookie": f"{ROUTE}~domain.test~1",
         "DatabaseGuid": f"|RoutingDB:{DATABASE}", "Organization": "", "ClientRequestId": "x;y"},
    ),
    "Eas": (
        {"path": "/Microsoft-Server-ActiveSync/default.eas", "auth_scheme": "basic", "method": "OPTIONS",
         "query": "?Cmd=Options&User=domain.test%5Cusername&DeviceId=1"},
        {"AuthenticationType": "Basic", "RoutingHint": "WindowsIdentity", "Method": "OPTIONS",
         "UrlQuery": "?Cmd=Options&User=domain.test%5Cusername&DeviceId=1"},
    ),
    "Ews": (
        {"path": "/EWS/Exchange.asmx", "auth_scheme": "negotiate"},
        {"UrlStem": "/EWS/Exchange.asmx", "AuthenticationType": "Negotiate", "RoutingHint": "WindowsIdentity"},
    ),
    "Oab": ({"path": "/OAB/x/oab.xml"}, {"RoutingHint": "WindowsIdentity"}),
    "Owa": (
        {"path": "/owa/", "auth_scheme": None, "by_form": True, "user": None, "route": ROUTE},
        {"AuthenticationType": "FBA", "IsAuthenticated": "true", "RoutingHint": "WindowsIdentity", "BackEndCookie": ROUTE},
    ),
    "Ecp": (
        {"path": "/ecp/", "auth_scheme": None, "user": None},
        {"AuthenticationType": "FBA", "IsAuthenticated": "false", "AuthenticatedUser": ""},
    ),
    "PowerShell": (
        {"path": "/powershell", "auth_scheme": "kerberos",
         "route": "Server~server_hostname.domain.test~1942063431~2023-01-11T16:11:44",
         "query": "?clientApplication=ActiveMonitor;PSVersion=5.1&sessionID=Version_15.1_(Build_2374.0)=Njdu8s="},
        {"AuthenticationType": "Kerberos", "AnchorMailbox": "ServerVersion~Version 15.1 (Build 2374.0)",
         "RoutingHint": "ExchClientVer-ServerCookie", "DatabaseGuid": ""},
    ),
    "RpcHttp": (
        {"path": "/rpc/rpcproxy.dll", "method": "RPC_OUT_DATA", "mailbox": f"{GUID}@tailspintoys.com",
         "query": f"?{GUID}@tailspintoys.com:6001", "client_request_id": None},
        {"AnchorMailbox": f"MailboxGuid~{GUID}", "Organization": "tailspintoys.com", "ClientRequestId": "",
         "RoutingHint": "MailboxGuidWithDomain", "UrlQuery": f"?{GUID}@tailspintoys.com:6001", "Method": "RPC_OUT_DATA"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("protocol", CASES)
def test_each_protocol_is_told_in_its_own_way(protocol: str) -> None:
    facts, expected = CASES[protocol]
    seen = plain(protocol, **({"client_request_id": "x;y"} | facts))
    assert {name: seen[name] for name in expected} == expected
    assert seen["Protocol"] == protocol
    assert (seen["ProtocolAction"], seen["ProxyAction"], seen["RoutingType"]) == ("", "Proxy", "IntraForest")
    assert seen["RoutingStatus"] == "CafeV1"


def test_an_anchor_of_the_client_is_an_address() -> None:
    seen = plain("Ews", "/ews/", anchor="alice@example.test", auth_scheme="Bearer")
    assert (seen["AnchorMailbox"], seen["AuthenticationType"]) == ("Smtp~alice@example.test", "Bearer")


def test_a_downlevel_server_cookie_shows_in_the_hint() -> None:
    seen = plain("Owa", "/owa/", auth_scheme="ntlm", route="Server~HOST.fqdn~1937997947~07/24/2014 17:01:18")
    assert seen["RoutingHint"] == "WindowsIdentity-ServerCookie"
    assert seen["BackEndCookie"] == "Server~HOST.fqdn~1937997947~07/24/2014 17:01:18"


def test_bearer_alone_is_no_windows_identity() -> None:
    assert plain("Ews", "/ews/", auth_scheme="Bearer")["RoutingHint"] == ""


@pytest.mark.parametrize("protocol", CASES)
def test_of_what_was_answered_here_nothing_is_routed(protocol: str) -> None:
    facts, _ = CASES[protocol]
    seen = plain(protocol, **(facts | {"routed_at": None, "backend_status": None, "backend_host": None}))
    for name in (
        "AnchorMailbox", "ProxyAction", "TargetServer", "TargetServerVersion", "RoutingType", "RoutingHint",
        "BackEndCookie", "ServerLocatorHost", "DatabaseGuid", "RoutingStatus", "BackEndStatus", "AuthenticatedUser",
    ):  # fmt: skip
        assert seen[name] == "", name


@pytest.mark.parametrize("status", [302, 401, 440])
def test_a_form_that_has_expired_authenticates_nobody(status: int) -> None:
    facts = {"auth_scheme": None, "by_form": True, "status": status, "backend_status": status}
    assert plain("Owa", "/owa/", **facts)["IsAuthenticated"] == "false"


def test_the_version_that_mapi_told_stands_in_the_lines_of_the_others_and_of_failures() -> None:
    form = LineFormat(LogIdentity("Host123", "15.01.2507.035"))
    assert row(form, backend_version=None)["TargetServerVersion"] == ""
    row(form)
    later = row(form, backend_version=None, protocol="Ews", connected_at=None)
    assert later["TargetServerVersion"] == "15.01.2507.000"
    assert "FEAuth=BEVersion-1942063563;" in later["GenericInfo"]
    row(form, backend_version="Exchange/15.02.1118.007")
    assert row(form, backend_version=None)["TargetServerVersion"] == "15.02.1118.000"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?msExchEcpCanary=QsI3_r1.&a=b", "?msExchEcpCanary=<removed>&a=b"),
        ("?a=b&X-OWA-CANARY=x&token=eyJ0", "?a=b&X-OWA-CANARY=<removed>&token=<removed>"),
        ("?client_secret=x&SAMLResponse=y&apikey=z", "?client_secret=<removed>&SAMLResponse=<removed>&apikey=<removed>"),
        ("?access_token=x;Password=y", "?access_token=<removed>;Password=<removed>"),
        ("?MailboxId=a@b", "?MailboxId=a@b"),
        ("?sessionID=Version_15.1_(Build_2374.0)=Nj", "?sessionID=Version_15.1_(Build_2374.0)=Nj"),
    ],
)
def test_values_that_let_somebody_in_are_not_told(query: str, shown: str) -> None:
    assert tell_query(query) == shown


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mapiproxy.record.httpproxy.KEPT", 3)
    form = LineFormat(LogIdentity("Host123", "15.01.2507.035"))
    for number in range(9):
        assert row(form, client_ip=f"192.0.2.{number}")["ClientIpAddress"] == f"192.0.2.{number}"
    row(form, user_agent="x" * 10_000)
    assert len(form._kept) == 3
    assert row(form, client_ip="192.0.2.1")["ClientIpAddress"] == "192.0.2.1"
