"""strip_headers: by pattern, in both directions, and nothing else."""

from __future__ import annotations

import pytest
from support.network import LaneUnderTest, answer, conversation, request

from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.rule import parse_rule


def stripped(raw: bytes, **settings: object) -> bytes:
    lane = LaneUnderTest({"fault": "strip_headers", **settings}, direction="to_server")
    lane.put(*conversation(raw, b"")[0])
    return lane.data


def test_names_by_pattern_in_any_case() -> None:
    raw = request(headers=["X-RequestId: {A}:1", "x-clientinfo: {A}:1", "Cookie: MapiContext=a"])
    out = stripped(raw, names=["X-*", "cookie"])
    assert b"x-" not in out.lower()
    assert b"Cookie" not in out
    assert out.endswith(b"\r\nContent-Length: 6\r\n\r\nabcdef")
    assert stripped(raw, names=["X-RequestId"]) == raw.replace(b"X-RequestId: {A}:1\r\n", b"")


def test_framing_goes_only_by_its_full_name() -> None:
    assert b"Content-Length" in stripped(request(), names=["*"])
    assert b"Content-Length" not in stripped(request(), names=["content-length"])


def test_another_content_type_in_answers() -> None:
    lane = LaneUnderTest({"fault": "strip_headers", "names": "Set-Cookie", "content_type": "text/plain"})
    raw = answer().replace(b"200 OK\r\n", b"200 OK\r\nSet-Cookie: MapiContext=a; path=/\r\n")
    lane.put(*conversation(request(), raw)[1])
    assert lane.data == answer().replace(b"application/mapi-http", b"text/plain")


def test_it_has_to_do_something() -> None:
    with pytest.raises(BadRule, match="names or content_type"):
        parse_rule({"fault": "strip_headers"})
