"""A device that ends TLS: which certificate is shown, whom it trusts, and what it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from support.network import Bench, Peer, _Made, answer, request
from twisted.protocols.tls import TLSMemoryBIOFactory

from mapiproxy.lab.authority import Authority
from mapiproxy.lab.network.reading import BadRule
from mapiproxy.lab.network.tls import Termination
from mapiproxy.lab.tls import client_options, server_context


class TlsBench(Bench):
    """Clients and servers speak TLS; the device is in the middle of it."""

    def __init__(self, folder: Path, *, trust: Authority | None = None, **more: Any) -> None:
        self.authority = Authority(folder / "ca")
        self.termination = Termination.by(self.authority, **({"ca_file": trust.ca_file} if trust else {}))
        super().__init__(tls=self.termination, **more)
        issued = self.authority.issue(stem="server")
        there = self.reactor.listening[self.to[0][1]]
        context = server_context(issued.certificate, issued.key)
        there.factory = TLSMemoryBIOFactory(context, False, there.factory, clock=self.reactor)

    def tls_client(self, trust: Path | None = None) -> Peer:
        made: list[Peer] = []
        options = client_options("localhost", trust or self.authority.ca_file)
        factory = TLSMemoryBIOFactory(options, True, _Made(made), clock=self.reactor)
        self.client(factory=factory)
        self.settle()
        self.wait(0.1)
        return made[0]


def test_it_sees_what_is_said_and_encrypts_it_again(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": "latency", "delay": "1s", "request_type": "PING"}])
    client = bench.tls_client()
    bench.say(client, request("PING"))
    assert bench.server.data == request("PING")
    bench.say(bench.server, answer())
    assert client.data == b""
    bench.wait(1.2)
    assert client.data == answer()
    client.transport.loseConnection()
    bench.wait(0.2)
    assert bench.server.end == "ConnectionDone"
    assert bench.device.counters.open == 0


@pytest.mark.parametrize("fault", ["tls_interception", "expired_certificate"])
def test_a_client_that_looks_refuses_other_certificates(tmp_path: Path, fault: str) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": fault, "limit": 1}])
    refused = bench.tls_client()
    assert refused.end == "Error"
    assert refused.data == b""
    good = bench.tls_client()
    bench.say(good, request())
    assert bench.server.data == request()


def test_a_client_that_trusts_the_interceptor_is_served(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": "tls_interception"}])
    bench.termination.context("stranger")
    client = bench.tls_client(tmp_path / "ca" / "stranger" / "ca.pem")
    bench.say(client, request())
    assert bench.server.data == request()


def test_a_server_that_it_does_not_trust_is_not_spoken_to(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, trust=Authority(tmp_path / "other"))
    client = bench.tls_client()
    bench.say(client, request())
    bench.wait(0.2)
    assert bench.server.data == b""
    assert client.end != ""


def test_reset_before_the_handshake(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": "reset", "phase": "tls"}])
    assert bench.tls_client().end != ""
    assert bench.device.counters.open == 0


def test_a_late_handshake(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": "latency", "delay": "3s", "phase": "tls"}])
    client = bench.tls_client()
    bench.say(client, request())
    assert bench.server.data == b""
    bench.wait(3.2)
    assert bench.server.data == request()


def test_to_plain_servers(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    termination = Termination.by(authority, re_encrypt=False)
    assert termination.client() is None
    assert isinstance(termination.context().getContext(), SSL.Context)


def test_without_an_authority_there_is_no_other_certificate(tmp_path: Path) -> None:
    issued = Authority(tmp_path / "ca").issue()
    bench = Bench(tls=Termination(issued.certificate, issued.key))
    with pytest.raises(BadRule, match="no authority"):
        bench.device.add({"fault": "tls_interception"})


def test_a_handshake_that_fails_is_told(tmp_path: Path) -> None:
    bench = TlsBench(tmp_path, rules=[{"fault": "expired_certificate"}])
    bench.tls_client()
    assert ("tls", "lost") in [(each.label, each.outcome) for each in bench.told]
