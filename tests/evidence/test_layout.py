"""Columns by name, whatever file they are from."""

from __future__ import annotations

import pytest

from mapiproxy.evidence.layout import COLUMNS, KNOWN, LOOKED_AT, BadHeader, guess, layout_of, read_header

#: Of list (f) the reference gives the tail and what is missing; 49 names that fit that.
F = (
    "DateTime", "RequestId", "MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion",
    "ClientRequestId", "Protocol", "UrlStem", "ProtocolAction", "AuthenticationType", "IsAuthenticated",
    "AuthenticatedUser", "Organization", "AnchorMailbox", "UserAgent", "ClientIpAddress", "ServerHostName",
    "HttpStatus", "BackEndStatus", "ErrorCode", "Method", "ProxyAction", "TargetServer",
    "TargetServerVersion", "RoutingHint", "BackEndCookie", "ServerLocatorHost", "ServerLocatorLatency",
    "RequestBytes", "ResponseBytes", "TargetOutstandingRequests", "AuthModulePerfContext",
    "HttpPipelineLatency", "CalculateTargetBackEndLatency", "TotalGlsLatency", "TotalAccountForestLatency",
    "ADLatency", "ActivityContextLifeTime", "ModuleToHandlerSwitching", "FirstResponseByteReceived",
    "ProxyTime", "RequestHandlerLatency", "HandlerToModuleSwitching", "HttpProxyOverhead", "TotalRequestTime",
    "UrlQuery", "GenericInfo", "GenericErrors",
)  # fmt: skip


@pytest.mark.parametrize("names", [*KNOWN.values(), F], ids=lambda names: str(len(names)))
def test_every_list_of_the_reference_is_read_by_name(names: tuple[str, ...]) -> None:
    layout = layout_of(names)
    values = [name.encode() for name in names]
    picked = layout.pick([*values, *layout.spare])

    assert layout.time_first
    assert picked == tuple(name.encode() if name in names else b"" for name in LOOKED_AT)


def test_the_lists_have_the_lengths_that_real_files_have() -> None:
    assert {width: len(names) for width, names in KNOWN.items()} == {n: n for n in (74, 70, 69, 68, 64)}
    assert KNOWN[70][-1] == "EdgeTraceId"
    assert KNOWN[69][-1] == KNOWN[68][-1] == KNOWN[64][-1] == "GenericErrors"
    assert len(F) == 49


@pytest.mark.parametrize(
    "line",
    [
        b"#Fields: " + ",".join(COLUMNS).encode(),
        b"#fields:" + ",".join(COLUMNS).encode() + b"\r",
        b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r",
        b'"' + '","'.join(COLUMNS).encode() + b'"',
    ],
)
def test_a_header_may_be_bare_or_not_and_have_a_byte_order_mark(line: bytes) -> None:
    found = read_header(line)
    # Import-Csv | Export-Csv quotes the names; the first of them then is no DateTime, but "DateTime.
    assert found == COLUMNS or line.startswith(b'"')


def test_other_comments_are_no_headers() -> None:
    assert [read_header(line) for line in (b"#Software: x", b"#Date: y", b"", b"2024,1")] == [None] * 4


def test_spelling_and_case_of_names_do_not_matter() -> None:
    layout = layout_of(("DATETIME", "BackendStatus", "httpstatus", "TotalRequestTime"))
    picked = dict(zip(LOOKED_AT, layout.pick([b"1", b"2", b"3", b"4", b""]), strict=True))

    assert (picked["DateTime"], picked["BackEndStatus"], picked["HttpStatus"]) == (b"1", b"2", b"3")


def test_a_header_without_what_is_needed_names_what_is_missing() -> None:
    with pytest.raises(BadHeader, match="no HttpStatus, TotalRequestTime"):
        layout_of(("DateTime", "session-id"))


def test_rows_without_a_header_are_told_by_their_number_where_that_is_sure() -> None:
    assert [width for width in range(100) if guess(width) is not None] == sorted(KNOWN)
