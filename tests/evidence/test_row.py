"""What one row says, Exchange's or ours."""

from __future__ import annotations

import pytest
from support.logrows import (
    ABORTED_UPLOAD,
    CONNECT,
    EXECUTE,
    REDIRECT,
    RPC_2013,
    UNAUTHORIZED,
    row,
    rows_of,
    their_row,
)

from mapiproxy.evidence.row import address_of, number


def test_the_connect_of_the_reference() -> None:
    (found,) = rows_of([CONNECT.encode()])

    assert (found.protocol, found.sort, found.endpoint, found.is_wait) == ("Mapi", "Connect", "emsmdb", False)
    assert (found.user, found.organization) == ("DOMAIN\\HealthMailboxXXX", "domain.test")
    assert found.mailbox == "1234567-4444-1234-4567-123456789987"
    assert found.client == "fe80::1234:5678:123a:245e"
    assert found.backend == "SERVER_HOSTNAME.domain.test"
    assert (found.status, found.backend_status, found.total) == (200, 200, 16)
    assert (found.request_bytes, found.response_bytes) == (371, 443)
    assert (found.ending, found.phase, found.code, found.ours) == ("Done", "", None, False)
    assert found.client_instance == "97c0f33d-7e97-4147-9742-ee1e9a3cc2f4"


def test_the_execute_of_the_reference() -> None:
    (found,) = rows_of([EXECUTE.encode()])

    assert (found.sort, found.client_instance) == ("Execute", "{FF8D5880-5A7A-4AF7-8DDA-8F662BD6BCB6}")
    assert found.agent.startswith("Microsoft Office/16.0")
    assert found.address == "0aa89cf8-1111-2222-3333-444455556666@domain.tld"


def test_the_channel_of_2013_is_a_wait_and_names_its_mailbox_in_the_query() -> None:
    (found,) = rows_of([RPC_2013.encode()])

    assert (found.sort, found.is_wait, found.ending, found.phase) == ("RPC_OUT_DATA", True, "Broken", "")
    assert found.address == "ad44b1e0-e44f-4a16-9396-3a437f594f88@tailspintoys.com"
    assert (found.endpoint, found.lost_headers) == ("", False)


def test_an_aborted_upload_of_exchange_has_an_ending_and_a_phase() -> None:
    (found,) = rows_of([ABORTED_UPLOAD])

    assert (found.sort, found.client, found.ending, found.phase) == ("Eas Sync", "52.96.16.37", "ClientDisconnect", "Request")
    assert found.backend_status is None


def test_rows_that_name_nobody() -> None:
    unauthorized, redirect = rows_of([UNAUTHORIZED, REDIRECT])

    assert (unauthorized.user, unauthorized.mailbox, unauthorized.sort) == ("", "someone@domain.tld", "Autodiscover POST")
    assert (redirect.backend, redirect.backend_status, redirect.sort) == ("", None, "Owa GET")


def test_ours_tell_more() -> None:
    found = row(wait=40, phase="Answer", late_response_code=10, pulses=3, error="gone, indeed", retries=2)

    assert (found.ours, found.ending, found.phase, found.code) == (True, "ClientDisconnect", "Answer", 10)
    assert (found.backend, found.agent) == ("exch1", "Outlook/16.0.16731.20000")
    assert (found.info(b"Pendings"), found.info(b"Retries"), found.info(b"MovedFrom")) == (b"3", b"2", None)
    assert found.error == "gone  indeed"
    assert found.value("ErrorCode") == b"ClientDisconnect"


def test_a_key_of_generic_info_is_no_part_of_another() -> None:
    """LateResponseCode ends like X-ResponseCode does, and BackEndRequestId contains Request."""
    found = row(response_code=0, late_response_code=None, backend_request_id="x")

    assert (found.code, found.info(b"ResponseCode"), found.info(b"BeginRequest")) == (0, None, b"2024-01-24T15:26:39.997Z")


@pytest.mark.parametrize(
    ("values", "wait"),
    [
        ({"ClientRequestId": "R:x:1;RT:NotificationWait;CI:;CID:<null>"}, True),
        ({"ClientRequestId": "R:x:1;RT:notificationwait;CI:;CID:<null>"}, True),
        ({"ClientRequestId": "R:x:1;RT:PING;CI:;CID:<null>"}, False),
        ({"Protocol": "Eas", "UrlQuery": "?Cmd=Ping&User=a"}, True),
        ({"Protocol": "Eas", "UrlQuery": "?Cmd=Sync&User=a"}, False),
        ({"Protocol": "Eas", "UrlQuery": "?Cmd=Sync&User=a", "TotalRequestTime": 60_000}, True),
        ({"Protocol": "Owa", "UrlStem": "/owa/ev.owa2"}, True),
        ({"Protocol": "Owa", "UrlStem": "/owa/"}, False),
        ({"Protocol": "RpcHttp", "Method": "RPC_IN_DATA"}, True),
        ({"Protocol": "Ews"}, False),
    ],
)
def test_what_takes_long_by_its_nature(values: dict[str, str], wait: bool) -> None:
    assert their_row(**values).is_wait is wait


@pytest.mark.parametrize(
    ("values", "sort"),
    [
        ({"ClientRequestId": "R:;RT:;CI:;CID:<null>"}, "Mapi POST"),
        ({"UrlStem": "/mapi/healthcheck.htm", "ClientRequestId": "", "Method": "GET"}, "healthcheck"),
        ({"Protocol": "", "Method": "", "ClientRequestId": ""}, "?"),
        ({"Protocol": "Ews"}, "Ews POST"),
    ],
)
def test_what_a_request_is_called(values: dict[str, str], sort: str) -> None:
    assert their_row(**values).sort == sort


def test_a_mapi_call_without_any_of_its_headers_has_been_stripped() -> None:
    bare = "R:;RT:;CI:;CID:<null>"
    assert their_row(ClientRequestId=bare).lost_headers
    assert not their_row(ClientRequestId=bare, Method="GET").lost_headers
    assert not their_row(ClientRequestId="R:x:1;RT:;CI:;CID:<null>").lost_headers
    assert not their_row(ClientRequestId=bare, UrlStem="/mapi/healthcheck.htm").lost_headers


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("52.96.16.37:49660", "52.96.16.37"),
        ("10.0.0.1  10.0.0.2", "10.0.0.1"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("fe80::1%3", "fe80::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("somewhere", "somewhere"),
        ("", ""),
    ],
)
def test_an_address_stands_alone(text: str, address: str) -> None:
    assert address_of(text.encode()) == address


def test_numbers_of_2016_and_of_2013_and_none() -> None:
    texts = (b"16", b"16272.3359", b"", b"-", b"nan", b"inf", b"1e999")
    assert [number(text) for text in texts] == [16, 16272, None, None, None, None, None]
