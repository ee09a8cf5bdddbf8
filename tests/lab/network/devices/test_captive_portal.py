"""captive_portal: a redirect until somebody logs in."""

from __future__ import annotations

from support.network import Bench, answer, request

from mapiproxy.lab.network.devices.captive_portal import CaptivePortal


def test_everything_is_redirected_until_the_log_in() -> None:
    bench = Bench(CaptivePortal, location="http://portal.example.test/")
    client = bench.client()
    bench.say(client, request() + b"GET /owa/ HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.data.count(b"HTTP/1.1 302 Found\r\nLocation: http://portal.example.test/\r\n") == 2
    assert bench.server.data == b""
    bench.device.log_in()
    bench.device.log_in()
    client.data = b""
    bench.say(client, request())
    bench.say(bench.server, answer())
    assert client.data == answer()
    assert bench.labels("state") == ["logged in"]


def test_a_visit_to_its_page_is_a_log_in() -> None:
    bench = Bench(CaptivePortal)
    client = bench.client()
    bench.say(client, b"GET /captive-portal/log-in HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.data.startswith(b"HTTP/1.1 302")
    bench.say(client, request())
    assert bench.server.data == request()
