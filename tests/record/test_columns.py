"""The columns, and whose log it is."""

from __future__ import annotations

import pytest

from mapiproxy.record.columns import COLUMNS, LogIdentity


def test_there_are_74_columns_and_readers_by_position_find_theirs() -> None:
    """The positions that Elastic's pipeline and Microsoft's Sentinel transform rely on."""
    assert len(COLUMNS) == len(set(COLUMNS)) == 74
    expected = {
        0: "DateTime", 6: "ClientRequestId", 13: "AuthenticatedUser", 16: "UserAgent",
        18: "ServerHostName", 19: "HttpStatus", 22: "Method", 31: "RequestBytes",
        32: "ResponseBytes", 35: "HttpPipelineLatency", 46: "ActivityContextLifeTime",
        59: "ProxyTime", 63: "TotalRequestTime", 65: "UrlQuery", 67: "GenericInfo",
        70: "DatabaseGuid", 73: "RoutingStatus",
    }  # fmt: skip
    assert {place: COLUMNS[place] for place in expected} == expected


def test_the_spelling_traps_are_spelt_as_exchange_spells_them() -> None:
    large = [name for name in COLUMNS if name.startswith("BackEnd")]
    small = [name for name in COLUMNS if name.startswith("Backend")]
    assert large == ["BackEndStatus", "BackEndCookie", "BackEndGenericInfo"]
    assert len(small) == 5
    assert all(name.endswith("Latency") for name in small)


@pytest.mark.parametrize("version", ["15.02.2562.045", "15.2.2562.45"])
def test_a_version_is_padded_in_the_header_and_plain_in_the_columns(version: str) -> None:
    identity = LogIdentity("HOST", version)
    assert identity.header_version == "15.02.2562.045"
    assert identity.numbers == (15, 2, 2562, 45)


@pytest.mark.parametrize("version", ["", "15", "15.2.2562", "15.2.2562.45.1", "v15.2.1.1", "15.2.2562.45\n"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="not an Exchange version"):
        LogIdentity("HOST", version)


def test_a_server_name_cannot_break_lines() -> None:
    assert LogIdentity("A,B\r\n", "15.2.2562.45").server_name == "A B  "
