"""clock_skew: times are shifted, durations are not."""

from __future__ import annotations

from support.network import HEAD, LaneUnderTest, conversation, request

LINES = (
    b"Date: Mon, 05 Jan 2026 08:00:00 GMT\r\nExpires: -1\r\nX-ExpirationInfo: 900000\r\n"
    b"Set-Cookie: a=b; expires=Mon, 05 Jan 2026 09:00:00 GMT; path=/\r\n"
)


def skewed(**settings: object) -> bytes:
    lane = LaneUnderTest({"fault": "clock_skew", **settings})
    lane.put(*conversation(request(), HEAD + LINES + b"Content-Length: 0\r\n\r\n")[1])
    return lane.data


def test_ahead_and_behind() -> None:
    ahead = skewed(skew="10m")
    assert b"Date: Mon, 05 Jan 2026 08:10:00 GMT\r\nExpires: -1\r\nX-ExpirationInfo: 900000\r\n" in ahead
    assert b"expires=Mon, 05 Jan 2026 09:10:00 GMT; path=/" in ahead
    assert b"Date: Mon, 05 Jan 2026 07:00:00 GMT" in skewed(skew="1h", behind=True)


def test_another_expiration() -> None:
    assert b"X-ExpirationInfo: 60000\r\n" in skewed(expiration="1m")
    assert b"08:00:00" in skewed(expiration="1m")
