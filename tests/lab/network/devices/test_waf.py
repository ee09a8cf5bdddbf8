"""waf: what it refuses and strips."""

from __future__ import annotations

import pytest
from support.network import Bench, answer, request

from mapiproxy.lab.network.devices.waf import Waf
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.tls import PASS_THROUGH


@pytest.mark.parametrize(
    ("settings", "raw", "status"),
    [
        ({"methods": ("GET", "POST")}, request(method="OPTIONS"), b"403"),
        ({"deny": ("/mapi",)}, request(), b"403"),
        ({"case_sensitive": True}, request(target="/MAPI/emsmdb/"), b"404"),
        ({"body_limit": 3}, request(), b"413"),
    ],
)
def test_it_refuses(settings: dict[str, object], raw: bytes, status: bytes) -> None:
    bench = Bench(Waf, **settings)
    client = bench.client()
    bench.say(client, raw)
    assert client.data.startswith(b"HTTP/1.1 " + status)
    assert bench.server.data == b""


def test_it_strips_and_passes_the_rest() -> None:
    bench = Bench(Waf, strip=("X-*",), content_type="text/plain", lower_case=True)
    client = bench.client()
    bench.say(client, request())
    assert b"x-requesttype" not in bench.server.data.lower()
    assert b"\r\ncontent-type: text/plain\r\n" in bench.server.data
    bench.say(bench.server, answer())
    assert b"x-responsecode" not in client.data
    assert client.data.endswith(answer().partition(b"\r\n\r\n")[2])


def test_it_has_to_see() -> None:
    with pytest.raises(BadRule, match="has to see the plaintext"):
        Bench(Waf, tls=PASS_THROUGH)
