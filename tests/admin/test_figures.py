"""What the overview makes of the replies."""

from __future__ import annotations

import pytest
from support.admin import EP, FakeProxy, counted
from support.orders import SERVER

from mapiproxy.admin.figures import (
    BAR,
    LEAST,
    Check,
    builds_of,
    check_of,
    codes_of,
    ours_of,
    rows_of,
    warnings_of,
)
from mapiproxy.backends.kind import Kind


def test_a_row_is_a_server_with_its_statistics_codes_and_virtual_directories() -> None:
    proxy = FakeProxy()
    one, other = rows_of(proxy.servers, proxy.status, proxy.statistics)["mapi"]
    assert one.counted == counted()
    assert [(code.code, code.name) for code in one.codes] == [
        ("0", "Success"), ("7", "Missing Header"), ("10", "Context Not Found"),
    ]  # fmt: skip
    assert (one.word, one.tone, one.vdirs, one.lacking) == ("UP", "good", "7 of 7 up", "")
    assert (other.word, other.tone, other.vdirs, other.lacking) == ("DOWN", "bad", "5 of 7 up", "ews, oab")
    assert {dot.name: dot.word for dot in other.dots}["ecp"] == "switched off"


def test_an_older_proxy_without_statistics_still_has_rows() -> None:
    proxy = FakeProxy()
    row = rows_of(proxy.servers, proxy.status, None)["mapi"][0]
    assert (row.counted, row.codes) == (None, ())


def test_a_server_whose_pool_went_away_meanwhile_is_left_out() -> None:
    proxy = FakeProxy()
    assert rows_of([{**SERVER, "pool": "gone"}], proxy.status, None) == {"mapi": []}


@pytest.mark.parametrize(
    ("admin", "up", "word"),
    [("ready", True, "UP"), ("drain", True, "DRAIN"), ("maint", True, "MAINT"), ("drain", False, "DOWN")],
)
def test_the_state_is_one_word(admin: str, up: bool, word: str) -> None:
    proxy = FakeProxy()
    (row,) = rows_of([{**SERVER, "admin": admin, "up": up}], proxy.status, None)["mapi"]
    assert row.word == word


def test_codes_are_named_for_the_kind_of_server() -> None:
    names = {kind: [code.name for code in codes_of({"0": 5, "2": 1, "8": 1}, kind)] for kind in Kind}
    assert names[Kind.EXCHANGE] == ["Success", "Invalid Verb", "Anonymous Not Allowed"]
    assert names[Kind.GROMMUNIO] == ["Success", "Invalid Context Cookie", "Invalid Request Type"]


def test_the_bar_is_full_and_a_rare_code_is_seen() -> None:
    codes = codes_of({"0": 1_000_000, "10": 1, "6": 1, "other": 1, "5": 0}, Kind.EXCHANGE)
    assert [code.code for code in codes] == ["0", "6", "10", "other"]
    assert [code.tone for code in codes] == ["good", "fair", "fair", "bad"]
    assert sum(code.wide for code in codes) == pytest.approx(BAR, abs=0.1)
    assert all(code.wide > LEAST * 0.9 for code in codes)
    assert codes[2].left == pytest.approx(codes[1].left + codes[1].wide, abs=0.02)
    assert codes_of({}, Kind.EXCHANGE) == codes_of({"0": 0}, Kind.EXCHANGE) == ()


def test_what_the_proxy_answered_itself_is_told_apart() -> None:
    proxy = FakeProxy()
    ours = ours_of("mapi", proxy.statistics)
    assert ours is not None
    assert ours["errors"]["denied"] == 12
    assert ours_of("mapi", None) is None


def test_the_last_check_has_its_stages() -> None:
    probe = SERVER["probe"]
    assert check_of(probe) == Check("1+3+2+0 ms", "connect 1 ms, TLS 3 ms, HTTP 2 ms, body 0 ms")
    assert check_of({**probe, "tls_ms": None}) == Check("1+2+0 ms", "connect 1 ms, HTTP 2 ms, body 0 ms")
    cut = {**probe, "tls_ms": None, "http_ms": None, "body_ms": None}
    assert check_of(cut) == Check("1+-+-+- ms", "connect 1 ms, TLS - ms, HTTP - ms, body - ms")
    assert check_of({**cut, "connect_ms": None}) == Check("not reached", "nothing answered")
    assert check_of(None) is None


def test_builds_come_with_the_support_matrix() -> None:
    found, more = builds_of({"builds": {"Outlook 16.0.17328": 5, "Outlook 12.0.6000": 9, "other": 1}})
    assert [(build.name, build.tone) for build in found] == [
        ("Outlook 12.0.6000", "bad"), ("Outlook 16.0.17328", "good"), ("other", "off"),
    ]  # fmt: skip
    assert "cannot speak MAPI/HTTP" in found[0].verdict
    assert more == 0
    assert builds_of({"builds": {f"b{n}": n for n in range(50)}})[1] == 30
    assert builds_of(None) == ([], 0)


def test_what_is_wrong_is_said_loudly() -> None:
    proxy = FakeProxy()
    said = warnings_of(proxy.status, proxy.servers)
    assert said == ["mapi/EXCH2 is DOWN: probe: tls: took longer than 5 s", EP]
    worse = {
        **proxy.status, "stopping": True, "lag": {"now": 1.2, "worst": 2}, "last_reload": {"ok": False, "at": 1},
        "pools": [{**proxy.status["pools"][0], "up": 0}], "certificates": {},
    }  # fmt: skip
    assert warnings_of(worse, []) == [
        "pool mapi: no server is in service", "the last reload was refused: what ran before goes on running",
        "the proxy itself is late by 1200 ms: its machine or its log is slow", "the proxy is stopping",
    ]  # fmt: skip
