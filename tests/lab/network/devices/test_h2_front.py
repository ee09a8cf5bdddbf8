"""h2_front: h2 is offered, and refused as IIS refuses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.network import Bench, Peer, _Made, request
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.network.devices.h2_front import H2Front
from mapiproxy.lab.network.devices.h2_refusing import HEADERS, PREFACE, RST_STREAM, SETTINGS, frame
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.tls import Termination


def front(folder: Path, **settings: Any) -> Bench:
    termination = Termination.by(Authority(folder), re_encrypt=False)
    return Bench(H2Front, tls=termination, **settings)


def client(bench: Bench, *offers: bytes) -> Peer:
    made: list[Peer] = []
    options = CertificateOptions(verify=False, acceptableProtocols=list(offers))
    bench.client(factory=TLSMemoryBIOFactory(options, True, _Made(made), clock=bench.reactor))
    bench.wait(0.1)
    return made[0]


def test_a_client_that_takes_h2_is_refused_for_each_request(tmp_path: Path) -> None:
    bench = front(tmp_path)
    peer = client(bench, b"h2", b"http/1.1")
    bench.say(peer, PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, b"\x82"))
    assert peer.transport.negotiatedProtocol == b"h2"
    assert peer.data.endswith(frame(RST_STREAM, 0, 1, b"\0\0\0\x0d"))
    assert bench.server.data == b""
    assert bench.device.counters.injected == {"http_1_1_required": 1}
    peer.transport.abortConnection()
    bench.settle()
    assert ("tls", "lost") not in [(each.label, each.outcome) for each in bench.told]


def test_or_the_whole_connection_is(tmp_path: Path) -> None:
    bench = front(tmp_path, refuse="connection")
    peer = client(bench, b"h2")
    bench.say(peer, PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 5, 1, b"\x82"))
    assert peer.data.endswith(b"\0\0\0\x01\0\0\0\x0d")
    assert peer.end == "ConnectionDone"


def test_http_1_1_is_passed_on(tmp_path: Path) -> None:
    bench = front(tmp_path)
    peer = client(bench, b"http/1.1")
    bench.say(peer, request())
    assert bench.server.data == request()


def test_it_has_to_end_tls() -> None:
    with pytest.raises(BadRule, match="has to end it"):
        Bench(H2Front)
